// SOAP and POX over HTTPS against the whole demo service, for every address that anybody of the demo organisation has: the same
// settings value by value, the same redirections, and each POX error under the SOAP name that stands for it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test, { after, before } from 'node:test';
import { DEMO_PASSWORD, type Demo, startDemo } from '../../../src/autodiscover/commands/demo.ts';
import { type RunningService, startService } from '../../../src/autodiscover/commands/service.ts';
import { createLogger } from '../../../src/autodiscover/log.ts';
import { USER_SETTINGS, type UserSettingName } from '../../../src/autodiscover/settings/user-settings.ts';
import { renderPoxRequest } from '../../../src/autodiscover/wire/pox-request.ts';
import { parsePoxResponse } from '../../../src/autodiscover/wire/pox-response.ts';
import { POX_SETTINGS } from '../../../src/autodiscover/wire/pox-settings-map.ts';
import {
  parseUserSettingsResponse,
  renderUserSettingsRequest,
  type UserSettingsReading,
} from '../../../src/autodiscover/wire/soap-user-settings.ts';
import { parseLdif, texts } from '../../../src/ldap/ldif.ts';

const NAMES = Object.keys(USER_SETTINGS) as UserSettingName[];
const certs = mkdtempSync(join(tmpdir(), 'dialects-'));
let demo: Demo;
let service: RunningService;
let agent: Agent;

before(async () => {
  demo = await startDemo({ https: '127.0.0.1:0', http: '127.0.0.1:0', certs });
  service = await startService(demo.settings, createLogger('silent', new PassThrough()));
  agent = new Agent({ ca: readFileSync(demo.caFile), keepAlive: true, maxSockets: 4 });
});
after(async () => {
  agent?.destroy();
  await service?.stop();
  await demo?.directory.close();
  rmSync(certs, { recursive: true });
});

/** Every address of the organisation, of groups, contacts and broken mailboxes too, and one that nobody has. */
const ADDRESSES = [
  ...new Set([
    ...parseLdif(readFileSync(new URL('../../../demo/contoso.ldif', import.meta.url), 'utf8')).flatMap((record) => [
      ...texts(record, 'mail'),
      ...texts(record, 'userPrincipalName'),
      ...texts(record, 'proxyAddresses').flatMap((value) => (/^smtp:/i.test(value) ? [value.slice(5)] : [])),
    ]),
    'nobody@contoso.test',
  ]),
];

function post(file: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${service.httpsUrl}/autodiscover/${file}`,
      { method: 'POST', agent, auth: `alice@contoso.test:${DEMO_PASSWORD}`, headers: { 'Content-Type': 'text/xml' } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`${file}: ${text}`))));
      },
    );
    sent.setTimeout(20_000, () => sent.destroy(new Error(`${file}: no answer`)));
    sent.on('error', reject).end(body);
  });
}

async function pox(emailAddress: string) {
  return parsePoxResponse(
    await post('autodiscover.xml', renderPoxRequest({ schema: 'outlook', emailAddress, legacyDn: undefined })),
  );
}

async function soap(
  addresses: readonly string[],
  names: readonly UserSettingName[] = NAMES,
): Promise<readonly UserSettingsReading[]> {
  const answer = parseUserSettingsResponse(
    await post('autodiscover.svc', renderUserSettingsRequest(addresses, names, { to: service.httpsUrl })),
  );
  assert.ok(answer.kind === 'answer', JSON.stringify(answer));
  assert.equal(answer.error.code, 'NoError');
  assert.equal(answer.users.length, addresses.length);
  return answer.users;
}

test('every address gets from SOAP what POX says ([WSREF] userresponse-soap UserResponse, [WSREF] errorcode-soap ErrorCode)', async () => {
  const soapCodes: Readonly<Record<number, string>> = {
    500: 'InvalidUser',
    501: 'InvalidUser',
    602: 'InternalServerError',
    603: 'InternalServerError',
  };
  const met = new Set<string>();
  for (const address of ADDRESSES) {
    const [one, [other]] = await Promise.all([pox(address), soap([address])]);
    assert.ok(other !== undefined);
    switch (one.action) {
      case 'settings':
        assert.equal(other.error.code, 'NoError', address);
        assert.deepEqual(other.settingErrors, [], address);
        for (const name of POX_SETTINGS) {
          assert.deepEqual(other.settings[name], one.answer.settings[name], `${address}: ${name}`);
        }
        met.add('settings');
        break;
      case 'redirectAddr':
        assert.equal(other.error.code, 'RedirectAddress', address);
        assert.equal(other.redirectTarget, one.address, address);
        met.add('redirectAddr');
        break;
      case 'error':
        assert.equal(other.error.code, soapCodes[one.code], `${address}: POX ${one.code}`);
        assert.deepEqual(other.settings, {}, address);
        // Nothing of the directory: no DN, no host, not even the address that was asked for.
        assert.doesNotMatch(other.error.message, /CN=|DC=|contoso|LDAP|@|\d/i, address);
        met.add(String(one.code));
        break;
      default:
        assert.fail(`${address}: ${JSON.stringify(one)}`);
    }
  }
  assert.deepEqual([...met].sort(), ['500', '501', '602', '603', 'redirectAddr', 'settings']);
});

test('100 users in one request are answered in the order of the request ([WSREF] userresponse-soap UserResponse)', async () => {
  const hundred = Array.from({ length: 100 }, (_, index) => ADDRESSES[(index * 7) % ADDRESSES.length] ?? '');
  const wanted = ['AutoDiscoverSMTPAddress', 'InternalRpcClientServer'] as const;
  const together = await soap(hundred, wanted);
  const alone = new Map<string, UserSettingsReading | undefined>();
  for (const address of new Set(hundred)) alone.set(address, (await soap([address], wanted))[0]);
  assert.deepEqual(
    together,
    hundred.map((address) => alone.get(address)),
  );
  assert.ok(new Set(together.map(({ settings }) => settings.InternalRpcClientServer)).size > 2, 'several servers');
});

test('101 users are an InvalidRequest as a whole ([WSREF] errorcode-soap ErrorCode)', async () => {
  const users = Array.from({ length: 101 }, () => 'alice@contoso.test');
  const answer = parseUserSettingsResponse(
    await post('autodiscover.svc', renderUserSettingsRequest(users, ['UserDN'], { to: service.httpsUrl })),
  );
  assert.ok(answer.kind === 'answer', JSON.stringify(answer));
  assert.equal(answer.error.code, 'InvalidRequest');
  assert.deepEqual(answer.users, []);
});
