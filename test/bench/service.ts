// The served POST over TLS keep-alive, beside a bare node:https server that answers a constant of the same size. Server and client are
// separate processes; what is compared is the server process's CPU time per request.

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';

interface Case {
  readonly name: string;
  readonly server: 'bare' | 'autodiscover';
  /** The n-th request's credentials and address. */
  readonly ask: (n: number) => { readonly user: string; readonly address: string };
  /** Credential cache on or off in the served configuration. */
  readonly cache: boolean;
}

const USERS = 1000;
const CASES: readonly Case[] = [
  { name: 'bare node:https, constant answer', server: 'bare', cache: true, ask: () => person(0) },
  { name: 'cached credential, same user', server: 'autodiscover', cache: true, ask: () => person(0) },
  {
    name: 'cached credential, other users',
    server: 'autodiscover',
    cache: true,
    ask: (n) => ({ ...person(0), address: person(n % USERS).address }),
  },
  { name: 'look-up and bind each time', server: 'autodiscover', cache: false, ask: (n) => person(n % USERS) },
];

function person(n: number): { user: string; address: string } {
  return { user: `user${n}@contoso.test`, address: `user${n}@contoso.test` };
}

export async function run(flags: readonly string[]): Promise<void> {
  const requests = flags.includes('--quick') ? 500 : 4000;
  const folder = mkdtempSync(join(tmpdir(), 'autodiscover-bench-'));
  try {
    const certificate = await labCertificate(folder, ['127.0.0.1', 'localhost']);
    const rows: { name: string; cpuMicros: number; perSecond: number }[] = [];
    for (const one of CASES) rows.push({ name: one.name, ...(await measure(one, requests, certificate, folder)) });
    const bare = rows[0]?.cpuMicros ?? 1;
    process.stdout.write(`\nPOX over TLS keep-alive, ${requests} requests a case, 8 connections, ${USERS} users\n`);
    process.stdout.write(
      `${'case'.padEnd(36)}${'CPU/request'.padStart(13)}${'ratio'.padStart(8)}${'requests/s'.padStart(12)}\n`,
    );
    for (const row of rows) {
      const cells = [
        `${row.cpuMicros.toFixed(0)} us`.padStart(13),
        (row.cpuMicros / bare).toFixed(2).padStart(8),
        row.perSecond.toFixed(0).padStart(12),
      ];
      process.stdout.write(`${row.name.padEnd(36)}${cells.join('')}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  one: Case,
  requests: number,
  certificate: { caFile: string; certificateFile: string; keyFile: string },
  folder: string,
): Promise<{ cpuMicros: number; perSecond: number }> {
  const child = fork(new URL('./service-server.ts', import.meta.url), [
    JSON.stringify({ kind: one.server, cache: one.cache, users: USERS, folder, ...certificate }),
  ]);
  try {
    const { port } = (await message(child, 'ready')) as { port: number };
    const agent = new Agent({ ca: readFileSync(certificate.caFile), keepAlive: true, maxSockets: 8 });
    await ask(agent, port, one, Math.min(requests, 500));
    child.send('start');
    await message(child, 'started');
    const began = performance.now();
    await ask(agent, port, one, requests);
    const seconds = (performance.now() - began) / 1000;
    child.send('stop');
    const { cpuMicros } = (await message(child, 'stopped')) as { cpuMicros: number };
    agent.destroy();
    return { cpuMicros: cpuMicros / requests, perSecond: requests / seconds };
  } finally {
    child.kill();
  }
}

function message(child: ChildProcess, type: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the bench server did not say "${type}" within 60 s`)), 60_000);
    child.on('message', function listen(value: unknown) {
      if ((value as { type?: string }).type !== type) return;
      clearTimeout(timer);
      child.off('message', listen);
      resolve(value);
    });
    child.once('exit', (code) => reject(new Error(`the bench server ended with ${code}`)));
  });
}

/** Eight clients in turn, so that at most eight requests are under way. */
async function ask(agent: Agent, port: number, one: Case, count: number): Promise<void> {
  let next = 0;
  const client = async () => {
    while (next < count) await post(agent, port, one.ask(next++));
  };
  await Promise.all(Array.from({ length: 8 }, client));
}

function post(agent: Agent, port: number, { user, address }: { user: string; address: string }): Promise<void> {
  const body =
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>' +
    `<EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>` +
    'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>';
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/autodiscover/autodiscover.xml',
        auth: `${user}:Demo-Passw0rd!`,
        headers: { 'Content-Type': 'text/xml', 'Content-Length': Buffer.byteLength(body) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200 && text.includes('<Type>EXCH</Type>')) resolve();
          else reject(new Error(`HTTP ${response.statusCode}: ${text.slice(0, 300)}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
