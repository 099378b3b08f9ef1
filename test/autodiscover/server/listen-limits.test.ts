// Limits of listeners that no single request shows: connections in all and per address.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { HeldConnections, type HeldConnectionsOptions } from '../../../src/autodiscover/server/held-connections.ts';
import { type ListenOptions, listenHttp } from '../../../src/autodiscover/server/listen.ts';
import { PipelineLimit } from '../../../src/autodiscover/server/pipeline-limit.ts';
import type { RefusedRequestFacts } from '../../../src/autodiscover/server/refused-requests.ts';

const HELD: HeldConnectionsOptions = { maxConnections: 100, maxConnectionsPerAddress: 3, exempt: () => false };
const options = (held: Partial<HeldConnectionsOptions> = {}): ListenOptions => ({
  hostPort: '127.0.0.1:0',
  requestSeconds: 5,
  headerSeconds: 5,
  maxHeaders: 100,
  held: new HeldConnections({ ...HELD, ...held }),
  pipelines: new PipelineLimit({ perConnection: 32 }),
});

/** Opens a connection from a loopback address and asks; resolves with the status line's code, or `closed`. */
function ask(port: number, localAddress: string): Promise<{ answer: string; close: () => Promise<void> }> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    const gone = new Promise<void>((done) => socket.once('close', () => done()));
    const close = () => {
      socket.destroy();
      return gone;
    };
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ answer: 'closed', close }));
    socket.on('data', (data) => resolve({ answer: data.toString().slice(9, 12), close }));
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  });
}

const answers = async (port: number, addresses: readonly string[]) => {
  const held = [];
  for (const address of addresses) held.push(await ask(port, address));
  return held;
};

test('an address holds so many connections; others are not touched, and a closed one makes room', async (t) => {
  const listener = await listenHttp((_request, response) => response.writeHead(204).end(), options());
  t.after(() => listener.stop(0));
  const port = Number(new URL(listener.url).port);
  const here = '127.0.0.1';
  const held = await answers(port, [here, here, here, here, '127.0.0.2']);
  assert.deepEqual(
    held.map(({ answer }) => answer),
    ['204', '204', '204', 'closed', '204'],
  );
  await held[0]?.close();
  // The server hears of the end a moment later than the client.
  let again = await ask(port, here);
  for (let tries = 0; again.answer === 'closed' && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    again = await ask(port, here);
  }
  assert.equal(again.answer, '204');
  for (const one of [...held, again]) await one.close();
});

test('exempt addresses and a limit of nothing hold as many as they like', async (t) => {
  for (const held of [{ exempt: () => true }, { maxConnectionsPerAddress: 0 }]) {
    const listener = await listenHttp((_request, response) => response.writeHead(204).end(), options(held));
    t.after(() => listener.stop(0));
    const open = await answers(Number(new URL(listener.url).port), Array(6).fill('127.0.0.1'));
    assert.deepEqual(new Set(open.map(({ answer }) => answer)), new Set(['204']));
    for (const one of open) await one.close();
  }
});

/** Port of a listener that answers 204 and counts with others. */
async function listening(t: TestContext, with_: ListenOptions): Promise<number> {
  const listener = await listenHttp((_request, response) => response.writeHead(204).end(), with_);
  t.after(() => listener.stop(0));
  return Number(new URL(listener.url).port);
}

test('two listeners count together, in all and per address; one apart from them does not', async (t) => {
  for (const [held, expected] of [
    [{ maxConnections: 3, maxConnectionsPerAddress: 0 }, ['204', '204', '204', 'closed', 'closed']],
    [{ maxConnectionsPerAddress: 3 }, ['204', '204', '204', 'closed', 'closed']],
  ] as const) {
    const together = options(held);
    const [one, two, apart] = [
      await listening(t, together),
      await listening(t, together),
      await listening(t, options(held)),
    ];
    const open = [];
    for (const port of [one, two, one, two, one]) open.push(await ask(port, '127.0.0.1'));
    assert.deepEqual(
      open.map(({ answer }) => answer),
      expected,
    );
    open.push(await ask(apart, '127.0.0.1'));
    assert.equal(open.at(-1)?.answer, '204');
    // One that is closed makes room at the other listener.
    await open[0]?.close();
    let again = await ask(two, '127.0.0.1');
    for (let tries = 0; again.answer === 'closed' && tries < 100; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      again = await ask(two, '127.0.0.1');
    }
    assert.equal(again.answer, '204');
    for (const socket of [...open, again]) await socket.close();
  }
});

test('who is turned away is told: one address too many, and one connection too many', async (t) => {
  for (const [held, refusal] of [
    [{ maxConnectionsPerAddress: 3 }, 'address-connections'],
    [{ maxConnections: 3, maxConnectionsPerAddress: 0 }, 'connections'],
  ] as const) {
    const told: RefusedRequestFacts[] = [];
    const port = await listening(t, { ...options(held), onRefused: (one) => void told.push(one) });
    const open = await answers(port, Array(5).fill('127.0.0.3'));
    const once = { refusal, address: '127.0.0.3' };
    assert.deepEqual(told, [once, once]);
    for (const socket of open) await socket.close();
  }
});
