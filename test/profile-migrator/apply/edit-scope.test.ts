import assert from 'node:assert/strict';
import test from 'node:test';
import { isInProfile, requireInScope } from '../../../src/profile-migrator/apply/edit-scope.ts';
import { RegistryError } from '../../../src/profile-migrator/errors.ts';
import { RegType, type ValueEdit } from '../../../src/profile-migrator/registry/registry.ts';

const SECTION = '94a9f07b8a9c1e4c942c0676dfe19f43';
const PROFILES = 'SOFTWARE\\Microsoft\\Office\\16.0\\Outlook\\Profiles';
const text = (value: string) => ({ name: '001e6602', type: RegType.SZ, data: Buffer.from(`${value}\0`, 'utf16le') });
const good: ValueEdit = {
  keyPath: `${PROFILES}\\P\\${SECTION}`,
  name: '001e6602',
  before: text('a'),
  after: text('b'),
};

function check(edit: Partial<ValueEdit>, root = 'HKEY_CURRENT_USER'): void {
  requireInScope({ rootPath: root, edits: [{ ...good, ...edit }] }, 'hkey_current_user', 'the journal');
}

test('lets through what the plan makes', () => {
  check({});
  check({ keyPath: good.keyPath.toUpperCase(), name: '001E6602' }); // names have no case
  check({
    name: '001f664a',
    before: { name: '001f664a', type: RegType.BINARY, data: Buffer.alloc(2) },
    after: undefined,
  });
  assert.equal(isInProfile(good.keyPath), true);
  assert.equal(isInProfile(PROFILES), false);
});

test('nothing else is ever changed', () => {
  const bad = (edit: Partial<ValueEdit>, want: RegExp, root?: string) =>
    assert.throws(
      () => check(edit, root),
      (error) => error instanceof RegistryError && error.code === 'journal-invalid' && want.test(error.message),
    );
  bad({}, /not about/, 'HKEY_USERS\\S-1-5-21-1'); // another user
  bad({ keyPath: 'Software\\Microsoft\\Windows\\CurrentVersion\\Run' }, /no MAPI profile/);
  bad({ keyPath: `${PROFILES}\\P` }, /no profile section/);
  bad({ keyPath: `${PROFILES}\\P\\GroupsStore` }, /no profile section/);
  bad({ keyPath: `${PROFILES}\\P\\${SECTION}\\x` }, /no profile section/);
  bad({ keyPath: `${PROFILES}X\\P\\${SECTION}` }, /no MAPI profile/); // Profiles is not a prefix of another name
  bad({ name: '001e6603' }, /never changes/); // the mailbox
  bad({ name: '01020fff' }, /never changes/); // the entry-id
  bad({ name: '001f6602' }, /never changes/); // no such property
  bad({ after: { ...text('b'), type: RegType.EXPAND_SZ } }, /type or size/);
  bad({ after: { ...text('b'), data: Buffer.alloc(70_000) } }, /type or size/);
  bad({ before: undefined, after: undefined }, /neither/);
});
