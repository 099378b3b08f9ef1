// Limits of a listener that no single request shows: connections per address.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test from 'node:test';
import { type ListenOptions, listenHttp } from '../../../src/autodiscover/server/listen.ts';

const OPTIONS: ListenOptions = {
  hostPort: '127.0.0.1:0',
  requestSeconds: 5,
  headerSeconds: 5,
  maxHeaders: 100,
  maxConnections: 100,
  maxConnectionsPerAddress: 3,
  exempt: () => false,
};

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
  const listener = await listenHttp((_request, response) => response.writeHead(204).end(), OPTIONS);
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
  for (const options of [
    { ...OPTIONS, exempt: () => true },
    { ...OPTIONS, maxConnectionsPerAddress: 0 },
  ]) {
    const listener = await listenHttp((_request, response) => response.writeHead(204).end(), options);
    t.after(() => listener.stop(0));
    const held = await answers(Number(new URL(listener.url).port), Array(6).fill('127.0.0.1'));
    assert.deepEqual(new Set(held.map(({ answer }) => answer)), new Set(['204']));
    for (const one of held) await one.close();
  }
});
