// The writer over the embedded directory: each outcome of a write, the guard before a deletion, and a second look after a broken one.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import {
  addEntry,
  deleteEntry,
  type GuardedChange,
  invert,
  renameEntry,
  replaceValues,
} from '../../src/ldap/change.ts';
import type { ControllerOptions } from '../../src/ldap/controller.ts';
import { DirectoryError } from '../../src/ldap/errors.ts';
import { DirectoryWriter } from '../../src/ldap/writer.ts';
import { ADMIN_GROUP, LEGACY_ADMIN_GROUP, PASSWORD, READER, start, WRITER } from './embedded/demo-directory.ts';

const ARRAYS = `CN=Arrays,${ADMIN_GROUP}`;
const DATABASE = `CN=SEA-DB02,CN=Databases,${ADMIN_GROUP}`;
const WITHOUT = `CN=DUB-DB02,CN=Databases,${ADMIN_GROUP}`;
const SEATTLE = 'CN=Seattle,CN=Sites,CN=Configuration,DC=contoso,DC=test';
const mdb = (server: string) =>
  `${LEGACY_ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=${server}/cn=Microsoft Private MDB`;

const controller = (url: string): ControllerOptions => ({
  url,
  startTls: false,
  ca: undefined,
  tlsServerName: undefined,
  connectTimeoutMs: 5_000,
  operationTimeoutMs: 5_000,
});

async function open(t: TestContext, account = WRITER) {
  const directory = await start(t);
  const writer = await DirectoryWriter.open(controller(directory.url), account, PASSWORD);
  t.after(() => writer.close());
  return { directory, writer };
}

const newArray = (more: Record<string, string[]> = {}) =>
  addEntry(`CN=new,${ARRAYS}`, {
    objectClass: ['msExchClientAccessArray'],
    networkAddress: ['ncacn_ip_tcp:new.contoso.test'],
    msExchServerSite: [SEATTLE],
    systemFlags: ['1073741824'],
    ...more,
  });
const point = (before: string[], after: string[], dn = DATABASE) =>
  replaceValues(dn, [{ attribute: 'legacyExchangeDN', before, after }]);

test('a change is made, stands, and is undone to the byte', async (t) => {
  const { directory, writer } = await open(t);
  const before = directory.findEntry(DATABASE)?.attributes.get('legacyExchangeDN');
  const change = point([mdb('SEA-CAS1')], [mdb('outlook-sea.contoso.test')]);
  assert.equal(await writer.stands(change), false);
  assert.deepEqual(await writer.apply(change), { outcome: 'done' });
  assert.equal(await writer.stands(change), true);
  assert.equal(await writer.stands(invert(change)), false);
  assert.deepEqual(await writer.apply(invert(change)), { outcome: 'done' });
  assert.deepEqual(directory.findEntry(DATABASE)?.attributes.get('legacyExchangeDN'), before);
});

test('an entry is deleted and comes back with every attribute that somebody wrote', async (t) => {
  const { writer } = await open(t);
  const dn = `CN=casarray-dublin,${ARRAYS}`;
  const before = await writer.readWritable(dn);
  assert.ok(before && before.length > 4);
  const removal = deleteEntry(dn, before);
  assert.deepEqual(await writer.apply(removal), { outcome: 'done' });
  assert.equal(await writer.stands(removal), true);
  assert.equal(await writer.readWritable(dn), undefined);
  assert.deepEqual(await writer.apply(invert(removal)), { outcome: 'done' });
  const sorted = (list: typeof before | undefined) => [...(list ?? [])].sort((a, b) => a.name.localeCompare(b.name));
  assert.deepEqual(sorted(await writer.readWritable(dn)), sorted(before));
});

test('a rename is made and undone, a change of case included', async (t) => {
  const { writer } = await open(t);
  for (const name of ['Dublin, with a comma', 'CASARRAY-Dublin']) {
    const change = renameEntry(`CN=casarray-dublin,${ARRAYS}`, name);
    assert.deepEqual(await writer.apply(change), { outcome: 'done' });
    assert.equal(await writer.stands(change), true);
    assert.deepEqual(await writer.apply(invert(change)), { outcome: 'done' });
    assert.ok(await writer.readWritable(`CN=casarray-dublin,${ARRAYS}`));
  }
});

const refusals: readonly (readonly [what: string, change: GuardedChange, refusal: string])[] = [
  ['a value that is no longer there', point([mdb('SEA-CAS9')], [mdb('SEA-CAS2')]), 'lost-race'],
  ['an attribute that somebody filled meanwhile', point([], [mdb('SEA-CAS2')]), 'lost-race'],
  ['an entry that is gone', point(['a'], ['b'], `CN=gone,CN=Databases,${ADMIN_GROUP}`), 'no-such-entry'],
  [
    'a name that is taken',
    addEntry(`CN=casarray-dublin,${ARRAYS}`, { objectClass: ['msExchClientAccessArray'] }),
    'already-exists',
  ],
  [
    'a site that does not exist',
    newArray({ msExchServerSite: ['CN=Nowhere,CN=Sites,CN=Configuration,DC=contoso,DC=test'] }),
    'schema',
  ],
  ['a class that does not exist', newArray({ objectClass: ['noSuchClass'] }), 'schema'],
  [
    'a container that does not exist',
    addEntry(`CN=x,CN=Nowhere,${ADMIN_GROUP}`, { objectClass: ['container'] }),
    'no-such-entry',
  ],
  [
    'a second value of a single-valued attribute',
    replaceValues(DATABASE, [{ attribute: 'legacyExchangeDN', before: [], after: ['a', 'b'] }]),
    'lost-race',
  ],
  ['a container with entries below', deleteEntry(ARRAYS, []), 'refused'],
  [
    'an entry that was changed after it was read',
    deleteEntry(`CN=casarray-dublin,${ARRAYS}`, [
      { name: 'networkAddress', values: [Buffer.from('ncacn_ip_tcp:old')] },
    ]),
    'lost-race',
  ],
];
for (const [what, change, refusal] of refusals) {
  test(`${what} is ${refusal}`, async (t) => {
    const { directory, writer } = await open(t);
    const writes = directory.size;
    const outcome = await writer.apply(change);
    assert.equal(outcome.outcome === 'failed' && outcome.refusal, refusal, JSON.stringify(outcome));
    assert.equal(directory.size, writes);
  });
}

test('an entry that gained an attribute is not deleted', async (t) => {
  const { directory, writer } = await open(t);
  assert.deepEqual(await writer.apply(newArray()), { outcome: 'done' });
  const undo = invert(newArray());
  const dn = `CN=new,${ARRAYS}`;
  await writer.apply(replaceValues(dn, [{ attribute: 'description', before: [], after: ["somebody's note"] }]));
  const outcome = await writer.apply(undo);
  assert.equal(outcome.outcome === 'failed' && outcome.refusal, 'lost-race');
  assert.ok(directory.findEntry(dn));
  await writer.apply(replaceValues(dn, [{ attribute: 'description', before: ["somebody's note"], after: [] }]));
  assert.deepEqual(await writer.apply(undo), { outcome: 'done' });
});

test('an account without the right is told so', async (t) => {
  const { writer } = await open(t, READER);
  for (const change of [
    newArray(),
    point([mdb('SEA-CAS1')], [mdb('SEA-CAS2')]),
    renameEntry(`CN=casarray-dublin,${ARRAYS}`, 'x'),
  ]) {
    const outcome = await writer.apply(change);
    assert.equal(outcome.outcome === 'failed' && outcome.refusal, 'missing-right', change.change);
  }
});

test('a read-only controller is the wrong controller', async (t) => {
  const { directory, writer } = await open(t);
  await directory.setFaults({ result: 'referral', operations: ['modify'] });
  const outcome = await writer.apply(point([], [mdb('SEA-CAS1')], WITHOUT));
  assert.equal(outcome.outcome === 'failed' && outcome.refusal, 'wrong-controller');
});

test('a broken answer is unknown, and a new connection tells that the change was made', async (t) => {
  const { directory, writer } = await open(t);
  const change = point([mdb('SEA-CAS1')], [mdb('SEA-CAS2')]);
  await directory.setFaults({ resetMidAnswer: true, operations: ['modify'] });
  const outcome = await writer.apply(change);
  assert.equal(outcome.outcome === 'failed' && outcome.refusal, 'unknown');
  await directory.setFaults({});
  await writer.reconnect();
  assert.equal(await writer.stands(change), true);
});

test('a wrong password, and a controller that does not answer, are said with account and address', async (t) => {
  const { directory } = await open(t);
  const opening = (url: string, password: string) => DirectoryWriter.open(controller(url), WRITER, password);
  await assert.rejects(opening(directory.url, 'wrong'), (error: DirectoryError) => {
    assert.equal(error.code, 'service-account-rejected');
    assert.match(error.message, /as CN=svc-exchadmin.*52e/);
    return true;
  });
  await assert.rejects(opening(directory.url, ''), { code: 'configuration' });
  await directory.setFaults({ dead: 'refuse' });
  await assert.rejects(opening(directory.url, PASSWORD), (error: DirectoryError) => {
    assert.ok(error instanceof DirectoryError);
    assert.equal(error.code, 'unreachable');
    assert.ok(error.message.includes(directory.url));
    return true;
  });
});
