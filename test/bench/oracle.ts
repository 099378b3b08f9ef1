// Does the time of an answer tell whether a name exists? Of a refusal, and of an answer about a mailbox that is not the caller's where
// policy keeps that from him. Thousands of requests of each kind, interleaved at random on a few connections, compared with a name that
// nobody has or a wrong password. Prints the statistics; fails when a difference is certain.

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import type { Faults } from '../../src/ldap/embedded/faults.ts';
import type { BenchOptions } from './options.ts';
import { compare, median } from './two-sample.ts';

const USERS = 500;
/** Of the users, those that ask for others. */
const CALLERS = 50;
/** Refusals wait most of their time; look-ups would only wait for each other. */
const CONNECTIONS = { refusals: 32, lookUps: 8 } as const;
const WARM_UP = 50;
const PASSWORD = 'Demo-Passw0rd!';
const WRONG = 'Demo-Wrong-pw!';
const SURE = { z: 4, ks: 2.3 };

interface Asked {
  readonly authorization: string;
  readonly path?: string;
  readonly body?: string;
}

interface Kind {
  readonly name: string;
  /** The kind it is compared with: the same form of a name. */
  readonly against: number;
  readonly ask: (n: string) => Asked;
}

interface Experiment {
  readonly title: string;
  readonly kinds: readonly Kind[];
  readonly connections: number;
  /** Sections of the service's configuration. */
  readonly config: object;
  /** Of its directory. */
  readonly faults?: Faults;
}

const basic = (name: string, password: string): Asked => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});
const refused = (name: string, against: number, credentials: (n: string) => readonly [string, string]): Kind => ({
  name,
  against,
  ask: (n) => basic(...credentials(n)),
});

const REFUSALS: readonly Kind[] = [
  refused('wrong password, UPN', 0, (n) => [`user${n}@contoso.test`, WRONG]),
  refused('the same again (control)', 0, (n) => [`user${n}@contoso.test`, WRONG]),
  refused('unknown, UPN', 0, (n) => [`none${n}@contoso.test`, WRONG]),
  refused('disabled, right password', 0, (n) => [`dead${n}@contoso.test`, PASSWORD]),
  refused('disabled, wrong password', 0, (n) => [`dead${n}@contoso.test`, WRONG]),
  refused('locked, right password', 0, (n) => [`lock${n}@contoso.test`, PASSWORD]),
  refused('wrong password, DOMAIN\\name', 6, (n) => [`CONTOSO\\user${n}`, WRONG]),
  refused('unknown, DOMAIN\\name', 6, (n) => [`CONTOSO\\none${n}`, WRONG]),
  refused('wrong password, bare name', 8, (n) => [`user${n}`, WRONG]),
  refused('unknown, bare name', 8, (n) => [`none${n}`, WRONG]),
];

const OUTLOOK = 'http://schemas.microsoft.com/exchange/autodiscover/outlook';
const MOBILESYNC = 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync';
const SOAP = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';
const SOAP_USERS = 20;
const pox = (who: string, family: string, version: string): string =>
  `<Autodiscover xmlns="${family}/requestschema/2006"><Request>${who}` +
  `<AcceptableResponseSchema>${family}/responseschema/${version}</AcceptableResponseSchema></Request></Autodiscover>`;
const outlook = (name: string): string => pox(`<EMailAddress>${name}@contoso.test</EMailAddress>`, OUTLOOK, '2006a');
const phone = (name: string): string => pox(`<EMailAddress>${name}@contoso.test</EMailAddress>`, MOBILESYNC, '2006');
const legacy = (name: string): string =>
  pox(
    `<LegacyDN>/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=${name}</LegacyDN>`,
    OUTLOOK,
    '2006a',
  );
const soap = (name: string): string =>
  `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="${SOAP}"><s:Body><a:GetUserSettingsRequestMessage><a:Request>` +
  `<a:Users>${`<a:User><a:Mailbox>${name}@contoso.test</a:Mailbox></a:User>`.repeat(SOAP_USERS)}</a:Users><a:RequestedSettings>` +
  '<a:Setting>UserDisplayName</a:Setting></a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>';
const askedBy = (name: string, against: number, who: string, body: (name: string) => string, path?: string): Kind => ({
  name,
  against,
  // Some of the users ask, for others than themselves.
  ask: (n) => ({
    ...basic(`user${String(Number(n) % CALLERS).padStart(5, '0')}`, PASSWORD),
    body: body(`${who}${String(CALLERS + (Number(n) % (USERS - CALLERS))).padStart(5, '0')}`),
    ...(path === undefined ? {} : { path }),
  }),
});
const SVC = '/autodiscover/autodiscover.svc';
const LOOK_UPS: readonly Kind[] = [
  askedBy("nobody's address", 0, 'none', outlook),
  askedBy('the same again (control)', 0, 'none', outlook),
  askedBy("another's address", 0, 'user', outlook),
  askedBy("a disabled user's address", 0, 'dead', outlook),
  askedBy("nobody's legacyExchangeDN", 4, 'none', legacy),
  askedBy("another's legacyExchangeDN", 4, 'user', legacy),
  askedBy("phone: nobody's address", 6, 'none', phone),
  askedBy("phone: another's address", 6, 'user', phone),
  askedBy(`SOAP: ${SOAP_USERS} of nobody's`, 8, 'none', soap, SVC),
  askedBy(`SOAP: ${SOAP_USERS} of others'`, 8, 'user', soap, SVC),
];

const EXPERIMENTS: readonly Experiment[] = [
  {
    title: 'Time of a refusal',
    kinds: REFUSALS,
    connections: CONNECTIONS.refusals,
    config: { authentication: { cacheSeconds: 0, rejectedCacheSeconds: 0 } },
  },
  {
    title:
      'Time of a refusal by a controller that takes 30 to 80 ms longer for a wrong password than for a name nobody has',
    kinds: REFUSALS,
    connections: CONNECTIONS.refusals,
    config: { authentication: { cacheSeconds: 0, rejectedCacheSeconds: 0 } },
    faults: { refusedPasswordMs: [30, 80] },
  },
  {
    title: "Time of an answer about a mailbox that is not the caller's (answers.othersMailboxes: deny)",
    kinds: LOOK_UPS,
    connections: CONNECTIONS.lookUps,
    config: { answers: { othersMailboxes: 'deny' } },
  },
];

export async function run({ quick }: BenchOptions): Promise<void> {
  const rounds = quick ? 300 : 2000;
  const folder = mkdtempSync(join(tmpdir(), 'autodiscover-oracle-'));
  try {
    const certificate = await labCertificate(folder, ['127.0.0.1', 'localhost']);
    for (const experiment of EXPERIMENTS) await carryOut(experiment, certificate, rounds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function carryOut(
  experiment: Experiment,
  certificate: Awaited<ReturnType<typeof labCertificate>>,
  rounds: number,
): Promise<void> {
  const server = fork(new URL('./oracle-server.ts', import.meta.url), [
    JSON.stringify({ users: USERS, ...certificate, config: experiment.config, faults: experiment.faults }),
  ]);
  try {
    const port = await portOf(server);
    const agent = new Agent({
      ca: readFileSync(certificate.caFile),
      keepAlive: true,
      maxSockets: experiment.connections,
    });
    const times = await measure(agent, port, experiment, rounds);
    agent.destroy();
    report(experiment, times, rounds);
  } finally {
    server.kill();
  }
}

async function measure(
  agent: Agent,
  port: number,
  { kinds, connections }: Experiment,
  rounds: number,
): Promise<number[][]> {
  const times: number[][] = kinds.map(() => []);
  // Every kind is answered with the bytes of the one it is compared with.
  const answers = new Map<number, Set<string>>();
  let left = rounds + WARM_UP;
  const client = async () => {
    for (let round = left--; round > 0; round = left--) {
      // The kinds take turns in a new order every time: what happens to the machine happens to all of them alike.
      const order = kinds.map((kind, at) => ({ kind, at, place: Math.random() })).sort((a, b) => a.place - b.place);
      for (const { kind, at } of order) {
        const n = String(Math.floor(Math.random() * USERS)).padStart(5, '0');
        const { milliseconds, answer } = await ask(agent, port, kind.ask(n));
        const alike = answers.get(kind.against) ?? new Set();
        answers.set(kind.against, alike.add(answer));
        if (round <= rounds) times[at]?.push(milliseconds);
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  for (const alike of answers.values())
    if (alike.size !== 1) throw new Error(`the answers differ:\n${[...alike].slice(0, 4).join('\n')}`);
  return times;
}

function report({ title, kinds }: Experiment, times: readonly (readonly number[])[], rounds: number): void {
  process.stdout.write(`\n${title}: ${rounds} interleaved requests of each kind, answered with the same bytes\n`);
  process.stdout.write(
    `${'kind'.padEnd(32)}${'median'.padStart(11)}${'difference'.padStart(13)}${'z'.padStart(8)}${'KS'.padStart(7)}\n`,
  );
  let differs = false;
  for (const [at, kind] of kinds.entries()) {
    const [own, other] = [times[at] ?? [], times[kind.against] ?? []];
    const { z, ks } = compare(own, other);
    const sure = Math.abs(z) > SURE.z || ks > SURE.ks;
    differs ||= sure;
    const cells = [
      `${(median(own) * 1000).toFixed(0)} us`.padStart(11),
      `${((median(own) - median(other)) * 1000).toFixed(0)} us`.padStart(13),
      z.toFixed(2).padStart(8),
      ks.toFixed(2).padStart(7),
      sure ? '  DIFFERS' : '',
    ];
    process.stdout.write(`${kind.name.padEnd(32)}${cells.join('')}\n`);
  }
  process.stdout.write(`A difference is taken as certain above |z| ${SURE.z} or KS ${SURE.ks}.\n`);
  if (differs) process.exitCode = 1;
}

function ask(agent: Agent, port: number, asked: Asked): Promise<{ milliseconds: number; answer: string }> {
  const { authorization, path = '/autodiscover/autodiscover.xml', body: sending = '' } = asked;
  return new Promise((resolve, reject) => {
    const headers = { authorization, 'Content-Type': 'text/xml', 'Content-Length': String(sending.length) };
    const began = performance.now();
    const sent = request({ agent, port, host: '127.0.0.1', method: 'POST', path, headers }, (response) => {
      const milliseconds = performance.now() - began;
      let body = '';
      response.setEncoding('latin1').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        const { date: _date, 'request-id': _id, ...rest } = response.headers;
        // The time of day, and the address as it was asked for, which an answer to a phone repeats.
        const bytes = body.replace(/ Time="[^"]*"/, '').replaceAll(/[a-z]{4}\d{5}@/g, 'asked@');
        resolve({ milliseconds, answer: JSON.stringify([response.statusCode, rest, bytes]) });
      });
    });
    sent.on('error', reject).end(sending);
  });
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve((value as { port: number }).port));
    child.once('exit', (code) => reject(new Error(`the bench service ended with ${code}`)));
  });
}
