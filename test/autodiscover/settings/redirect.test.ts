// Target addresses: which are followed, and which lead in a circle.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findRedirect, smtpTarget } from '../../../src/autodiscover/settings/redirect.ts';
import { Trace } from '../../../src/autodiscover/settings/trace.ts';
import type { Directory } from '../../../src/ldap/directory.ts';
import type { Recipient } from '../../../src/ldap/recipient.ts';

test('the address in a targetAddress', () => {
  const good = (text: string, address: string) => assert.equal(smtpTarget(text), address);
  const bad = (text: string) => assert.equal(smtpTarget(text), undefined, text);
  good('SMTP:a@b.test', 'a@b.test');
  good('smtp:a@b.test', 'a@b.test');
  good('a@b.test', 'a@b.test'); // written without a prefix
  good(' SMTP:a@b.test ', 'a@b.test');
  bad('X400:c=US;a= ;p=x'); // another kind
  bad('NOTES:a@b.test'); // another kind that holds an at sign
  bad('SMTP:'); // empty
  bad('SMTP:a'); // no domain
  bad('SMTP:a@b c'); // a blank
  bad('SMTP:a@b@c'); // two at signs
  bad(''); // nothing
});

/** Contacts by primary address, each with its target; `mailboxes` end a chain. */
function directoryOf(targets: Readonly<Record<string, string>>, mailboxes: readonly string[] = []): Directory {
  const recipient = (address: string) =>
    ({
      distinguishedName: `CN=${address}`,
      primaryAddress: address,
      targetAddress: targets[address],
      homeMdb: mailboxes.includes(address) ? 'CN=DB' : undefined,
    }) as unknown as Recipient;
  return {
    findRecipientByAddress: async (address: string) =>
      address in targets || mailboxes.includes(address)
        ? { status: 'found', recipient: recipient(address), matchedBy: 'address' }
        : { status: 'none' },
  } as unknown as Directory;
}

const chain = (length: number) =>
  Object.fromEntries(Array.from({ length }, (_, at) => [`c${at}@x.test`, `SMTP:c${at + 1}@x.test`]));

const rows: readonly (readonly [
  why: string,
  targets: Readonly<Record<string, string>>,
  expected: string | undefined,
  mailboxes?: readonly string[],
  /** `c0@x.test` when absent, which is the object's primary address. */
  asked?: string,
])[] = [
  ['to another organisation', { 'c0@x.test': 'SMTP:a@elsewhere.test' }, 'a@elsewhere.test'],
  ['to itself', { 'c0@x.test': 'SMTP:c0@x.test' }, undefined],
  ['to itself in another case', { 'c0@x.test': 'SMTP:C0@X.TEST' }, undefined],
  ['to one that leads back', { 'c0@x.test': 'SMTP:c1@x.test', 'c1@x.test': 'SMTP:c0@x.test' }, undefined],
  [
    'into a circle of others',
    { 'c0@x.test': 'SMTP:c1@x.test', 'c1@x.test': 'SMTP:c2@x.test', 'c2@x.test': 'SMTP:c1@x.test' },
    undefined,
  ],
  ['over nine others to elsewhere', chain(9), 'c1@x.test'],
  ['over more than clients follow', chain(30), undefined],
  ['to a mailbox here', { 'c0@x.test': 'SMTP:m@x.test' }, 'm@x.test', ['m@x.test']],
  [
    'over another to something that is no address',
    { 'c0@x.test': 'SMTP:c1@x.test', 'c1@x.test': 'X400:c=US' },
    'c1@x.test',
  ],
  [
    "to its own primary address, asked by another: a mail contact's",
    { 'c0@x.test': 'SMTP:c0@x.test' },
    'c0@x.test',
    [],
    'alias@x.test',
  ],
  ['to the alias it was asked by', { 'c0@x.test': 'SMTP:alias@x.test' }, undefined, [], 'Alias@x.test'],
  [
    'to the alias it was asked by, as an international domain is stored',
    { 'c0@x.test': 'SMTP:c0@bücher.test' },
    undefined,
    [],
    'c0@xn--bcher-kva.test',
  ],
  [
    'over another back to its primary address, asked by an alias',
    { 'c0@x.test': 'SMTP:c1@x.test', 'c1@x.test': 'SMTP:c0@x.test' },
    undefined,
    [],
    'alias@x.test',
  ],
];
for (const [why, targets, expected, mailboxes, asked = 'c0@x.test'] of rows) {
  test(why, async () => {
    const start = {
      distinguishedName: 'CN=c0@x.test',
      primaryAddress: 'c0@x.test',
      targetAddress: targets['c0@x.test'],
    };
    const trace = new Trace();
    const result = await findRedirect(directoryOf(targets, mailboxes), start as unknown as Recipient, asked, trace);
    if (expected === undefined) {
      assert.equal(result.action === 'error' && result.fault, 'misconfigured');
      assert.equal(trace.warnings.length, 1);
    } else assert.deepEqual(result, { action: 'redirectAddr', address: expected });
  });
}
