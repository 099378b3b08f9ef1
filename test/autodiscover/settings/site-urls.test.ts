// Which site's URLs a mailbox is given.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  authPackage,
  chooseUrl,
  owaMethods,
  type SiteChoice,
  urlsOfSite,
} from '../../../src/autodiscover/settings/site-urls.ts';
import { Trace } from '../../../src/autodiscover/settings/trace.ts';
import type { VirtualDirectory } from '../../../src/ldap/exchange-organization.ts';
import { NORTH, organization, SOUTH, server, version, virtualDirectory } from './organization-builder.ts';

const EAST = 'CN=East,CN=Sites,CN=Configuration,DC=x';
const sites = [
  { distinguishedName: EAST, name: 'East' },
  { distinguishedName: NORTH, name: 'North' },
  { distinguishedName: SOUTH, name: 'South' },
];
const servers = [
  server('CAS1'),
  server('CAS2'),
  server('EAST1', { siteDn: EAST }),
  server('MBX1', { roles: 2 }),
  server('NEW1', { versionNumber: version(15, 0) }),
  server('SOUTH1', { siteDn: SOUTH }),
];
const ews = (name: string, url: string | undefined, side: 'internalUrl' | 'externalUrl' = 'externalUrl') =>
  virtualDirectory(name, 'ews', { [side]: url });

function choose(
  directories: readonly VirtualDirectory[],
  choice: Partial<SiteChoice> = {},
  side: 'internal' | 'external' = 'external',
) {
  const trace = new Trace();
  const index = organization({ sites, servers, virtualDirectories: directories });
  const found = chooseUrl(index, 'ews', side, { siteDn: NORTH, externalSite: undefined, ...choice }, trace);
  return { url: found?.url, notes: trace.steps.map((step) => step.text) };
}

const URL_OF = (name: string) => `https://${name}.x.test/ews`;
const rows: readonly (readonly [
  why: string,
  directories: readonly VirtualDirectory[],
  choice: Partial<SiteChoice>,
  expected: string | undefined,
  noted: boolean,
])[] = [
  ['its own site', [ews('SOUTH1', URL_OF('s')), ews('CAS1', URL_OF('n'))], {}, URL_OF('n'), false],
  [
    'its own site before the configured one',
    [ews('SOUTH1', URL_OF('s')), ews('CAS1', URL_OF('n'))],
    { externalSite: 'South' },
    URL_OF('n'),
    false,
  ],
  ['the first server by name', [ews('CAS2', URL_OF('2')), ews('CAS1', URL_OF('1'))], {}, URL_OF('1'), false],
  ['a server that has a URL', [ews('CAS1', undefined), ews('CAS2', URL_OF('2'))], {}, URL_OF('2'), false],
  ['another site by name', [ews('SOUTH1', URL_OF('s')), ews('EAST1', URL_OF('e'))], {}, URL_OF('e'), true],
  [
    'the configured site',
    [ews('SOUTH1', URL_OF('s')), ews('EAST1', URL_OF('e'))],
    { externalSite: 'south' },
    URL_OF('s'),
    true,
  ],
  [
    'a configured site that does not exist',
    [ews('EAST1', URL_OF('e'))],
    { externalSite: 'Nowhere' },
    URL_OF('e'),
    true,
  ],
  ['a configured site without URLs', [ews('EAST1', URL_OF('e'))], { externalSite: 'South' }, URL_OF('e'), true],
  ['an unknown site', [ews('EAST1', URL_OF('e'))], { siteDn: undefined }, URL_OF('e'), true],
  ['nobody', [], {}, undefined, false],
  ['a server without Client Access does not count', [ews('MBX1', URL_OF('m'))], {}, undefined, false],
  ['a server of another version does not count', [ews('NEW1', URL_OF('x'))], {}, undefined, false],
  [
    'text that is no URL does not count',
    [ews('CAS1', 'mail.x.test/ews'), ews('CAS2', 'javascript:alert(1)')],
    {},
    undefined,
    false,
  ],
  ['blanks around a URL are none of it', [ews('CAS1', ` ${URL_OF('n')}\t`)], {}, URL_OF('n'), false],
  ['a URL without a host does not count', [ews('CAS1', 'https:///ews')], {}, undefined, false],
  [
    'a directory of another kind does not count',
    [virtualDirectory('CAS1', 'ecp', { externalUrl: URL_OF('n') })],
    {},
    undefined,
    false,
  ],
];
for (const [why, directories, choice, expected, noted] of rows) {
  test(why, () => {
    const { url, notes } = choose(directories, choice);
    assert.equal(url, expected);
    assert.equal(notes.length, noted ? 1 : 0, String(notes));
  });
}

test('of several directories on one server the same is chosen, in whatever order a controller names them', () => {
  const named = (name: string, url: string) => ({ ...ews('CAS1', url), distinguishedName: `CN=${name},CN=HTTP,DC=x` });
  const directories = [named('EWS (B)', URL_OF('b')), named('EWS (A)', URL_OF('a')), named('EWS (C)', URL_OF('c'))];
  assert.equal(choose(directories).url, URL_OF('a'));
  assert.equal(choose(directories.toReversed()).url, URL_OF('a'));
});

test('internal and external URLs are told apart', () => {
  const directories = [ews('CAS1', URL_OF('i'), 'internalUrl'), ews('EAST1', URL_OF('e'))];
  assert.equal(choose(directories, {}, 'internal').url, URL_OF('i'));
  assert.equal(choose(directories, {}, 'external').url, URL_OF('e'));
});

test('every distinct URL of a site once', () => {
  const directories = ['CAS1', 'CAS2'].map((name) => virtualDirectory(name, 'owa', { internalUrl: URL_OF('same') }));
  const index = organization({ sites, servers, virtualDirectories: directories });
  const site = index.site(NORTH) ?? assert.fail();
  assert.deepEqual(
    urlsOfSite(index, 'owa', 'internal', site).map(({ url }) => url),
    [URL_OF('same')],
  );
  assert.deepEqual(urlsOfSite(index, 'owa', 'external', site), []);
});

test('authentication bits as words ([MS-OXDSCLI] 2.2.4.1.1.2.6.2 AuthPackage, [MS-OXDSCLI] 2.2.4.1.1.2.6 OWAUrl)', () => {
  assert.equal(authPackage(1), 'Basic');
  assert.equal(authPackage(2), 'Ntlm');
  assert.equal(authPackage(3), 'Ntlm');
  assert.equal(authPackage(8192 + 3), 'Negotiate');
  assert.equal(authPackage(0), 'Basic');
  assert.deepEqual(owaMethods(1 + 4), ['Basic', 'Fba']);
  assert.deepEqual(owaMethods(16 + 8 + 2), ['WindowsIntegrated', 'Ntlm', 'Digest']);
  assert.deepEqual(owaMethods(0), []);
});
