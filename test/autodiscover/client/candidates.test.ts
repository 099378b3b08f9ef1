import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type Candidate,
  isServicePath,
  listCandidates,
  parseServerUrl,
} from '../../../src/autodiscover/client/candidates.ts';

function shown(list: readonly Candidate[]): string[] {
  return list.map(
    (candidate) =>
      `${candidate.step} ${'skipped' in candidate ? `(${candidate.skipped})` : Object.values(candidate)[1]}`,
  );
}

test('the order for a domain', () => {
  assert.deepEqual(shown(listCandidates('contoso.test', undefined, { dialect: 'pox' })), [
    'scp (no directory to search)',
    'root-domain https://contoso.test/autodiscover/autodiscover.xml',
    'autodiscover-host https://autodiscover.contoso.test/autodiscover/autodiscover.xml',
    'http-redirect http://autodiscover.contoso.test/autodiscover/autodiscover.xml',
    'srv _autodiscover._tcp.contoso.test',
    'local-file (no file given)',
  ]);
});

test('SCPs first, the local file last or first, excluded steps said once', () => {
  const scps = ['a', 'b'].map((name) => ({ url: `https://${name}.test/x`, sites: [], distinguishedName: name }));
  const options = { dialect: 'soap', localFile: 'f.xml' } as const;
  assert.deepEqual(shown(listCandidates('contoso.test', scps, options)).at(0), 'scp https://a.test/x');
  assert.deepEqual(shown(listCandidates('contoso.test', scps, options)).at(-1), 'local-file f.xml');
  assert.deepEqual(
    shown(listCandidates('contoso.test', scps, { ...options, preferLocalFile: true })).at(0),
    'local-file f.xml',
  );
  assert.deepEqual(
    shown(listCandidates('contoso.test', scps, { ...options, exclude: ['scp', 'srv', 'root-domain'] })),
    [
      'scp (excluded)',
      'root-domain (excluded)',
      'autodiscover-host https://autodiscover.contoso.test/autodiscover/autodiscover.svc',
      'http-redirect http://autodiscover.contoso.test/autodiscover/autodiscover.svc',
      'srv (excluded)',
      'local-file f.xml',
    ],
  );
});

test('no candidate lies above the mail domain', () => {
  const urls = shown(listCandidates('mail.corp.contoso.test', [], { dialect: 'pox' }));
  assert.ok(
    urls.every((text) => !/\/\/(autodiscover\.)?(corp\.)?contoso\.test/.test(text)),
    urls.join(),
  );
});

function path(url: string, want: boolean): void {
  test(`${url} is ${want ? 'a' : 'no'} service path`, () => assert.equal(isServicePath(new URL(url)), want));
}
path('https://x.test/autodiscover/autodiscover.xml', true);
path('https://x.test/AutoDiscover/AutoDiscover.SVC', true);
path('https://x.test/autodiscover/alice@x.test/autodiscover.xml', true); // as Exchange Online redirects
path('https://x.test//autodiscover//autodiscover.xml/', true);
path('https://x.test/autodiscover/autodiscover.xml?x=1', true);
path('https://x.test/autodiscover/', false);
path('https://x.test/login?next=/autodiscover/autodiscover.xml', false);
path('https://x.test/autodiscover/autodiscover.xml.html', false);
path('https://x.test/notautodiscover/autodiscover.xml', false);
path('https://x.test/autodiscover/notautodiscover.xml', false);

function server(text: string, want: string | undefined): void {
  test(`--server ${text}`, () => assert.equal(parseServerUrl(text, 'pox')?.href, want));
}
server('mail.contoso.test', 'https://mail.contoso.test/autodiscover/autodiscover.xml');
server('mail.contoso.test:8443', 'https://mail.contoso.test:8443/autodiscover/autodiscover.xml');
server('https://mail.contoso.test', 'https://mail.contoso.test/autodiscover/autodiscover.xml');
server('https://mail.contoso.test/ad/autodiscover.svc', 'https://mail.contoso.test/ad/autodiscover.xml');
server('https://[::1]:8443', 'https://[::1]:8443/autodiscover/autodiscover.xml');
server('http://mail.contoso.test', undefined); // never without TLS
server('https://alice:secret@mail.contoso.test', undefined); // no password on a command line
server('ldap://mail.contoso.test', undefined);
server('', undefined);
