// One organisation, two directories: every address of the demo's LDIF asked of the service on the embedded directory and of the
// service on Samba gives the same bytes, but for the GUIDs a domain controller makes itself and the time of an error.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseLdif, text, texts } from '../../src/ldap/ldif.ts';
import { issueCertificate, makeCertificateAuthority } from './certificates.ts';
import { endProcess, startProcess } from './processes.ts';
import { labSuite } from './requirements.ts';
import { READER } from './samba/directory-plan.ts';
import { type SambaLab, startSambaLab } from './samba/samba-lab.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(PROJECT, 'src', 'cli', 'autodiscover.ts');
const SCHEMA = 'http://schemas.microsoft.com/exchange/autodiscover';
const records = parseLdif(readFileSync(join(PROJECT, 'demo', 'contoso.ldif')));

type Service = { url: URL; caFile: string; stop(): Promise<void> };
type Target = { readonly element: 'EMailAddress' | 'LegacyDN'; readonly value: string };

/** Every address and legacy name that somebody of the organisation has, and one that nobody has. */
const TARGETS: readonly Target[] = [
  ...addresses().map((value) => ({ element: 'EMailAddress', value }) as const),
  ...legacyNames().map((value) => ({ element: 'LegacyDN', value }) as const),
];

const server = (name: string) => new RegExp(`<Type>EXCH</Type>\\s*<Server>${name.replaceAll('.', '\\.')}</Server>`);
const error = (code: number) => new RegExp(`<ErrorCode>${code}</ErrorCode>`);
const redirect = (to: string) => new RegExp(`<RedirectAddr>${to.replaceAll('.', '\\.')}</RedirectAddr>`);

/** What the organisation's cases must come to, so that both being wrong alike does not pass. */
const OUTCOMES: readonly (readonly [address: string, answer: RegExp, why: string])[] = [
  ['alice@contoso.test', server('outlook-sea.contoso.test'), 'the array of the database'],
  ['a.adams@contoso.test', server('outlook-sea.contoso.test'), 'an alias'],
  ['alice@contoso-sales.test', server('outlook-sea.contoso.test'), 'an alias in the second domain'],
  ['bob@contoso.test', server('outlook-dub.contoso.test'), 'the other array'],
  ['carol@contoso.test', server('sea-cas1.contoso.test'), 'a single server'],
  ['dave@contoso.test', server('outlook-dub.contoso.test'), "no endpoint: the site's array"],
  ['olga@contoso.test', server('outlook-sea.contoso.test'), "a server without the role: the site's array"],
  ['frank@contoso.test', server('outlook-sea.contoso.test'), 'a disabled account'],
  ['room101@contoso.test', server('outlook-sea.contoso.test'), 'a room'],
  ['ken@contoso.test', redirect('ken@fabrikam.test'), 'a mail user'],
  ['laura@contoso.test', /<RedirectAddr>[^<]+@tailspin\.test<\/RedirectAddr>/, 'a mail contact'],
  ['loop@contoso.test', error(602), 'a contact that points to itself'],
  ['mallory@contoso.test', error(602), 'a mailbox whose database is gone'],
  ['allstaff@contoso.test', error(501), 'a group'],
  ['judy@contoso.test', error(501), 'an address without a mailbox'],
  ['ivan@contoso.test', error(500), 'a user without mail'],
  ['nobody@contoso.test', error(500), 'nobody'],
  ['dup@contoso.test', error(603), 'two owners'],
];

labSuite('the embedded directory and Samba give the same answers', ['samba'], () => {
  let folder: string;
  let lab: SambaLab;
  let embedded: Service;
  let samba: Service;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'same-'));
    lab = await startSambaLab();
    const certs = join(folder, 'certs');
    embedded = await startService(join(folder, 'embedded.log'), join(certs, 'ca.pem'), [
      ...['--demo', '--certs', certs, '--https', '127.0.0.1:0', '--http', '127.0.0.1:0'],
    ]);
    const authority = makeCertificateAuthority(folder);
    const { certificate, key } = issueCertificate(authority, folder, 'service', ['localhost', '127.0.0.1']);
    writeFileSync(join(folder, 'bind-password'), lab.password, { mode: 0o600 });
    const config = {
      directory: {
        servers: [lab.ldapsUrl],
        caFile: lab.caFile,
        bindDn: `${READER}@contoso.test`,
        passwordFile: join(folder, 'bind-password'),
      },
      listen: { https: '127.0.0.1:0' },
      publicUrl: 'https://autodiscover.contoso.test',
      tls: { certificates: [{ certificateFile: certificate, keyFile: key }] },
    };
    writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
    samba = await startService(join(folder, 'samba.log'), authority.certificate, [
      '--config',
      join(folder, 'config.yaml'),
    ]);
  });
  after(async () => {
    await embedded?.stop();
    await samba?.stop();
    await lab?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const schema of ['outlook/responseschema/2006a', 'mobilesync/responseschema/2006']) {
    for (const target of TARGETS) {
      if (schema.startsWith('mobilesync') && target.element === 'LegacyDN') continue;
      test(`${schema.split('/')[0]}: ${target.value}`, async () => {
        const [one, other] = await Promise.all([ask(embedded, target, schema), ask(samba, target, schema)]);
        assert.equal(one.status, 200);
        assert.deepEqual(other, one);
      });
    }
  }

  for (const [address, answer, why] of OUTCOMES) {
    test(`${address} (${why})`, async () => {
      const { body } = await ask(samba, { element: 'EMailAddress', value: address }, 'outlook/responseschema/2006a');
      assert.match(body, answer);
    });
  }

  for (const [user, password] of [
    ['CONTOSO\\frank', 'Demo-Passw0rd!'],
    ['EVIL\\alice', 'Demo-Passw0rd!'],
    ['CONTOSO\\alice', 'wrong'],
    ['nobody@contoso.test', 'Demo-Passw0rd!'],
  ] as const) {
    test(`${user} with ${password === 'wrong' ? 'a wrong' : 'the right'} password is refused alike`, async () => {
      const target = TARGETS[0] ?? assert.fail('no address');
      const asked = [embedded, samba].map((service) =>
        ask(service, target, 'outlook/responseschema/2006a', user, password),
      );
      for (const answer of await Promise.all(asked)) assert.deepEqual(answer, { status: 401, body: '' });
    });
  }
});

function addresses(): string[] {
  const proxies = records.flatMap((record) => texts(record, 'proxyAddresses').filter((value) => /^smtp:/i.test(value)));
  const names = records.flatMap((record) => [text(record, 'mail'), text(record, 'userPrincipalName')]);
  const all = [...proxies.map((value) => value.slice('smtp:'.length)), ...names, 'nobody@contoso.test'];
  return [...new Set(all.filter((value) => value !== undefined))];
}

function legacyNames(): string[] {
  const people = records.filter((record) => texts(record, 'objectClass').includes('user'));
  const former = people.flatMap((record) => texts(record, 'proxyAddresses').filter((value) => /^x500:/i.test(value)));
  const own = people.flatMap((record) => text(record, 'legacyExchangeDN') ?? []);
  return [...own, ...former.map((value) => value.slice('x500:'.length))];
}

/** Starts the program and reads from its log where it listens. */
async function startService(logFile: string, caFile: string, flags: readonly string[]): Promise<Service> {
  const child = startProcess([process.execPath, PROGRAM, 'serve', ...flags], logFile, { cwd: PROJECT });
  for (let attempt = 0; attempt < 300; attempt++) {
    const url = /"https":"(https:[^"]+)"/.exec(readFileSync(logFile, 'utf8'))?.[1];
    if (url !== undefined) return { url: new URL(url), caFile, stop: () => endProcess(child) };
    if (child.exitCode !== null) break;
    await sleep(50);
  }
  await endProcess(child);
  throw new Error(`the service did not start:\n${readFileSync(logFile, 'utf8')}`);
}

/** One request as alice; the body without what differs by nature. */
function ask(
  service: Service,
  { element, value }: Target,
  schema: string,
  user = 'alice@contoso.test',
  password = 'Demo-Passw0rd!',
): Promise<{ status: number | undefined; body: string }> {
  const dialect = schema.split('/')[0];
  const requestSchema = `${SCHEMA}/${dialect}/requestschema/2006`;
  const name = value.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  const body =
    `<Autodiscover xmlns="${requestSchema}"><Request><${element}>${name}</${element}>` +
    `<AcceptableResponseSchema>${SCHEMA}/${schema}</AcceptableResponseSchema></Request></Autodiscover>`;
  const agent = new Agent({ ca: readFileSync(service.caFile) });
  const headers = { 'Content-Type': 'text/xml; charset=utf-8' };
  const options = {
    method: 'POST',
    path: '/autodiscover/autodiscover.xml',
    auth: `${user}:${password}`,
    agent,
    headers,
  };
  return new Promise((resolve, reject) => {
    const { hostname, port } = service.url;
    const sent = request({ hostname, port, ...options }, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        answer += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, body: neutral(answer) }));
    });
    sent.setTimeout(10_000, () => sent.destroy(new Error('no answer in 10 s')));
    sent.on('error', reject).end(body);
  });
}

function neutral(body: string): string {
  return body.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, 'GUID').replace(/<Error [^>]*>/, '<Error>');
}
