// The load generator's process: sends the requests of a run, checks every answer, and keeps its connections for the next run.

import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { answerParent, childOptions } from './child-end.ts';
import { type LoadResult, type Run, userAt } from './load.ts';
import { expectedTexts, requestBytes, USERS_OF } from './requests.ts';
import { percentile } from './statistics.ts';
import { type Answer, TlsClient } from './tls-client.ts';

const { caFile } = childOptions<{ caFile: string }>();
const context = createSecureContext({ ca: readFileSync(caFile) });
/** Kept connections by port. */
const kept = new Map<number, (TlsClient | undefined)[]>();
const EXAMPLES = 3;

answerParent(null, { run, sample, hangUp });

async function run({ port, load, from, until }: Run): Promise<LoadResult> {
  const began = performance.now();
  const limit = from + (until.requests ?? Number.POSITIVE_INFINITY);
  const end = began + (until.milliseconds ?? Number.POSITIVE_INFINITY);
  const times: number[] = [];
  const examples: string[] = [];
  let errors = 0;
  let next = from;
  const perRequest = USERS_OF[load.dialect];
  const client = async (slot: number): Promise<void> => {
    while (next < limit && performance.now() < end) {
      const n = next++;
      const users = Array.from({ length: perRequest }, (_, i) => userAt(load, n * perRequest + i));
      const request = requestBytes(load.dialect, users, load.caller === 'own' ? (users[0] ?? 0) : 0);
      const asked = performance.now();
      try {
        const answer = load.connections === 'kept' ? await askKept(port, slot, request) : await askNew(port, request);
        times.push(performance.now() - asked);
        check(answer, load.expect ?? expectedTexts(load.dialect, users));
      } catch (error) {
        errors += 1;
        if (examples.length < EXAMPLES) examples.push((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, (_, slot) => client(slot)));
  const seconds = (performance.now() - began) / 1000;
  const sorted = Float64Array.from(times).sort();
  return {
    requests: next - from,
    errors,
    examples,
    seconds,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
  };
}

async function askKept(port: number, slot: number, request: Buffer): Promise<Answer> {
  const clients = kept.get(port) ?? [];
  kept.set(port, clients);
  let client = clients[slot];
  if (!client?.open) {
    client = await TlsClient.connect({ port, context });
    clients[slot] = client;
  }
  return client.ask(request);
}

async function askNew(port: number, request: Buffer): Promise<Answer> {
  const client = await TlsClient.connect({ port, context });
  try {
    return await client.ask(request);
  } finally {
    client.close();
  }
}

/** Throws unless it is a 200 that holds the texts in their order. */
function check({ status, body }: Answer, texts: readonly string[]): void {
  if (status !== 200) throw new Error(`HTTP ${status}: ${body.toString('latin1', 0, 300)}`);
  let at = 0;
  for (const text of texts) {
    at = body.indexOf(text, at, 'latin1');
    if (at < 0) throw new Error(`an answer without "${text}": ${body.toString('latin1', 0, 600)}`);
  }
}

/** One answer in words, for servers that imitate it. */
async function sample({ port, load }: Run): Promise<{ status: number; head: string; body: string }> {
  const client = await TlsClient.connect({ port, context });
  try {
    const { status, head, body } = await client.ask(requestBytes(load.dialect, [0], 0));
    return { status, head, body: body.toString('utf8') };
  } finally {
    client.close();
  }
}

function hangUp(): void {
  for (const clients of kept.values()) for (const client of clients) client?.close();
  kept.clear();
}
