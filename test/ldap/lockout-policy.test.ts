// The strictest lock-out policy of a domain: its head's and those of its password settings objects, as far as they may be read.
import assert from 'node:assert/strict';
import test from 'node:test';
import { openDirectory } from '../../src/ldap/directory.ts';
import { EntryReader } from '../../src/ldap/entry.ts';
import { readLockoutPolicy } from '../../src/ldap/lockout-policy.ts';
import type { SearchRequest } from '../../src/ldap/search.ts';
import { DOMAIN, directoryOptions, startController } from './demo-organization.ts';

const CONTAINER = `CN=Password Settings Container,CN=System,${DOMAIN}`;
const MINUTE = 60_000;
/** Minutes as Active Directory keeps them: negative, in 100 ns. */
const ticks = (minutes: number) => String(-minutes * MINUTE * 10_000);

const head = (threshold: number, minutes: number) => ({
  dn: DOMAIN,
  lockoutThreshold: String(threshold),
  lockOutObservationWindow: ticks(minutes),
});
const container = { dn: CONTAINER, objectClass: ['top', 'msDS-PasswordSettingsContainer'] };
const object = (name: string, threshold?: number, minutes = 10) => ({
  dn: `CN=${name},${CONTAINER}`,
  objectClass: ['top', 'msDS-PasswordSettings'],
  ...(threshold === undefined ? {} : { 'msDS-LockoutThreshold': String(threshold) }),
  'msDS-LockoutObservationWindow': ticks(minutes),
});

type Found = Record<string, string | string[]> & { dn: string };

/** What a controller answers: entries by scope and base, or an error with an LDAP code. */
function searching(answers: Readonly<Record<string, readonly Found[] | number>>) {
  return async ({ scope, base }: SearchRequest): Promise<EntryReader[]> => {
    const answer = answers[`${scope} ${base}`] ?? 32;
    if (typeof answer === 'number') throw Object.assign(new Error('refused'), { code: answer });
    return answer.map((entry) => new EntryReader(entry));
  };
}

const CASES: readonly (readonly [
  what: string,
  objects: Readonly<Record<string, readonly Found[] | number>>,
  threshold: number,
  minutes: number,
  unreadable: boolean,
])[] = [
  ['no objects', { base: [container], one: [] }, 10, 30, false],
  ['a stricter one', { base: [container], one: [object('a', 3)] }, 3, 30, false],
  ['one that forgets later', { base: [container], one: [object('a', 50, 60)] }, 10, 60, false],
  ['one that locks nobody', { base: [container], one: [object('a', 0, 600)] }, 10, 30, false],
  ['several', { base: [container], one: [object('a', 8, 60), object('b', 4)] }, 4, 60, false],
  ['a container that shows its name only', { base: [{ dn: CONTAINER }], one: [object('a', 3)] }, 10, 30, true],
  ['an object that shows its name only', { base: [container], one: [object('a', 3), object('b')] }, 10, 30, true],
  ['a container that is not there', { base: 32 }, 10, 30, true],
  ['a container that is refused', { base: 50 }, 10, 30, true],
];
for (const [what, { base, one }, threshold, minutes, unreadable] of CASES) {
  test(`password settings objects: ${what}`, async () => {
    const search = searching({
      [`base ${DOMAIN}`]: [head(10, 30)],
      ...(base === undefined ? {} : { [`base ${CONTAINER}`]: base }),
      ...(one === undefined ? {} : { [`one ${CONTAINER}`]: one }),
    });
    assert.deepEqual(await readLockoutPolicy(search, [DOMAIN]), {
      threshold,
      observationMs: minutes * MINUTE,
      unreadable: unreadable ? [CONTAINER] : [],
    });
  });
}

test('a domain that locks nobody and an object that does', async () => {
  const search = searching({
    [`base ${DOMAIN}`]: [head(0, 30)],
    [`base ${CONTAINER}`]: [container],
    [`one ${CONTAINER}`]: [object('a', 6)],
  });
  const { threshold, observationMs } = await readLockoutPolicy(search, [DOMAIN]);
  assert.deepEqual([threshold, observationMs], [6, 10 * MINUTE]);
});

test('a head that cannot be read is an error in the first domain, and left out in others', async () => {
  const search = searching({ [`base ${DOMAIN}`]: [head(10, 30)], 'base DC=other,DC=test': 10 });
  assert.deepEqual((await readLockoutPolicy(search, [DOMAIN, 'DC=other,DC=test'])).unreadable, [CONTAINER]);
  await assert.rejects(readLockoutPolicy(search, ['DC=other,DC=test']));
});

test('a controller that stops answering is no container that cannot be read', async () => {
  const search = searching({ [`base ${DOMAIN}`]: [head(10, 30)], [`base ${CONTAINER}`]: 51 });
  await assert.rejects(readLockoutPolicy(search, [DOMAIN]), { code: 51 });
});

test('over a connection', async (t) => {
  const entry = (dn: string, lines: string) => `dn: ${dn}\nchangetype: add\nobjectClass: top\n${lines}\n`;
  const changes = [
    `dn: ${DOMAIN}\nchangetype: modify\nreplace: lockoutThreshold\nlockoutThreshold: 10\n-\n`,
    entry(`CN=System,${DOMAIN}`, 'objectClass: container\ncn: System\n'),
    entry(CONTAINER, 'objectClass: msDS-PasswordSettingsContainer\ncn: Password Settings Container\n'),
    entry(
      `CN=strict,${CONTAINER}`,
      `objectClass: msDS-PasswordSettings\ncn: strict\nmsDS-LockoutThreshold: 4\nmsDS-LockoutObservationWindow: ${ticks(20)}\n`,
    ),
  ];
  const controller = await startController({ changes: changes.join('\n') });
  t.after(() => controller.close());
  const directory = await openDirectory(directoryOptions([controller]));
  t.after(() => directory.close());
  assert.deepEqual(await directory.lockoutPolicy(), { threshold: 4, observationMs: 20 * MINUTE, unreadable: [] });
});
