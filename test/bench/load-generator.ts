// The load generator's process: sends the requests of a run, checks every answer, and keeps its connections for the next run.

import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { answerParent, childOptions } from './child-end.ts';
import { type LoadResult, type Run, userAt } from './load.ts';
import { addressOf, expectedTexts, requestBytes, USERS_OF } from './requests.ts';
import { percentile } from './statistics.ts';
import { type Answer, TlsClient } from './tls-client.ts';
import { type Visit, visit } from './visits.ts';

const { caFile } = childOptions<{ caFile: string }>();
const ca = readFileSync(caFile);
const contexts = {
  'TLSv1.3': createSecureContext({ ca }),
  'TLSv1.2': createSecureContext({ ca, maxVersion: 'TLSv1.2' }),
};
const context = contexts['TLSv1.3'];
/** Kept connections by port. */
const kept = new Map<number, (TlsClient | undefined)[]>();
const lastSession = new Map<number, Buffer>();
const EXAMPLES = 3;

answerParent(null, {
  run: (plan: Run) => awake(() => run(plan)),
  sample,
  hangUp,
  visit: (plan: Visit) => visit(plan, contexts[plan.version]),
});

/**
 * Does the work without sleeping in between: a server that answers a process asleep pays for waking it, on a virtual machine with as much CPU
 * time as for the answer itself. A fast server never finds it asleep, a slow one every time.
 */
async function awake<T>(work: () => Promise<T>): Promise<T> {
  let turn = setImmediate(function stay() {
    turn = setImmediate(stay);
  });
  try {
    return await work();
  } finally {
    clearImmediate(turn);
  }
}

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
      const addresses = Array.from({ length: perRequest }, (_, i) => addressOf(userAt(load, n * perRequest + i)));
      const caller = load.caller === 'own' ? (addresses[0] ?? '') : addressOf(0);
      const request = requestBytes(load.dialect, addresses, caller);
      const asked = performance.now();
      try {
        const answer = await (load.connections === 'kept'
          ? askKept(port, slot, request)
          : askNew(port, request, load.connections === 'resumed'));
        times.push(performance.now() - asked);
        check(answer, load.expect ?? expectedTexts(load.dialect, addresses));
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
    ...(load.connections === 'kept' ? {} : { times }),
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

async function askNew(port: number, request: Buffer, resume: boolean): Promise<Answer> {
  const session = resume ? lastSession.get(port) : undefined;
  const client = await TlsClient.connect({ port, context, ...(session ? { session } : {}) });
  if (resume) client.socket.on('session', (fresh) => lastSession.set(port, fresh));
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
    const { status, head, body } = await client.ask(requestBytes(load.dialect, [addressOf(0)], addressOf(0)));
    return { status, head, body: body.toString('utf8') };
  } finally {
    client.close();
  }
}

function hangUp(): void {
  for (const clients of kept.values()) for (const client of clients) client?.close();
  kept.clear();
}
