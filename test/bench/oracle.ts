// Does the time of a refusal tell whether the name exists? Thousands of refused requests of each kind, interleaved at random on a
// few connections, compared with a wrong password of an account in good standing. Prints the statistics; fails when a difference is certain.

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import { compare, median } from './two-sample.ts';

const USERS = 500;
const CONNECTIONS = 8;
const WARM_UP = 50;
const PASSWORD = 'Demo-Passw0rd!';
const WRONG = 'Demo-Wrong-pw!';
const SURE = { z: 4, ks: 2.3 };

interface Kind {
  readonly name: string;
  /** The kind it is compared with: the same form of a name. */
  readonly against: number;
  readonly credentials: (n: string) => string;
}

const KINDS: readonly Kind[] = [
  { name: 'wrong password, UPN', against: 0, credentials: (n) => `user${n}@contoso.test:${WRONG}` },
  { name: 'the same again (control)', against: 0, credentials: (n) => `user${n}@contoso.test:${WRONG}` },
  { name: 'unknown, UPN', against: 0, credentials: (n) => `none${n}@contoso.test:${WRONG}` },
  { name: 'disabled, right password', against: 0, credentials: (n) => `dead${n}@contoso.test:${PASSWORD}` },
  { name: 'disabled, wrong password', against: 0, credentials: (n) => `dead${n}@contoso.test:${WRONG}` },
  { name: 'locked, right password', against: 0, credentials: (n) => `lock${n}@contoso.test:${PASSWORD}` },
  { name: 'wrong password, DOMAIN\\name', against: 6, credentials: (n) => `CONTOSO\\user${n}:${WRONG}` },
  { name: 'unknown, DOMAIN\\name', against: 6, credentials: (n) => `CONTOSO\\none${n}:${WRONG}` },
  { name: 'wrong password, bare name', against: 8, credentials: (n) => `user${n}:${WRONG}` },
  { name: 'unknown, bare name', against: 8, credentials: (n) => `none${n}:${WRONG}` },
];

export async function run(flags: readonly string[]): Promise<void> {
  const rounds = flags.includes('--quick') ? 300 : 2000;
  const folder = mkdtempSync(join(tmpdir(), 'autodiscover-oracle-'));
  const certificate = await labCertificate(folder, ['127.0.0.1', 'localhost']);
  const server = fork(new URL('./oracle-server.ts', import.meta.url), [
    JSON.stringify({ users: USERS, ...certificate }),
  ]);
  try {
    const port = await portOf(server);
    const agent = new Agent({ ca: readFileSync(certificate.caFile), keepAlive: true, maxSockets: CONNECTIONS });
    const times = await measure(agent, port, rounds);
    agent.destroy();
    report(times, rounds);
  } finally {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(agent: Agent, port: number, rounds: number): Promise<number[][]> {
  const times: number[][] = KINDS.map(() => []);
  const answers = new Set<string>();
  let left = rounds + WARM_UP;
  const client = async () => {
    for (let round = left--; round > 0; round = left--) {
      // The kinds take turns in a new order every time: what happens to the machine happens to all of them alike.
      const order = KINDS.map((_, kind) => ({ kind, at: Math.random() })).sort((a, b) => a.at - b.at);
      for (const { kind } of order) {
        const n = String(Math.floor(Math.random() * USERS)).padStart(5, '0');
        const { milliseconds, answer } = await ask(agent, port, KINDS[kind]?.credentials(n) ?? '');
        answers.add(answer);
        if (round <= rounds) times[kind]?.push(milliseconds);
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  if (answers.size !== 1) throw new Error(`the answers differ:\n${[...answers].join('\n')}`);
  return times;
}

function report(times: readonly (readonly number[])[], rounds: number): void {
  process.stdout.write(
    `\nTime of a refusal, ${rounds} interleaved requests of each kind, all answers the same bytes\n`,
  );
  process.stdout.write(
    `${'kind'.padEnd(32)}${'median'.padStart(11)}${'difference'.padStart(13)}${'z'.padStart(8)}${'KS'.padStart(7)}\n`,
  );
  let differs = false;
  for (const [at, kind] of KINDS.entries()) {
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

function ask(agent: Agent, port: number, auth: string): Promise<{ milliseconds: number; answer: string }> {
  return new Promise((resolve, reject) => {
    const authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
    const headers = { authorization, 'Content-Type': 'text/xml', 'Content-Length': '0' };
    const began = performance.now();
    const sent = request(
      { agent, port, host: '127.0.0.1', method: 'POST', path: '/autodiscover/autodiscover.xml', headers },
      (response) => {
        const milliseconds = performance.now() - began;
        let body = '';
        response.setEncoding('latin1').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => {
          const { date: _date, 'request-id': _id, ...rest } = response.headers;
          resolve({ milliseconds, answer: JSON.stringify([response.statusCode, rest, body]) });
        });
      },
    );
    sent.on('error', reject).end();
  });
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve((value as { port: number }).port));
    child.once('exit', (code) => reject(new Error(`the bench service ended with ${code}`)));
  });
}
