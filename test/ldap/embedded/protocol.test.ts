import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  checkOutline,
  FrameSplitter,
  fields,
  integer,
  list,
  octets as octetsOf,
} from '../../../src/ldap/embedded/frame.ts';
import { ProtocolFault } from '../../../src/ldap/embedded/protocol-fault.ts';
import { decodeMessage } from '../../../src/ldap/embedded/request.ts';
import { mutate, seededRandom } from '../../helpers/mutation.ts';
import { codeOf, connect, DOMAIN, PASSWORD, READER, STAFF, start } from './demo-directory.ts';
import { ber, bindRequest, equality, int, message, octets, present, rawClient, searchRequest } from './raw-client.ts';

const BIND = message(1, bindRequest('alice@contoso.test', PASSWORD));
const SEARCH = message(2, searchRequest(DOMAIN, equality('sAMAccountName', 'bob'), 2, 'mail'));
const NOTICE = '0:78:2';

test('messages split and joined', async (t) => {
  const directory = await start(t);
  const joined = await rawClient(t, directory.port);
  joined.send(Buffer.concat([BIND, SEARCH, message(3, searchRequest('', present('objectClass'), 0))]));
  const want = ['1:61:0', '2:64:-', '2:73:-', '2:65:0', '3:64:-', '3:65:0'];
  assert.deepEqual(await joined.answers(6), want);
  const split = await rawClient(t, directory.port);
  for (const byte of Buffer.concat([BIND, SEARCH])) {
    split.send(Buffer.from([byte]));
    if (byte % 16 === 0) await sleep(1);
  }
  assert.deepEqual(await split.answers(4), want.slice(0, 4));
  split.send(message(4, ber(0x42))); // unbind: hung up without an answer
  assert.deepEqual(await split.closed(), want.slice(0, 4));
});

test('what is no LDAP is told so and hung up on', async (t) => {
  const directory = await start(t);
  const table: [why: string, bytes: Buffer][] = [
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['TLS on the plain port', Buffer.from('16030100a5010000a10303', 'hex')],
    ['indefinite length', Buffer.from('3080020101', 'hex')],
    ['a length of five bytes', Buffer.from('308500000000ff', 'hex')],
    ['too long', Buffer.from('30840010000102', 'hex')],
    ['no id', Buffer.from('3000', 'hex')],
    ['an empty id', message(1).fill(0)],
    ['a negative id', ber(0x30, int(0xff), ber(0x42))],
    ['no operation', ber(0x30, int(1))],
    ['an unknown operation', message(1, ber(0x7e))],
    ['an answer', message(1, ber(0x61, int(0, 0x0a), octets(''), octets('')))],
    ['a part too many', message(1, ber(0x42), ber(0xa0), ber(0xa0))],
    ['controls that are none', message(1, searchRequest('', present('objectClass'), 0), ber(0xa0, octets('x')))],
  ];
  for (const [why, bytes] of table) {
    const client = await rawClient(t, directory.port);
    client.send(bytes);
    assert.deepEqual(await client.closed(), [NOTICE], why);
  }
});

test('a request that is understood but for its content is answered, and the connection stays', async (t) => {
  const directory = await start(t);
  const client = await rawClient(t, directory.port);
  const bad = async (operation: Buffer, want: string) => {
    const before = (await client.answers(0)).length;
    client.send(message(7, operation));
    assert.deepEqual((await client.answers(before + 1)).slice(before), [`7:${want}`]);
  };
  await bad(bindRequest('alice@contoso.test', PASSWORD), '61:0');
  const filtered = (filter: Buffer) => searchRequest(DOMAIN, filter);
  await bad(ber(0x63), '65:2');
  await bad(searchRequest(DOMAIN, present('objectClass'), 9), '65:2'); // no such scope
  await bad(filtered(ber(0xaf)), '65:2'); // no such filter
  await bad(filtered(ber(0xa2)), '65:2'); // not what?
  await bad(filtered(ber(0xa2, present('a'), present('b'))), '65:2'); // not of two
  await bad(filtered(ber(0xa3, octets('cn'))), '65:2'); // equal to what?
  await bad(filtered(ber(0xa3, octets('cn'), octets('a'), octets('b'))), '65:2');
  await bad(filtered(ber(0xa4, octets('cn'), ber(0x30))), '65:2'); // no piece
  await bad(filtered(ber(0xa4, octets('cn'), ber(0x30, octets('a', 0x82), octets('b', 0x80)))), '65:2'); // final first
  await bad(filtered(ber(0xa9, octets('x', 0x83))), '65:2'); // neither rule nor attribute
  await bad(ber(0x68, octets('CN=x'), ber(0x30, octets('no list'))), '69:2');
  await bad(ber(0x68, octets('CN=x'), Buffer.from([0x30, 0x7f])), '69:2'); // longer than the message
  await bad(ber(0x66, octets('CN=x'), ber(0x30, ber(0x30, int(9, 0x0a), ber(0x30, octets('cn'), ber(0x31))))), '67:2');
  await bad(ber(0x6c, octets('CN=x'), octets('CN=y')), '6d:2');
  await bad(ber(0x60, int(2), octets(''), octets('', 0x80)), '61:2'); // LDAP version 2
  await bad(ber(0x60, int(3), octets(''), ber(0xa3, octets('GSSAPI'))), '61:7'); // SASL
  let nested = present('objectClass');
  for (let depth = 0; depth < 90; depth++) nested = ber(0xa2, nested);
  await bad(filtered(nested), '65:2'); // nested too deeply
  await bad(filtered(ber(0xa1, ...Array.from({ length: 10_001 }, () => present('a')))), '65:2'); // too many parts
  const unknown = ber(0x30, octets('1.2.3'), ber(0x01, [0xff]));
  client.send(message(7, searchRequest('', present('objectClass'), 0), ber(0xa0, unknown)));
  assert.equal((await client.answers(20)).at(-1), '7:65:12'); // critical, unknown control
  const optional = ber(0x30, octets('1.2.3'));
  client.send(message(8, searchRequest('', present('objectClass'), 0), ber(0xa0, optional)));
  assert.deepEqual((await client.answers(22)).slice(-2), ['8:64:-', '8:65:0']); // not critical: ignored
});

test('connections beyond the limit are cut', async (t) => {
  const directory = await start(t, { limits: { maxConnections: 2 } });
  await rawClient(t, directory.port);
  await rawClient(t, directory.port);
  const third = await rawClient(t, directory.port);
  assert.deepEqual(await third.closed(), []);
  assert.equal(directory.stats.connections, 3);
  assert.equal(directory.stats.openConnections, 2);
});

test('idle connections are closed', async (t) => {
  const directory = await start(t, { limits: { idleMs: 50 } });
  const client = await rawClient(t, directory.port);
  assert.deepEqual(await client.closed(), []);
});

test('a client that asks and never reads does not stop others', async (t) => {
  const directory = await start(t);
  const greedy = await rawClient(t, directory.port);
  greedy.send(message(1, bindRequest(READER, PASSWORD)));
  await greedy.answers(1);
  greedy.socket.pause();
  const everything = message(2, searchRequest(STAFF, present('objectClass')));
  for (let i = 0; i < 1000; i++) greedy.send(everything);
  const other = await connect(t, directory, 'CONTOSO\\alice');
  assert.equal((await other.search(STAFF, { filter: '(sAMAccountName=bob)' })).searchEntries.length, 1);
  assert.ok(directory.stats.searches < 1000, 'requests of a client that does not read wait');
});

test('the frame splitter', () => {
  const splitter = new FrameSplitter(100);
  assert.equal(splitter.next(), undefined);
  splitter.push(Buffer.from([0x30]));
  assert.equal(splitter.next(), undefined);
  splitter.push(Buffer.from([0x81]));
  assert.equal(splitter.next(), undefined);
  splitter.push(Buffer.from([0x02, 0x01, 0x02, 0x30, 0x00, 0x30]));
  assert.equal(splitter.next()?.toString('hex'), '3081020102');
  assert.equal(splitter.next()?.toString('hex'), '3000');
  assert.equal(splitter.next(), undefined);
  assert.equal(splitter.takeRest().toString('hex'), '30');
  splitter.push(Buffer.from([0x30, 99]));
  assert.throws(() => splitter.next(), /message of 101 bytes, at most 100/);
});

test('outlines', () => {
  const outline = fields(0x30, [integer(), list(0x31, octetsOf(), 1)], [octetsOf(0x80), octetsOf(0x81)]);
  const check = (hex: string) => {
    const data = Buffer.from(hex, 'hex');
    checkOutline(data, outline, 0, data.length);
  };
  const good = (hex: string) => check(hex);
  const bad = (hex: string, why: RegExp) =>
    assert.throws(
      () => check(hex),
      (error) => error instanceof ProtocolFault && why.test(error.message),
      hex,
    );
  good('3008 020101 3103 040161'.replaceAll(' ', ''));
  good('300a020101310304016180 00'.replaceAll(' ', ''));
  good('300c0201013103040161 8000 8100'.replaceAll(' ', ''));
  good('300a0201013103040161 8100'.replaceAll(' ', '')); // the first optional part left out
  bad('300c0201013103040161 8100 8000'.replaceAll(' ', ''), /unexpected element 0x80/); // out of order
  bad('30050201013100', /an empty list/);
  bad('3003020101', /lacks required parts/);
  bad('3108020101310304016 1'.replaceAll(' ', ''), /expected element 0x30/);
  bad('30080201013103020161', /expected element 0x4/);
  bad('300702003103040161', /integer of 0 bytes/);
  bad('300802010131030402 61'.replaceAll(' ', ''), /cut short/);
  bad('300802010131030401 6100'.replaceAll(' ', ''), /does not fill/);
});

const SEEDS = [
  BIND,
  SEARCH,
  message(
    3,
    searchRequest(
      DOMAIN,
      ber(0xa0, ber(0xa2, present('mail')), ber(0xa4, octets('cn'), ber(0x30, octets('a', 0x80), octets('b', 0x81)))),
    ),
  ),
  message(
    4,
    searchRequest(
      DOMAIN,
      ber(0xa9, octets('1.2.840.113556.1.4.803', 0x81), octets('userAccountControl', 0x82), octets('2', 0x83)),
    ),
  ),
  message(
    5,
    searchRequest(DOMAIN, present('objectClass')),
    ber(0xa0, ber(0x30, octets('1.2.840.113556.1.4.319'), octets(ber(0x30, int(5), octets(''))))),
  ),
  message(
    6,
    ber(
      0x66,
      octets(`CN=Bob Baker,${STAFF}`),
      ber(0x30, ber(0x30, int(2, 0x0a), ber(0x30, octets('title'), ber(0x31, octets('x'))))),
    ),
  ),
  message(
    7,
    ber(0x68, octets(`CN=New,${STAFF}`), ber(0x30, ber(0x30, octets('objectClass'), ber(0x31, octets('contact'))))),
  ),
  message(8, ber(0x6c, octets(`CN=New,${STAFF}`), octets('CN=Newer'), ber(0x01, [0xff]), octets(STAFF, 0x80))),
  message(9, octets(`CN=Newer,${STAFF}`, 0x4a)),
  message(10, ber(0x6e, octets(`CN=Bob Baker,${STAFF}`), ber(0x30, octets('cn'), octets('Bob Baker')))),
  message(11, ber(0x77, octets('1.3.6.1.4.1.4203.1.11.3', 0x80))),
  message(12, ber(0x50, [1])),
];

test('the seeds of the mutation tests are requests', () => {
  for (const seed of SEEDS) assert.ok(!(decodeMessage(seed).request instanceof ProtocolFault), seed.toString('hex'));
});

test('mutated messages decode to a request or a fault', () => {
  const random = seededRandom(4511);
  const rounds = Number(process.env.FUZZ_ROUNDS ?? 20_000);
  for (let round = 0; round < rounds; round++) {
    const data = mutate(SEEDS[round % SEEDS.length] as Buffer, random);
    const splitter = new FrameSplitter();
    splitter.push(data);
    try {
      for (let frame = splitter.next(); frame; frame = splitter.next()) decodeMessage(frame);
    } catch (error) {
      if (!(error instanceof ProtocolFault)) assert.fail(`round ${round}: ${data.toString('hex')}: ${String(error)}`);
    }
  }
});

test('the server answers or hangs up, whatever it is sent, and goes on serving', async (t) => {
  const directory = await start(t, { access: { open: true, writers: [`CN=Alice Adams,${STAFF}`], writeBelow: '' } });
  const random = seededRandom(389);
  const rounds = Number(process.env.FUZZ_ROUNDS ?? 300);
  for (let round = 0; round < rounds; round++) {
    const client = await rawClient(t, directory.port);
    client.send(BIND);
    for (let i = 0; i < 4; i++) client.send(mutate(SEEDS[Math.floor(random() * SEEDS.length)] as Buffer, random));
    client.socket.end();
    const [first] = await client.closed();
    assert.equal(first, '1:61:0', `round ${round}`);
  }
  const client = await connect(t, directory, 'CONTOSO\\carol');
  assert.equal(await codeOf(client.search(STAFF, { filter: '(sAMAccountName=carol)' })), 0);
});
