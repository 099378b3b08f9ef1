// What one process remembers of people reaches another over JSON as it was, and what is none of it is not taken.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { CompactRecipients } from '../../src/ldap/compact-recipient.ts';
import { type Directory, type DirectoryOptions, openDirectory } from '../../src/ldap/directory.ts';
import { FORMS, type Memory } from '../../src/ldap/recalled.ts';
import type { Recipient } from '../../src/ldap/recipient.ts';
import { sameMatch, sameRecipient } from '../../src/ldap/same-recipient.ts';
import { directoryOptions, eventually, ORDINARY, staffDn, startController } from './demo-organization.ts';

const throughJson = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

const text = fc.string({ unit: 'grapheme' });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const recipients: fc.Arbitrary<Recipient> = fc.record({
  distinguishedName: text,
  isGroup: fc.boolean(),
  displayName: text,
  legacyDn: maybe(text),
  primaryAddress: maybe(text),
  userPrincipalName: maybe(text),
  homeMdb: maybe(text),
  homeServerLegacyDn: maybe(text),
  targetAddress: maybe(text),
  recipientTypeDetails: maybe(fc.maxSafeNat()),
  archive: maybe(fc.record({ guid: text, name: maybe(text), databaseDn: maybe(text) })),
  delegateMailboxDns: fc.array(text),
  mailboxGuid: maybe(text),
  culture: maybe(text),
});

test('every recipient arrives as he was, also one that is kept compactly', () => {
  const compact = new CompactRecipients();
  fc.assert(
    fc.property(recipients, fc.boolean(), (recipient, kept) => {
      const told = throughJson(FORMS.byName.write(kept ? compact.compact(recipient) : recipient));
      const read = FORMS.byName.read(told);
      assert.ok(read && sameRecipient(read.value, recipient));
      const match = { status: 'found', recipient, matchedBy: 'address' } as const;
      const readMatch = FORMS.matches.read(throughJson(FORMS.matches.write(match)));
      assert.ok(readMatch && sameMatch(readMatch.value, match));
    }),
  );
});

const FOREIGN: readonly (readonly [memory: Memory, form: unknown])[] = [
  ['matches', undefined],
  ['matches', null],
  ['matches', { status: 'gone' }],
  ['matches', { status: 'found' }],
  ['matches', { status: 'ambiguous', distinguishedNames: [7] }],
  ['byName', null],
  ['byName', { distinguishedName: 'CN=alice' }],
  ['accounts', null],
  ['accounts', 'CN=alice'],
  ['accounts', { distinguishedName: 7 }],
  ['ownMailboxes', undefined],
  ['ownMailboxes', { entries: ['CN=alice'] }],
  ['ownMailboxes', { entries: 'CN=alice', names: [] }],
];
for (const [memory, form] of FOREIGN)
  test(`${memory}: ${JSON.stringify(form)} is not taken`, () => assert.equal(FORMS[memory].read(form), undefined));

test('a recipient of whom a fact has another form is not taken', () => {
  const [recipient] = fc.sample(recipients, { numRuns: 1, seed: 1 });
  for (const field of Object.keys(recipient ?? {}))
    assert.equal(FORMS.byName.read({ ...recipient, [field]: { other: true } }), undefined, field);
});

async function scene(t: TestContext) {
  const controller = await startController();
  let passed = 0;
  let questions = 0;
  const open = (options: Partial<DirectoryOptions> = {}) =>
    openDirectory(
      directoryOptions([controller], {
        ages: { freshMs: 60_000, missingMs: 10_000, outageMs: 3_600_000 },
        now: () => performance.now() + passed,
        ...options,
      }),
    );
  const first = await open();
  const second = await open({
    elsewhere: async (question) => {
      questions += 1;
      return throughJson(first.recall(question)) as ReturnType<Directory['recall']>;
    },
  });
  t.after(async () => {
    first.close();
    second.close();
    await controller.close();
  });
  return { controller, first, second, pass: (ms: number) => (passed += ms), questions: () => questions };
}

const ASKED: readonly (readonly [what: string, ask: (directory: Directory) => Promise<unknown>])[] = [
  ['a recipient by address', (d) => d.findRecipientByAddress('Alice@contoso.test')],
  ['an address of two', (d) => d.findRecipientByAddress('dup@contoso.test')],
  ['an address that nobody has', (d) => d.findRecipientByAddress('nobody@contoso.test')],
  ['a recipient by name', (d) => d.readRecipient(staffDn('Alice Adams'))],
  ['a name that is gone', (d) => d.readRecipient(staffDn('Nobody'))],
  ['the account of a principal', (d) => d.findPrincipal('alice@CONTOSO.TEST')],
  ['the account of a Windows logon', (d) => d.findWindowsAccount('CONTOSO\\alice')],
  ['a Windows logon that nobody has', (d) => d.findWindowsAccount('CONTOSO\\nobody')],
];
for (const [what, ask] of ASKED)
  test(`in an outage another process is asked for ${what}, and no longer than memory lasts`, async (t) => {
    const { controller, first, second, pass, questions } = await scene(t);
    const known = await ask(first);
    await controller.setFaults({ dead: 'refuse' });
    pass(3_599_000);
    const told = await ask(second);
    assert.deepEqual(throughJson(told), throughJson(known));
    assert.equal(await ask(second), told);
    assert.equal(questions(), 1, 'then it is known here');
    assert.ok(second.status().recipients.oldestStaleMs >= 3_599_000);
    pass(1_001);
    await assert.rejects(ask(second), { code: 'unreachable' });
  });

test('what is somebody’s own is told with every name that it can be asked for by', async (t) => {
  const { controller, first, second } = await scene(t);
  const alice = staffDn('Alice Adams');
  const known = await first.readOwnMailboxes(alice);
  await controller.setFaults({ dead: 'refuse' });
  const told = await second.readOwnMailboxes(alice);
  assert.deepEqual(told.form, known.form);
  assert.ok(told.has('ALICE@contoso.test') && told.hasEntry(alice) && !told.has('bob@contoso.test'));
});

test('a directory that starts in an outage begins with the organisation that another process read, at its age', async (t) => {
  const { controller, first } = await scene(t);
  const { organization } = first.organization();
  await controller.setFaults({ dead: 'refuse' });
  const open = (ageMs: number) =>
    openDirectory(
      directoryOptions([controller], {
        ages: { freshMs: 60_000, missingMs: 10_000, outageMs: 7_200_000 },
        retry: { firstMs: 20, longestMs: 60 },
        inherit: async () => ({ value: throughJson(organization) as typeof organization, ageMs }),
      }),
    );
  const heir = await open(7_000_000);
  t.after(() => heir.close());
  assert.deepEqual(throughJson(heir.organization().organization), throughJson(organization));
  assert.ok(heir.status().organizationAgeMs >= 7_000_000);
  const late = await open(7_300_000);
  t.after(() => late.close());
  assert.throws(() => late.organization(), { code: 'unreachable' });
  await controller.setFaults({});
  await eventually('it reads for itself', () => heir.status().organizationAgeMs < 1_000_000);
  await eventually('and so does the other', () => late.status().organizationAgeMs < 1_000_000);
});

test('an organisation that can be read is read, and a fault of ours is not passed over', async (t) => {
  const { controller, first } = await scene(t);
  const { organization } = first.organization();
  const inherit = async () => ({ value: { ...organization, name: 'Inherited' }, ageMs: 0 });
  const reader = await openDirectory(directoryOptions([controller], { inherit }));
  t.after(() => reader.close());
  assert.equal(reader.organization().organization.name, organization.name);
  const ordinary = { bindName: ORDINARY, inherit };
  await assert.rejects(openDirectory(directoryOptions([controller], ordinary)), { code: 'missing-right' });
});

test('whose password is to be checked is asked of the directory alone, whatever form his name has', async (t) => {
  const { controller, first, second, questions } = await scene(t);
  for (const name of ['CONTOSO\\alice', 'alice', 'alice@contoso.test']) {
    await first.findWindowsAccount(name);
    await second.findWindowsAccount(name);
  }
  await controller.setFaults({ dead: 'refuse' });
  for (const name of ['CONTOSO\\alice', 'alice', 'alice@contoso.test'])
    await assert.rejects(second.findAccount(name), { code: 'unreachable' });
  assert.equal(questions(), 0);
});
