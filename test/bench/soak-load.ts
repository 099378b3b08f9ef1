// The soak's load generator: so many requests a second of all kinds, on connections that are kept, given up and made anew.

import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { answerParent, childOptions } from './child-end.ts';
import { pickKind, type SoakRequest } from './soak-mix.ts';
import { TlsClient } from './tls-client.ts';

export interface SoakCounts {
  /** Requests by kind. */
  readonly done: Readonly<Record<string, number>>;
  readonly wrong: number;
  readonly examples: readonly string[];
  /** Requests that were due while too many were under way. */
  readonly skipped: number;
}

const { caFile, port, perSecond } = childOptions<{ caFile: string; port: number; perSecond: number }>();
const context = createSecureContext({ ca: readFileSync(caFile) });
const TICK_MS = 50;
const MOST_UNDER_WAY = 200;
const MOST_IDLE = 30;
/** One of so many connections is given up after an answer. */
const GIVEN_UP = 10;
const EXAMPLES = 5;

const idle: TlsClient[] = [];
let underWay = 0;
let due = 0;
let counts = empty();
const random = (below: number) => Math.floor(Math.random() * below);

answerParent(null, {
  counts: (): SoakCounts => {
    const taken = counts;
    counts = empty();
    return taken;
  },
});
setInterval(tick, TICK_MS);

function empty() {
  return { done: {} as Record<string, number>, wrong: 0, examples: [] as string[], skipped: 0 };
}

function tick(): void {
  due += (perSecond * TICK_MS) / 1000;
  for (; due >= 1; due--) {
    if (underWay >= MOST_UNDER_WAY) counts.skipped += 1;
    else void one();
  }
}

async function one(): Promise<void> {
  const kind = pickKind(random);
  underWay += 1;
  try {
    const request = kind.make(random);
    await (request.aborted ? abort(request) : exchange(request));
  } catch (error) {
    counts.wrong += 1;
    if (counts.examples.length < EXAMPLES) counts.examples.push(`${kind.name}: ${(error as Error).message}`);
  } finally {
    underWay -= 1;
    counts.done[kind.name] = (counts.done[kind.name] ?? 0) + 1;
  }
}

async function exchange({ bytes, statuses, texts }: SoakRequest): Promise<void> {
  const client = await connection();
  const { status, body, head } = await client.ask(bytes);
  if (client.open && !/\r\nconnection: close/i.test(head) && idle.length < MOST_IDLE && random(GIVEN_UP) > 0)
    idle.push(client);
  else client.close();
  const missing = status === 200 ? texts.find((text) => !body.includes(text)) : undefined;
  if (!statuses.includes(status) || missing !== undefined) {
    throw new Error(
      `HTTP ${status}, not ${statuses.join(' or ')} with "${missing ?? ''}": ${body.toString('latin1', 0, 200)}`,
    );
  }
}

async function connection(): Promise<TlsClient> {
  for (let client = idle.pop(); client; client = idle.pop()) if (client.open) return client;
  return TlsClient.connect({ port, context });
}

async function abort({ bytes, aborted }: SoakRequest): Promise<void> {
  const client = await TlsClient.connect({ port, context });
  const part = aborted === 'request' ? bytes.subarray(0, bytes.length >> 1) : bytes;
  await new Promise<void>((resolve) => client.socket.write(part, () => resolve()));
  client.close();
}
