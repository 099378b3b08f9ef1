import assert from 'node:assert/strict';
import test from 'node:test';
import { readStoreEntryId } from '../../../src/profile-migrator/mapi/entry-id.ts';
import { entryId, wide } from '../build-profile.ts';

const DN = '/o=Fabrikam/ou=Group/cn=Recipients/cn=nina';

/** The version 2 tail, [MS-OXCDATA] 2.2.4.3 Store Object EntryIDs. */
function v2(serverDn: string, fqdn: string): Buffer {
  const names = Buffer.concat([Buffer.from(`${serverDn}\0`, 'latin1'), fqdn ? wide(fqdn) : Buffer.alloc(0)]);
  const head = Buffer.alloc(20);
  head.write('d83521f3', 'hex');
  head.writeUInt32LE(head.length + names.length, 4);
  head.writeUInt32LE(1, 8);
  head.writeUInt32LE(20, 12);
  head.writeUInt32LE(fqdn ? 20 + serverDn.length + 1 : 0, 16);
  return Buffer.concat([head, names, Buffer.alloc(2)]);
}

test('reads private and public stores', () => {
  const plain = { mailboxDn: DN, serverDn: undefined, serverFqdn: undefined };
  assert.deepEqual(readStoreEntryId(entryId('FS1', DN)), { kind: 'private', server: 'FS1', ...plain });
  assert.deepEqual(readStoreEntryId(entryId('FS1', '', true)), {
    kind: 'public',
    server: 'FS1',
    ...plain,
    mailboxDn: '',
  });
});

test('reads the names of a version 2 tail', () => {
  const tail = { serverDn: '/o=x/cn=Servers/cn=FS1', serverFqdn: 'fs1.fabrikam.test' };
  const id = Buffer.concat([entryId('FS1', DN), v2(tail.serverDn, tail.serverFqdn)]);
  assert.deepEqual(readStoreEntryId(id), { kind: 'private', server: 'FS1', mailboxDn: DN, ...tail });
  const open = Buffer.concat([entryId('FS1', '', true), v2(tail.serverDn, '')]);
  assert.deepEqual(readStoreEntryId(open), {
    kind: 'public',
    server: 'FS1',
    mailboxDn: '',
    ...tail,
    serverFqdn: undefined,
  });
});

test('anything else is none', () => {
  const id = entryId('FS1', DN);
  assert.equal(readStoreEntryId(Buffer.alloc(0)), undefined);
  assert.equal(readStoreEntryId(id.subarray(0, 60)), undefined); // ends before the name
  assert.equal(readStoreEntryId(id.subarray(0, 62)), undefined); // name without end
  assert.equal(readStoreEntryId(Buffer.concat([Buffer.alloc(4), Buffer.alloc(80, 1)])), undefined);
  const otherProvider = Buffer.from(id);
  otherProvider[40] = 0;
  assert.equal(readStoreEntryId(otherProvider), undefined); // an Outlook data file, say
  assert.equal(readStoreEntryId(Buffer.concat([id, v2('x', 'y').subarray(0, 10)]))?.serverDn, undefined); // cut tail
});
