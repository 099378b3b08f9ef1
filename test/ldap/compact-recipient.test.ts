// A recipient that is kept says what was read, whatever stands in the directory; what many have in common is kept once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { CompactRecipients } from '../../src/ldap/compact-recipient.ts';
import type { Recipient } from '../../src/ldap/recipient.ts';
import { sameRecipient } from '../../src/ldap/same-recipient.ts';

const ALICE: Recipient = {
  distinguishedName: 'CN=Adams\\, Alice,OU=Staff,DC=contoso,DC=test',
  isGroup: false,
  displayName: 'Alice Adams',
  legacyDn: '/o=Contoso/ou=Exchange/cn=Recipients/cn=alice',
  primaryAddress: 'alice@contoso.test',
  userPrincipalName: 'alice@contoso.test',
  homeMdb: 'CN=DB1,DC=contoso,DC=test',
  homeServerLegacyDn: '/o=Contoso/ou=Exchange/cn=Configuration/cn=Servers/cn=MBX1',
  targetAddress: undefined,
  recipientTypeDetails: 1,
  archive: { guid: 'f27e0d94-0000-4000-8000-000000000001', name: undefined, databaseDn: 'CN=DB2,DC=contoso,DC=test' },
  delegateMailboxDns: ['CN=Info,DC=contoso,DC=test'],
  mailboxGuid: 'e0d6a7a1-0000-4000-8000-000000000001',
  culture: 'en-US',
};

/** Every field as it is read, in an object like any other. */
function plain(recipient: Recipient): Recipient {
  const fields = Object.keys(ALICE) as (keyof Recipient)[];
  return Object.fromEntries(fields.map((field) => [field, recipient[field]])) as unknown as Recipient;
}

// Texts that directories hold, and such as would be taken for marks or ends of texts.
const some = fc.oneof(
  fc.constantFrom(
    '',
    ',',
    '=',
    '\\,',
    'undefined',
    '\0',
    '\x01',
    '\x02',
    'a\0b',
    'CN=a\\,b,DC=x',
    '/cn=a',
    'é',
    '日本',
    '😀',
  ),
  fc.string(),
);
const OBJECTS = { noNullPrototype: true } as const;
const maybe = fc.option(some, { nil: undefined });
const anybody: fc.Arbitrary<Recipient> = fc.record(
  {
    distinguishedName: some,
    isGroup: fc.boolean(),
    displayName: some,
    legacyDn: maybe,
    primaryAddress: maybe,
    userPrincipalName: maybe,
    homeMdb: maybe,
    homeServerLegacyDn: maybe,
    targetAddress: maybe,
    recipientTypeDetails: fc.option(fc.nat(), { nil: undefined }),
    archive: fc.option(fc.record({ guid: some, name: maybe, databaseDn: maybe }, OBJECTS), { nil: undefined }),
    delegateMailboxDns: fc.array(some, { maxLength: 2 }),
    mailboxGuid: maybe,
    culture: maybe,
  },
  OBJECTS,
);

test('a kept recipient says what was read', () => {
  const kept = new CompactRecipients();
  assert.deepEqual(plain(kept.compact(ALICE)), ALICE);
  fc.assert(fc.property(anybody, (read) => assert.deepEqual(plain(kept.compact(read)), read)));
});

test('it is the same as what was read, and as another of its kind, and not as anybody else', () => {
  const kept = new CompactRecipients();
  fc.assert(
    fc.property(anybody, anybody, (one, other) => {
      assert.ok(sameRecipient(kept.compact(one), one));
      assert.ok(sameRecipient(one, kept.compact(kept.compact(one))));
      assert.equal(sameRecipient(kept.compact(one), kept.compact(other)), isDeepStrictEqual(one, other));
    }),
  );
  const changes: readonly Partial<Recipient>[] = [
    { distinguishedName: 'CN=Adams\\, Alice,OU=Sales,DC=contoso,DC=test' },
    { isGroup: true },
    { displayName: '' },
    { legacyDn: undefined },
    { legacyDn: '' },
    { primaryAddress: undefined },
    { userPrincipalName: undefined },
    { homeMdb: undefined },
    { homeServerLegacyDn: undefined },
    { targetAddress: '' },
    { recipientTypeDetails: 2 },
    { archive: undefined },
    { delegateMailboxDns: [] },
    { mailboxGuid: undefined },
    { culture: undefined },
  ];
  for (const change of changes) {
    assert.ok(!sameRecipient(kept.compact(ALICE), kept.compact({ ...ALICE, ...change })), JSON.stringify(change));
  }
});

test('a match keeps its status and how it was found', () => {
  const kept = new CompactRecipients();
  const match = kept.compactMatch({ status: 'found', recipient: ALICE, matchedBy: 'upn' });
  assert.ok(match.status === 'found' && match.matchedBy === 'upn' && sameRecipient(match.recipient, ALICE));
  assert.deepEqual(kept.compactMatch({ status: 'none' }), { status: 'none' });
  const byAddress = kept.compactMatch({ status: 'found', recipient: ALICE, matchedBy: 'address' });
  assert.ok(byAddress.status === 'found' && byAddress.matchedBy === 'address');
  assert.deepEqual(plain(byAddress.recipient), ALICE);
  assert.equal(byAddress.recipient, byAddress, 'the match of most is no object of its own');
  // Who cannot be kept compactly is matched all the same.
  const recipient = { ...ALICE, displayName: 'a\0b' };
  const other = kept.compactMatch({ status: 'found', recipient, matchedBy: 'address' });
  assert.deepEqual(other, { status: 'found', recipient, matchedBy: 'address' });
});
