// Answers that are handed out again: only while everything they follow from is the same, and for so many recipients.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeDatabase } from '../../../src/autodiscover/settings/judged-database.ts';
import { NO_CAPABILITIES, NO_NEWER_PROTOCOLS } from '../../../src/autodiscover/settings/protocol-policy.ts';
import {
  type AnswerParts,
  MAX_REMEMBERED,
  resolvedAnswer,
} from '../../../src/autodiscover/settings/resolved-answers.ts';
import type { Recipient } from '../../../src/ldap/recipient.ts';
import { database, organization, virtualDirectory } from './organization-builder.ts';

const recipient = (changes: Partial<Recipient> = {}): Recipient => ({
  distinguishedName: 'CN=A,DC=x',
  isGroup: false,
  displayName: 'A',
  legacyDn: '/o=X/cn=a',
  primaryAddress: 'a@x.test',
  userPrincipalName: undefined,
  homeMdb: database().distinguishedName,
  homeServerLegacyDn: undefined,
  targetAddress: undefined,
  recipientTypeDetails: 1,
  archive: undefined,
  delegateMailboxDns: [],
  mailboxGuid: 'e0d6a7a1-0000-4000-8000-000000000001',
  culture: undefined,
  ...changes,
});

function parts(changes: Partial<AnswerParts> = {}): AnswerParts {
  const internalUrl = 'https://i.x.test/EWS/Exchange.asmx';
  const index =
    changes.index ?? organization({ virtualDirectories: [virtualDirectory('CAS1', 'ews', { internalUrl })] });
  const shared = judgeDatabase(database(), index, undefined).answer;
  assert.ok(shared);
  return {
    recipient: recipient(),
    homeMdb: database().distinguishedName,
    shared,
    index,
    delegates: [],
    externalSite: undefined,
    newerProtocols: NO_NEWER_PROTOCOLS,
    capabilities: NO_CAPABILITIES,
    ...changes,
  };
}

test('the same parts give the same object, which nobody can change', () => {
  const one = parts();
  const first = resolvedAnswer(one);
  assert.equal(resolvedAnswer({ ...one }), first);
  assert.ok(Object.isFrozen(first.result.answer.settings));
});

test('anything it follows from being another object makes it anew', () => {
  const one = parts();
  const first = resolvedAnswer(one);
  const changed: readonly (readonly [what: string, AnswerParts])[] = [
    ['the recipient', { ...one, recipient: recipient({ displayName: 'B' }) }],
    ['an equal recipient', { ...one, recipient: recipient() }],
    ['the snapshot', parts({ recipient: one.recipient })],
    ['a delegate', { ...one, delegates: [recipient({ displayName: 'Shared' })] }],
    ['a delegate that is gone', { ...one, delegates: [undefined] }],
    ['the options', { ...one, newerProtocols: { mapiHttp: undefined, exHttp: true } }],
  ];
  for (const [what, other] of changed) assert.notEqual(resolvedAnswer(other).result, first.result, what);
  // The parts of before are a change as well.
  assert.notEqual(resolvedAnswer(one), first);
});

test('what a client can do matters only where it is offered', () => {
  const capabilities = { mapiHttpVersion: 1, exHttp: true };
  const plain = parts();
  assert.equal(resolvedAnswer({ ...plain, capabilities }), resolvedAnswer(plain));
  const offering = parts({ newerProtocols: { mapiHttp: { internalUrl: 'https://m.x.test/mapi' }, exHttp: false } });
  const without = resolvedAnswer(offering);
  const withMapi = resolvedAnswer({ ...offering, capabilities });
  assert.equal(without.result.answer.mapiHttp, undefined);
  assert.ok(withMapi.result.answer.mapiHttp);
  // Any number of versions is one kind of client, and both kinds stay remembered.
  assert.equal(resolvedAnswer({ ...offering, capabilities: { mapiHttpVersion: 7, exHttp: false } }), withMapi);
  assert.equal(resolvedAnswer(offering), without);
});

test('a delegate without a server is told in the steps each time', () => {
  const one = parts({ delegates: [recipient({ displayName: 'Lost', homeMdb: 'CN=Gone,DC=x' })] });
  for (const answer of [resolvedAnswer(one), resolvedAnswer(one)]) assert.match(answer.steps[0]?.text ?? '', /Lost/);
});

test('the recipient that was put in longest ago is forgotten first', () => {
  const one = parts();
  const first = resolvedAnswer(one);
  for (let n = 1; n < MAX_REMEMBERED; n++) resolvedAnswer({ ...one, recipient: recipient() });
  assert.equal(resolvedAnswer(one), first);
  resolvedAnswer({ ...one, recipient: recipient() });
  assert.notEqual(resolvedAnswer(one), first);
});
