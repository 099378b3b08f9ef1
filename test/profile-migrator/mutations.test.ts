// Seeded damage to every sample: bytes of the .reg text, and data of the values in it. The only answers allowed are a value or a
// coded error; a plan made from damaged profiles still stays inside the fence and can be undone byte for byte.
// MIGRATOR_MUTATIONS sets how many for each sample.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { requireInScope } from '../../src/profile-migrator/apply/edit-scope.ts';
import { RegistryError } from '../../src/profile-migrator/errors.ts';
import { readProfiles } from '../../src/profile-migrator/mapi/profile.ts';
import { planMigration } from '../../src/profile-migrator/plan/plan-migration.ts';
import { applyPatch, diffSnapshots, invertPatch } from '../../src/profile-migrator/registry/patch.ts';
import { type RegEntry, snapshotsOf } from '../../src/profile-migrator/registry/reg-file.ts';
import { readRegFile } from '../../src/profile-migrator/registry/reg-file-reader.ts';
import type { RegistrySnapshot } from '../../src/profile-migrator/registry/registry.ts';

const MUTATIONS = Number(process.env.MIGRATOR_MUTATIONS ?? 150);
const CASES = join(import.meta.dirname, 'cases');
const TARGETS = {
  arrays: [{ fqdn: 'outlook.fabrikam.test', replaces: ['FS1', 'fs1.fabrikam.test', 'FS2', 'fs2.fabrikam.test'] }],
  proxies: new Map([['owa.fabrikam.test', 'mail.fabrikam.test']]),
  publicFolders: 'mbx1.fabrikam.test',
};

/** A small pseudo-random generator (mulberry32), so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const TOKENS = [
  '"',
  '\\',
  '[',
  ']',
  '=',
  ',',
  ';',
  '@',
  '-',
  '\r\n',
  '\0',
  'hex(',
  'dword:',
  'hex:',
  '\ud800',
  '\ufeff',
  'z',
].map((token) => Buffer.from(token, 'utf16le'));

function damaged(bytes: Buffer, pick: (below: number) => number): Buffer {
  let result = Buffer.from(bytes);
  for (let n = pick(3); n >= 0; n--) {
    const at = pick(result.length + 1);
    const length = pick(8) === 0 ? pick(2000) : pick(6);
    const [head, tail] = [result.subarray(0, at), result.subarray(at)];
    const kind = pick(5);
    if (kind === 0 && at < result.length) result[at] = pick(256);
    else if (kind === 1) result = Buffer.concat([head, tail.subarray(length)]);
    else if (kind === 2) result = Buffer.concat([head, TOKENS[pick(TOKENS.length)] ?? head, tail]);
    else if (kind === 3)
      result = Buffer.concat([head, result.subarray(pick(result.length + 1)).subarray(0, length), tail]);
    else if (pick(10) === 0) result = Buffer.from(head);
  }
  return result;
}

/** What happens to one value's data or type, or to a key's name. */
function damagedEntry(entry: RegEntry, pick: (below: number) => number): RegEntry {
  if (entry.kind === 'key') return pick(3) > 0 ? entry : { ...entry, path: entry.path.slice(0, -1 - pick(5)) || 'k' };
  if (entry.kind !== 'value') return entry;
  const { value } = entry;
  if (pick(6) === 0) return { ...entry, value: { ...value, type: pick(12) } };
  return { ...entry, value: { ...value, data: damaged(value.data, pick) } };
}

function planAndUndo(snapshot: RegistrySnapshot): void {
  const { patch } = planMigration(snapshot, readProfiles(snapshot), { targets: TARGETS });
  requireInScope(patch, snapshot.rootPath, 'the plan');
  const after = applyPatch(snapshot, patch);
  assert.deepEqual(diffSnapshots(snapshot, applyPatch(after, invertPatch(patch))), {
    edits: [],
    addedKeys: [],
    removedKeys: [],
  });
  assert.deepEqual(planMigration(after, readProfiles(after), { targets: TARGETS }).patch.edits, []);
}

function valueOrCodedError(work: () => void, what: string): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof RegistryError) return false;
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

for (const [index, name] of readdirSync(CASES).entries()) {
  const bytes = readFileSync(join(CASES, name, 'before.reg'));

  test(`damaged text of ${name}`, () => {
    let read = 0;
    for (let i = 0; i < MUTATIONS; i++) {
      const seed = index * 1_000_003 + i;
      const file = damaged(bytes, random(seed));
      if (valueOrCodedError(() => snapshotsOf(readRegFile(file, 'x')).forEach(planAndUndo), `seed ${seed}`)) read++;
    }
    assert.ok(MUTATIONS < 100 || (read > 0 && read < MUTATIONS), `${read} of ${MUTATIONS} could still be read`);
  });

  test(`damaged values of ${name}`, () => {
    const { entries } = readRegFile(bytes, name);
    for (let i = 0; i < MUTATIONS; i++) {
      const seed = index * 1_000_003 + i;
      const pick = random(seed);
      const changed = entries.map((entry) => (pick(12) === 0 ? damagedEntry(entry, pick) : entry));
      const [snapshot] = snapshotsOf({ entries: changed, codePage: undefined });
      if (snapshot) valueOrCodedError(() => planAndUndo(snapshot), `seed ${seed}`);
    }
  });
}
