import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type LookupFunction } from 'node:net';
import test from 'node:test';
import {
  EMSMDB,
  type EndpointMapAnswer,
  mapEndpoint,
  NSPI,
  RFR,
} from '../../../src/autodiscover/client/endpoint-mapper.ts';
import { bindAck, type FakeBehaviour, fault, startFakeEndpointMapper } from './fake-endpoint-mapper.ts';

const EMSMDB_ROW = { uuid: 'a4f1db00-ca47-1067-b31f-00dd010662da', major: 0, minor: 81, port: 6001 };
const REGISTERED: FakeBehaviour = { registrations: [EMSMDB_ROW] };

async function ask(behaviour: FakeBehaviour, asked = EMSMDB, timeoutMs = 5000): Promise<EndpointMapAnswer> {
  const fake = await startFakeEndpointMapper(behaviour);
  try {
    return await mapEndpoint({ host: '127.0.0.1', port: fake.port, timeoutMs, ...asked });
  } finally {
    await fake.close();
  }
}

test('each Exchange interface is found on its own port ([C706] appendix O ept_map, [MS-RPCE] 2.2.1.2 ept_map, [MS-OXCRPC] 1.9 Interface, [MS-OXABREF] 1.9 Interface, [MS-OXNSPI] 1.9 Interface)', async () => {
  const registrations = [
    EMSMDB_ROW,
    { uuid: '1544f5e0-613c-11d1-93df-00c04fd7bd09', major: 1, minor: 0, port: 6002, address: '192.0.2.7' },
    { uuid: 'f5cc5a18-4264-101a-8c59-08002b2f8426', major: 56, minor: 0, port: 6004 },
  ];
  const answers = await Promise.all([EMSMDB, RFR, NSPI].map((asked) => ask({ registrations }, asked)));
  assert.deepEqual(answers, [
    { outcome: 'registered', endpoints: [{ port: 6001, address: undefined }] },
    { outcome: 'registered', endpoints: [{ port: 6002, address: '192.0.2.7' }] },
    { outcome: 'registered', endpoints: [{ port: 6004, address: undefined }] },
  ]);
});

test('several ports are all listed, the same one once', async () => {
  const registrations = [EMSMDB_ROW, { ...EMSMDB_ROW, port: 49152 }, EMSMDB_ROW];
  const answer = await ask({ registrations });
  assert.equal(answer.outcome, 'registered');
  assert.deepEqual(answer.outcome === 'registered' && answer.endpoints.map((e) => e.port), [6001, 49152]);
});

test('an interface the mapper does not know is not registered ([C706] appendix E status)', async () => {
  assert.deepEqual(await ask({ registrations: [] }), { outcome: 'not-registered' });
  assert.deepEqual(await ask(REGISTERED, NSPI), { outcome: 'not-registered' });
});

test('a tower for another interface, or on port 0, does not count ([C706] appendix I Identifiers)', async () => {
  const swap = (good: Buffer): Buffer => {
    const at = good.indexOf(Buffer.from('00dbf1a4', 'hex'));
    good[at] = 0xff;
    return good;
  };
  assert.deepEqual(await ask({ ...REGISTERED, mapReply: swap }), { outcome: 'not-registered' });
  assert.deepEqual(await ask({ registrations: [{ ...EMSMDB_ROW, port: 0 }] }), { outcome: 'not-registered' });
});

test('answers in fragments, byte by byte and in big-endian are read alike ([C706] 12.6 PDUs, [C706] 14 NDR, [C706] 14.2 NDR)', async () => {
  const registrations = Array.from({ length: 20 }, (_, i) => ({ ...EMSMDB_ROW, port: 6001 + i }));
  const plain = await ask({ registrations });
  assert.equal(plain.outcome === 'registered' && plain.endpoints.length, 20);
  assert.deepEqual(await ask({ registrations, fragmentBytes: 100 }), plain);
  assert.deepEqual(await ask({ registrations, drip: 7 }), plain);
  // An integer UUID field would be swapped too; towers are octet strings and stay little-endian.
  assert.deepEqual(await ask({ registrations, bigEndian: true }), plain);
});

const REJECTED: readonly (readonly [string, FakeBehaviour, RegExp])[] = [
  ['context refused', { bindReply: () => bindAck(1, false, 2, 1) }, /bind refused: context result 2, reason 1/],
  [
    'bind_nak',
    { bindReply: () => Buffer.from('05000d0310000000180000000100000004000000' + '00000000', 'hex') },
    /reject reason 4/,
  ],
  ['fault on bind', { bindReply: () => fault(1, 5) }, /bind failed with status 0x00000005 \(access denied/],
  ['fault on call', { mapReply: () => fault(2, 5) }, /ept_map failed with status 0x00000005 \(access denied/],
  ['unknown fault', { mapReply: () => fault(2, 0xc0000022) }, /status 0xc0000022$/],
  ['call status', { status: 0x16c9a0cd }, /0x16c9a0cd \(the endpoint mapper cannot perform/],
];
for (const [name, behaviour, detail] of REJECTED) {
  test(`rejected: ${name}`, async () => {
    const answer = await ask({ ...REGISTERED, ...behaviour });
    assert.equal(answer.outcome, 'rejected');
    assert.match(answer.outcome === 'rejected' ? answer.detail : '', detail);
  });
}

function patched(offset: number, value: number): (good: Buffer) => Buffer {
  return (good) => {
    good.writeUInt8(value, offset);
    return good;
  };
}

const GARBAGE: readonly (readonly [string, FakeBehaviour, RegExp])[] = [
  ['a web server', { bindReply: () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') }, /offset 0: RPC version 72/],
  ['wrong minor version', { bindReply: patched(1, 9) }, /offset 1/],
  ['impossible length', { bindReply: patched(8, 3) }, /offset 8: fragment length 3 is shorter/],
  ['wrong call id', { bindReply: patched(12, 9) }, /call id 9, expected 1/],
  ['authentication data', { bindReply: patched(10, 8) }, /authentication data of 8 bytes/],
  ['secondary address too long', { bindReply: patched(24, 200) }, /secondary address needs 200 bytes/],
  ['two context results', { bindReply: patched(32, 2) }, /2 context results/],
  ['a request back', { bindReply: patched(2, 0) }, /packet type 0/],
  ['a response to a bind', { bindReply: patched(2, 2) }, /a response PDU where another was due/],
  ['a second bind_ack', { mapReply: () => bindAck(2) }, /a bind-ack PDU where another was due/],
  ['too many towers', { mapReply: patched(24 + 32, 200) }, /200 towers, asked for at most 32/],
  ['array offset', { mapReply: patched(24 + 28, 1) }, /does not start at 0/],
  ['more towers than sent', { mapReply: patched(24 + 32, 9) }, /tower/],
  [
    'tower longer than the stub',
    { mapReply: (g) => patched(24 + 45, 1)(patched(24 + 41, 1)(g)) },
    /tower needs 331 bytes/,
  ],
  ['tower length disagrees', { mapReply: patched(24 + 44, 70) }, /tower of 70 bytes in an array of 75/],
  ['floors run out', { mapReply: patched(24 + 48, 8) }, /tower at 48, offset 75: floor 6/],
  ['too many floors', { mapReply: patched(24 + 48, 99) }, /99 floors/],
  ['fragments without end', { mapReply: endless }, /more than 64 fragments/],
  ['cut inside a PDU', { mapReply: (good, socket) => void socket.end(good.subarray(0, 60)) }, /ended inside a PDU/],
];
for (const [name, behaviour, detail] of GARBAGE) {
  test(`garbage: ${name}`, async () => {
    const answer = await ask({ ...REGISTERED, ...behaviour });
    assert.equal(answer.outcome, 'garbage', JSON.stringify(answer));
    assert.match(answer.outcome === 'garbage' ? answer.detail : '', detail);
  });
}

function endless(good: Buffer): Buffer {
  const fragment = Buffer.from(good);
  fragment.writeUInt8(0, 3); // neither first nor last
  return Buffer.concat(Array.from({ length: 70 }, () => fragment));
}

test('a server that closes without an answer is unreachable', async () => {
  for (const behaviour of [
    { bindReply: (_: Buffer, socket: { end(): void }) => void socket.end() },
    { mapReply: (_: Buffer, socket: { end(): void }) => void socket.end() },
  ]) {
    const answer = await ask(behaviour);
    assert.equal(answer.outcome === 'unreachable' && answer.reason, 'closed');
  }
});

test('silence times out, and names the phase', async () => {
  assert.deepEqual(await ask({ bindReply: () => undefined }, EMSMDB, 50), { outcome: 'timeout', phase: 'bind' });
  assert.deepEqual(await ask({ mapReply: () => undefined }, EMSMDB, 50), { outcome: 'timeout', phase: 'map' });
  // One byte now and then is no answer: the deadline is for the whole conversation.
  assert.deepEqual(await ask({ mapReply: (good) => good.subarray(0, 30) }, EMSMDB, 50), {
    outcome: 'timeout',
    phase: 'map',
  });
});

test('no listener, no such name, no resolver', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const refused = await mapEndpoint({ host: '127.0.0.1', port, timeoutMs: 5000, ...EMSMDB });
  assert.equal(refused.outcome === 'unreachable' && refused.reason, 'connection-refused');
  const unknown = await mapEndpoint({
    host: 'outlook.contoso.test',
    timeoutMs: 5000,
    ...EMSMDB,
    lookup: (_host, _options, callback) =>
      callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), ''),
  });
  assert.deepEqual(unknown, { outcome: 'unreachable', reason: 'name-not-found', detail: 'no such name' });
  const silent = await mapEndpoint({ host: 'outlook.contoso.test', timeoutMs: 30, ...EMSMDB, lookup: () => {} });
  assert.deepEqual(silent, { outcome: 'timeout', phase: 'resolve' });
});

test('a malformed interface id is the caller’s mistake', async () => {
  await assert.rejects(
    mapEndpoint({ host: '127.0.0.1', timeoutMs: 50, interfaceId: 'emsmdb', version: EMSMDB.version }),
    RangeError,
  );
});

test('where no address of a name answers, each is told', async () => {
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ];
  const lookup: LookupFunction = (_name, _options, callback) => callback(null, addresses);
  const answer = await mapEndpoint({ host: 'outlook.contoso.test', port: 1, timeoutMs: 5000, lookup, ...EMSMDB });
  assert.ok(answer.outcome === 'unreachable');
  assert.equal(answer.reason, 'connection-refused');
  assert.match(answer.detail, /ECONNREFUSED 127\.0\.0\.1:1; .*ECONNREFUSED 127\.0\.0\.2:1/);
});
