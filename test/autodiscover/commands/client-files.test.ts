import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { readSavedResponse } from '../../../src/autodiscover/client/saved-response.ts';
import { clientFilesCommand } from '../../../src/autodiscover/commands/client-files.ts';
import { type Run, runCommand } from './run-command.ts';

const base = mkdtempSync(join(tmpdir(), 'client-files-test-'));
after(() => rmSync(base, { recursive: true }));
let count = 0;

function write(...args: string[]): Promise<Run & { out: string; read(name: string): Buffer }> {
  const out = join(base, String(++count), 'deeper');
  return runCommand(clientFilesCommand, ['--out', out, ...args]).then((run) => ({
    ...run,
    out,
    read: (name) => readFileSync(join(out, name)),
  }));
}

/** Names and data of a .reg file, comments apart; `[key]` lines as they are. */
function values(reg: Buffer): string[] {
  assert.deepEqual([...reg.subarray(0, 2)], [0xff, 0xfe], 'UTF-16LE with byte order mark');
  const text = reg.toString('utf16le', 2);
  assert.ok(text.startsWith('Windows Registry Editor Version 5.00\r\n') && !/[^\r]\n/.test(text));
  return text
    .split('\r\n')
    .slice(1)
    .filter((line) => line !== '' && !line.startsWith(';'));
}

test('writes four files and says what they are for', async () => {
  const { stdout, out, error } = await write('--domain', 'contoso.test');
  assert.equal(error, undefined);
  assert.deepEqual(readdirSync(out).sort(), [
    'contoso.test.policy.reg',
    'contoso.test.user.reg',
    'contoso.test.xml',
    'contoso.test.zone',
  ]);
  assert.match(stdout, /contoso\.test\.xml {2,}local XML for Outlook/);
});

test('the local XML is a redirection that the client itself reads', async () => {
  const { read } = await write('--domain', 'contoso.test', '--url', 'https://mail.contoso.test/x--y/autodiscover.xml');
  const xml = read('contoso.test.xml');
  assert.deepEqual(readSavedResponse(xml), {
    action: 'redirectUrl',
    url: 'https://mail.contoso.test/x--y/autodiscover.xml',
  });
  assert.match(xml.toString(), /^<\?xml version="1\.0" encoding="utf-8"\?>\n<!--/);
});

test('the registry files name the local XML for each version, under preferences and policies', async () => {
  const { read } = await write(
    '--domain',
    'contoso.test',
    '--office',
    '14.0',
    '--office',
    '16.0',
    '--xml-path',
    'D:\\x\\"y"'.replaceAll('"', ''),
  );
  const want = (root: string): string[] =>
    ['14.0', '16.0'].flatMap((version) => [
      `[HKEY_CURRENT_USER\\Software\\${root}\\${version}\\Outlook\\AutoDiscover]`,
      String.raw`"contoso.test"="D:\\x\\y"`,
      '"PreferLocalXML"=dword:00000001',
    ]);
  assert.deepEqual(values(read('contoso.test.user.reg')), want('Microsoft\\Office'));
  assert.deepEqual(values(read('contoso.test.policy.reg')), want('Policies\\Microsoft\\Office'));
  const text = read('contoso.test.user.reg').toString('utf16le');
  for (const name of ['ExcludeScpLookup', 'ExcludeHttpsRootDomain', 'ExcludeSrvRecord'])
    assert.match(text, new RegExp(`^;"${name}"=dword:00000001\r$`, 'm'));
  assert.equal(text.match(/ExcludeExplicitO365Endpoint/g)?.length, 1, 'only for Outlook 2016');
});

function records(zone: Buffer): string[] {
  return zone
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';'));
}

const ZONES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  [
    'the default host, no address',
    [],
    ['_autodiscover._tcp.contoso.test. 3600 IN SRV 0 0 443 autodiscover.contoso.test.'],
  ],
  [
    'the default host with addresses',
    ['--address', '192.0.2.7', '--address', '2001:db8::7'],
    [
      'autodiscover.contoso.test. 3600 IN A 192.0.2.7',
      'autodiscover.contoso.test. 3600 IN AAAA 2001:db8::7',
      '_autodiscover._tcp.contoso.test. 3600 IN SRV 0 0 443 autodiscover.contoso.test.',
    ],
  ],
  [
    'another host',
    ['--url', 'mail.contoso.test', '--address', '192.0.2.7'],
    [
      'autodiscover.contoso.test. 3600 IN CNAME mail.contoso.test.',
      'mail.contoso.test. 3600 IN A 192.0.2.7',
      '_autodiscover._tcp.contoso.test. 3600 IN SRV 0 0 443 mail.contoso.test.',
    ],
  ],
  [
    'another port: no SRV record',
    ['--url', 'https://mail.contoso.test:8443'],
    ['autodiscover.contoso.test. 3600 IN CNAME mail.contoso.test.'],
  ],
];
for (const [name, args, want] of ZONES) {
  test(`DNS records: ${name} ([MS-OXDISCO] 3.1.5.3 SRV)`, async () => {
    const { read } = await write('--domain', 'contoso.test', ...args);
    assert.deepEqual(records(read('contoso.test.zone')), want);
  });
}

test('an internationalised domain is written by its A-label', async () => {
  const { out } = await write('--domain', 'bücher.test');
  assert.ok(readdirSync(out).includes('xn--bcher-kva.test.xml'));
});

test('nothing is overwritten, and nothing written beside it', async () => {
  const first = await write('--domain', 'contoso.test');
  rmSync(join(first.out, 'contoso.test.xml'));
  writeFileSync(join(first.out, 'contoso.test.zone'), 'mine');
  const again = await runCommand(clientFilesCommand, ['--out', first.out, '--domain', 'contoso.test']);
  assert.equal(again.exitCode, 1);
  assert.match(again.stderr, /nothing was written, because there is already .*contoso\.test\.zone; give another --out/);
  assert.equal(first.read('contoso.test.zone').toString(), 'mine');
  assert.ok(!readdirSync(first.out).includes('contoso.test.xml'));
});

test('a link that leads nowhere is in the way, too', async () => {
  const out = join(base, 'link');
  mkdirSync(out);
  symlinkSync(join(out, 'nowhere', 'x'), join(out, 'contoso.test.zone'));
  const { exitCode, stderr } = await runCommand(clientFilesCommand, ['--domain', 'contoso.test', '--out', out]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /nothing was written, because there is already .*contoso\.test\.zone/);
  assert.deepEqual(readdirSync(out), ['contoso.test.zone']);
});

test('a folder that cannot be made is an error that names it', async () => {
  const file = join(base, 'file');
  writeFileSync(file, '');
  const { error } = await runCommand(clientFilesCommand, ['--out', join(file, 'x'), '--domain', 'contoso.test']);
  assert.equal(error?.code, 'output');
  assert.match(error?.message ?? '', /writing to .*file/);
});

test('--json lists the files', async () => {
  const { stdout, out } = await write('--domain', 'contoso.test', '--json');
  assert.equal(JSON.parse(stdout).files[0].path, join(out, 'contoso.test.xml'));
});

const USAGE: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['no domain name', ['--domain', '../x'], /--domain "\.\.\/x" is not a domain name/],
  ['an address for a domain', ['--domain', 'alice@contoso.test'], /is not a domain name/],
  ['a URL without TLS', ['--domain', 'contoso.test', '--url', 'http://x.test'], /--url must be an https URL/],
  ['a URL without name', ['--domain', 'contoso.test', '--url', 'https://192.0.2.1/'], /--url must name a host/],
  ['no IP address', ['--domain', 'contoso.test', '--address', 'mail'], /--address "mail" is no IP address/],
  ['no Outlook version', ['--domain', 'contoso.test', '--office', '2010'], /--office "2010" is none of 12\.0, /],
  ['no path', ['--domain', 'contoso.test', '--xml-path', 'C:\\a"b'], /--xml-path holds a character/],
];
for (const [name, args, message] of USAGE) {
  test(`usage: ${name}`, async () => {
    const { error, out } = await write(...args);
    assert.equal(error?.code, 'configuration');
    assert.match(error?.message ?? '', message);
    assert.throws(() => readdirSync(out), /ENOENT/);
  });
}
