import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { HttpClient } from '../../../src/autodiscover/client/http-client.ts';
import {
  checkEndpoint,
  openAutodiscover,
  readSettings,
} from '../../../src/profile-migrator/commands/autodiscover-access.ts';
import type { AutodiscoverOptions } from '../../../src/profile-migrator/commands/deps.ts';
import { runMigrator } from '../../../src/profile-migrator/commands/run-migrator.ts';
import { UsageError } from '../../../src/profile-migrator/errors.ts';
import { fakeDeps } from '../apply/fake-registry.ts';
import { buildRegFile, serverDn } from '../build-profile.ts';

const ARRAY = 'outlook.fabrikam.test';
const RESPONSE = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';

function answer(account: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="${RESPONSE}">${account}</Response>
</Autodiscover>`;
}

const exch = (inner: string) =>
  answer(
    `<Account><AccountType>email</AccountType><Action>settings</Action><Protocol><Type>EXCH</Type>${inner}</Protocol></Account>`,
  );
const FOUND = exch(`<Server>${ARRAY}</Server><ServerDN>${serverDn(ARRAY)}</ServerDN>`);
const NO_SERVER = exch('<ASUrl>https://mail.fabrikam.test/ews/exchange.asmx</ASUrl>');
const ELSEWHERE = answer(
  '<Account><AccountType>email</AccountType><Action>redirectUrl</Action><RedirectUrl>https://x.test/autodiscover/autodiscover.xml</RedirectUrl></Account>',
);
const ERROR = answer(
  '<Error Time="00:00:00" Id="1"><ErrorCode>500</ErrorCode><Message>The e-mail address cannot be found.</Message><DebugData/></Error>',
);

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'migrator-autodiscover-'));
});
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** A network on which every server gives this answer. */
function network(body: string, asked: string[] = []): { http: HttpClient; resolveSrv: () => Promise<never[]> } {
  const http: HttpClient = {
    open: () => ({
      send: async (request) => {
        asked.push(String(request.url));
        return {
          kind: 'answer',
          status: 200,
          headers: { 'content-type': ['text/xml'] },
          body: Buffer.from(body),
          remoteAddress: undefined,
          tls: undefined,
        };
      },
      close: () => {},
    }),
  };
  return { http, resolveSrv: async () => [] };
}

const none: AutodiscoverOptions = {
  server: undefined,
  user: undefined,
  passwordFile: undefined,
  ca: undefined,
  trust: [],
};
const asking = { stdin: process.stdin, stderr: process.stderr };

test('a saved answer gives the array and its DN', async () => {
  assert.deepEqual(await readSettings(file('found.xml', FOUND)), { server: ARRAY, serverDn: serverDn(ARRAY) });
  const utf16 = join(folder, 'utf16.xml');
  writeFileSync(utf16, `\ufeff${FOUND}`, 'utf16le'); // as Windows PowerShell's redirection writes it
  assert.equal((await readSettings(utf16)).server, ARRAY);
  const bad = (name: string, text: string, want: RegExp) =>
    assert.rejects(
      readSettings(file(name, text)),
      (error) => error instanceof UsageError && error.code === 'settings-file' && want.test(error.message),
    );
  await bad('none.xml', NO_SERVER, /no RPC server/);
  await bad('error.xml', ERROR, /it is an error/);
  await bad('elsewhere.xml', ELSEWHERE, /redirection/);
  await bad('other.xml', '<html/>', /other\.xml/);
  await assert.rejects(readSettings(join(folder, 'nowhere.xml')), UsageError);
});

test('the command line takes a saved answer', async () => {
  writeFileSync(
    join(folder, 'a.reg'),
    buildRegFile({ profiles: [{ name: 'P', accounts: [{ alias: 'nina', home: 'FS1', fqdn: 'fs1.fabrikam.test' }] }] }),
  );
  const deps = fakeDeps({ registry: '' }, { readSettings });
  const args = [
    'plan',
    '--reg',
    join(folder, 'a.reg'),
    '--from',
    'FS1',
    'fs1.fabrikam.test',
    '--settings',
    file('found.xml', FOUND),
  ];
  assert.equal(await runMigrator(args, deps), 0, deps.err.join(''));
  assert.match(deps.out.join(''), /\+ outlook\.fabrikam\.test/);
});

test('Autodiscover is asked, at the one server given', async () => {
  const asked: string[] = [];
  const options = { ...none, server: 'https://mail.fabrikam.test' };
  const discover = await openAutodiscover(options, { autodiscoverPassword: undefined }, asking, network(FOUND, asked));
  assert.deepEqual(await discover('nina@fabrikam.test'), { kind: 'server', server: ARRAY, serverDn: serverDn(ARRAY) });
  assert.ok(asked.length > 0 && asked.every((url) => url.startsWith('https://mail.fabrikam.test/')));
  const failing = async (body: string) =>
    (await openAutodiscover(options, { autodiscoverPassword: undefined }, asking, network(body)))('nina@fabrikam.test');
  assert.match(JSON.stringify(await failing(NO_SERVER)), /none.*no RPC server/);
  assert.match(JSON.stringify(await failing(ERROR)), /none.*500/);
  assert.equal((await discover('no address')).kind, 'none');
});

test('options that cannot be used are told before anything is asked', async () => {
  const bad = (options: Partial<AutodiscoverOptions>, want: RegExp) =>
    assert.rejects(
      openAutodiscover({ ...none, ...options }, { autodiscoverPassword: undefined }, asking, network(FOUND)),
      (error) => error instanceof UsageError && want.test(error.message),
    );
  await bad({ server: 'http://mail.fabrikam.test' }, /no https URL/);
  await bad({ ca: join(folder, 'nowhere.pem') }, /cannot read/);
  const binary = join(folder, 'ca.cer');
  writeFileSync(binary, Buffer.from('3082030a', 'hex'));
  await bad({ ca: binary }, /--ca .*ca\.cer holds no PEM certificate/);
  await bad({ user: 'nina', passwordFile: join(folder, 'nowhere.txt') }, /password/);
});

test('a host without an endpoint mapper does not answer', async () => {
  const { answers, detail } = await checkEndpoint('no-such-host.invalid');
  assert.equal(answers, false);
  assert.notEqual(detail, '');
});
