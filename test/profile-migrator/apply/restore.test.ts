import assert from 'node:assert/strict';
import test from 'node:test';
import { planRestore } from '../../../src/profile-migrator/apply/restore.ts';
import { snapshotsOf, stringData } from '../../../src/profile-migrator/registry/reg-file.ts';
import { RegType } from '../../../src/profile-migrator/registry/registry.ts';
import type { ResultLine, ResultOutcome } from '../../../src/profile-migrator/result-line.ts';

const ROOT = 'HKEY_CURRENT_USER';
const data = (text: string | null) =>
  text === null ? null : { type: RegType.SZ, data: stringData(text).toString('hex') };

/** A result line about one value that went from `before` to `after`; null where it was absent. */
function line(outcome: ResultOutcome, before: string | null, after: string | null): ResultLine {
  const value = {
    key: 'k',
    name: 'v',
    property: 'P',
    role: 'account',
    action: 'rewrite',
    reason: 'r',
    old: '',
  } as const;
  return {
    version: 1,
    time: '2026-01-01T00:00:00Z',
    program: '0',
    command: 'apply',
    computer: null,
    source: { kind: 'live', name: 'n', label: 'l' },
    root: ROOT,
    user: null,
    profile: { name: 'P', key: 'k', outlook: '14.0', default: true },
    outcome,
    error: null,
    arrays: [],
    accounts: [],
    refusals: [],
    attention: [],
    counts: {},
    values: [{ ...value, before: data(before), after: data(after) }],
  };
}

/** What the value becomes (`absent` for none), `kept`, or `nothing`. */
function restored(now: string | null, history: ResultLine[]): string {
  const value =
    now === null ? [] : [{ kind: 'value' as const, value: { name: 'v', type: RegType.SZ, data: stringData(now) } }];
  const [snapshot] = snapshotsOf({ entries: [{ kind: 'key', path: `${ROOT}\\k` }, ...value], codePage: undefined });
  assert.ok(snapshot);
  const plan = planRestore(snapshot, history);
  const [edit] = plan.patch.edits;
  if (edit) return edit.after ? edit.after.data.toString('utf16le').replace('\0', '') : 'absent';
  return plan.kept.length > 0 ? 'kept' : 'nothing';
}

test('a value is restored only where ours still stands', () => {
  const good = (now: string | null, want: string, ...history: ResultLine[]) =>
    assert.equal(restored(now, history), want);
  good('new', 'old', line('changed', 'old', 'new'));
  good('old', 'nothing', line('changed', 'old', 'new')); // already as it was
  good('else', 'kept', line('changed', 'old', 'new')); // somebody has changed it since
  good(null, 'kept', line('changed', 'old', 'new'));
  good(null, 'old', line('changed', 'old', null)); // deleted by us
  good('again', 'kept', line('changed', 'old', null)); // and found again by Outlook
  good('b', 'old', line('changed', 'old', 'a'), line('changed', 'a', 'b')); // two runs: all the way back
  good('a', 'kept', line('changed', 'old', 'a'), line('changed', 'x', 'b'));
  good('old', 'nothing', line('changed', 'old', 'new'), line('restored', 'new', 'old'));
  good('new', 'nothing', line('changed', 'old', 'new'), line('restored', 'new', 'old')); // set again by somebody else
  good('else', 'nothing', line('changed', 'old', 'new'), line('restored', 'new', 'old'));
  good('new', 'old', line('deferred', 'old', 'new')); // written down, then imported
  good('old', 'nothing', line('deferred', 'old', 'new')); // written down, never imported
  good('a', 'old', line('deferred', 'old', 'a'), line('planned', 'a', 'b')); // the second never imported
  good('new', 'nothing', line('failed', 'old', 'new')); // a failed run changed nothing
});

test('another user is another history', () => {
  const [snapshot] = snapshotsOf({ entries: [{ kind: 'key', path: `${ROOT}\\k` }], codePage: undefined });
  assert.ok(snapshot);
  assert.equal(
    planRestore(snapshot, [{ ...line('changed', 'old', 'new'), root: 'HKEY_USERS\\S-1-5-21-1' }]).known,
    false,
  );
});
