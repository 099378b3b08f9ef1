// The demo's stand-ins are what the checks take them for.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test from 'node:test';
import { startEndpointMapper, startSilentService } from '../../../src/admin/demo/endpoint-mapper-stand-in.ts';
import { parseNameTable } from '../../../src/admin/demo/name-table.ts';
import { EXCHANGE_INTERFACES, mapEndpoint } from '../../../src/autodiscover/client/endpoint-mapper.ts';

test('the endpoint mapper names the ports it was given, and no others', async () => {
  const { EMSMDB, NSPI, RFR } = EXCHANGE_INTERFACES;
  const mapper = await startEndpointMapper([
    { ...EMSMDB, port: 59_531 },
    { ...NSPI, port: 59_532 },
    { ...NSPI, port: 59_533 },
  ]);
  try {
    const ask = (syntax: typeof EMSMDB) =>
      mapEndpoint({ host: '127.0.0.1', port: mapper.port, timeoutMs: 5000, ...syntax });
    const port = (number: number) => ({ port: number, address: undefined });
    assert.deepEqual(await ask(EMSMDB), { outcome: 'registered', endpoints: [port(59_531)] });
    assert.deepEqual(await ask(NSPI), { outcome: 'registered', endpoints: [port(59_532), port(59_533)] });
    assert.deepEqual(await ask(RFR), { outcome: 'not-registered' });
  } finally {
    await mapper.close();
  }
});

test('the endpoint mapper hangs up on what is no RPC, and survives it', async () => {
  const mapper = await startEndpointMapper([]);
  try {
    for (const bytes of [
      'GET / HTTP/1.1\r\n\r\n',
      '\x05\x00\x00\x03\x10\0\0\0\x01\x00\0\0\0\0\0\0',
      `\x05${'\xff'.repeat(40)}`,
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(mapper.port, '127.0.0.1', () => socket.write(Buffer.from(bytes, 'latin1')));
        socket.once('close', () => resolve()).once('error', () => undefined);
      });
    }
    const answer = await mapEndpoint({
      host: '127.0.0.1',
      port: mapper.port,
      timeoutMs: 5000,
      ...EXCHANGE_INTERFACES.RFR,
    });
    assert.equal(answer.outcome, 'not-registered');
  } finally {
    await mapper.close();
  }
});

test('a silent service ends its connections when it is closed', async () => {
  const service = await startSilentService();
  const socket = connect(service.port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => setImmediate(resolve));
  await service.close();
  await ended;
});

test('a name table reads as a hosts file does', () => {
  const table = parseNameTable('# head\n10.0.0.1  A.test b.test # both\n\n10.0.0.2\ta.test\n');
  assert.deepEqual(table.addressesOf('a.TEST'), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(table.namesOf('10.0.0.1'), ['a.test', 'b.test']);
  assert.deepEqual(table.addressesOf('c.test'), []);
});

for (const [text, message] of [
  ['10.0.0.1', /line 1: expected/],
  ['\nname 10.0.0.1', /line 2: expected/],
  [`10.0.0.1 ${'x'.repeat(300)}`, /too long/],
] as const) {
  test(`no name table: ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.throws(() => parseNameTable(text), message);
  });
}
