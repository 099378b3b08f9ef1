// The proof after writing: every key and value of the written hive is visited; each must either stand where it stood, byte for
// byte, or belong to a key the plan changes, and such keys are read in full and compared with the plan value by value.
import { RegistryError } from '../../errors.ts';
import { foldName, type RegistryPatch, type RegistryValue, type ValueEdit } from '../registry.ts';
import { BASE_BLOCK_SIZE } from './base-block.ts';
import { BIN_UNIT, type HiveImage, hex, NO_CELL } from './hive-image.ts';
import { findPath } from './load-keys.ts';
import { type KeyNode, NK, readKeyNode, readValueRecord, type ValueRecord, valueCells } from './records.ts';
import { surveyHive } from './survey.ts';
import { readValueData } from './value-data.ts';

/** What an edited value must hold in the end; absent where it must not exist. */
type Expected = Map<string, ValueEdit['after']>;

/**
 * Key nodes never move and subkey lists never change, so the two trees are walked as one.
 * @throws RegistryError `verify-failed` naming the first key or value that is not as planned, `hive-corrupt` when `after` is unsound.
 */
export function requireOnlyPlanned(before: HiveImage, after: HiveImage, patch: RegistryPatch): void {
  const expected = expectedByKey(before, patch);
  const changed = changedPages(before, after);
  const touched = new Set<number>(expected.keys());
  if (before.base.rootCell !== after.base.rootCell)
    throw new RegistryError('verify-failed', 'the written hive has another root');
  surveyHive(after, (key, cell, role) => {
    if (sameInPlace(before, after, cell, changed)) return;
    if (role === 'subkey list') throw failed(readKeyNode(before, key), 'has other subkeys');
    touched.add(key);
  });
  for (const cell of touched) {
    const old = readKeyNode(before, cell);
    const now = readKeyNode(after, cell);
    compareFixedFields(before, after, old, now);
    compareValues(before, after, old, now, expected.get(cell));
  }
}

function expectedByKey(before: HiveImage, patch: RegistryPatch): Map<number, Expected> {
  const byCell = new Map<number, Expected>();
  const root = readKeyNode(before, before.base.rootCell);
  for (const edit of patch.edits) {
    const key = findPath(before, root, edit.keyPath)?.at(-1);
    if (key === undefined) throw new RegistryError('verify-failed', `the planned key ${edit.keyPath} does not exist`);
    const expected = byCell.get(key.cell) ?? new Map();
    byCell.set(key.cell, expected);
    expected.set(foldName(edit.name), edit.after);
  }
  return byCell;
}

/** One mark per page of `after`'s bins that is not the same in `before`. */
function changedPages(before: HiveImage, after: HiveImage): Uint8Array {
  const marks = new Uint8Array(after.base.binsSize / BIN_UNIT);
  for (let page = 0; page < marks.length; page++) {
    const start = BASE_BLOCK_SIZE + page * BIN_UNIT;
    const inBoth = (page + 1) * BIN_UNIT <= before.base.binsSize;
    const same = inBoth && before.bytes.compare(after.bytes, start, start + BIN_UNIT, start, start + BIN_UNIT) === 0;
    marks[page] = same ? 0 : 1;
  }
  return marks;
}

/** Whether the used cell of `after` is a used cell of `before` too, with the same bytes. */
function sameInPlace(before: HiveImage, after: HiveImage, cell: number, changed: Uint8Array): boolean {
  const start = BASE_BLOCK_SIZE + cell;
  const end = start - after.bytes.readInt32LE(start);
  let same = true;
  for (let page = cell >>> 12; page <= (end - BASE_BLOCK_SIZE - 1) >>> 12; page++) same &&= changed[page] === 0;
  if (same) return true;
  if (end - BASE_BLOCK_SIZE > before.base.binsSize) return false;
  return before.bytes.compare(after.bytes, start, end, start, end) === 0;
}

/** Flags, name, security, class and subkeys are never ours to change. */
function compareFixedFields(before: HiveImage, after: HiveImage, old: KeyNode, now: KeyNode): void {
  const oldAt = before.position(old.cell);
  const nowAt = after.position(now.cell);
  if (old.name !== now.name) throw failed(old, `is now named "${now.name}"`);
  for (const field of [NK.FLAGS, NK.NAME_LENGTH, NK.CLASS_LENGTH]) {
    if (before.bytes.readUInt16LE(oldAt + field) !== after.bytes.readUInt16LE(nowAt + field))
      throw failed(old, 'has other flags');
  }
  for (const field of [NK.PARENT, NK.SUBKEY_COUNT, NK.SUBKEY_LIST, NK.SECURITY, NK.CLASS_NAME]) {
    if (before.bytes.readUInt32LE(oldAt + field) !== after.bytes.readUInt32LE(nowAt + field)) {
      throw failed(old, 'has another parent, class, security or list of subkeys');
    }
  }
  if (old.security !== NO_CELL && !sameCell(before, after, old.security)) throw failed(old, 'has other security');
  if (old.classLength > 0 && old.className !== NO_CELL && !sameCell(before, after, old.className))
    throw failed(old, 'has another class');
}

function sameCell(before: HiveImage, after: HiveImage, cell: number): boolean {
  const length = before.contentLength(cell, 'cell');
  if (after.contentLength(cell, 'cell') !== length) return false;
  const at = before.position(cell);
  return before.bytes.compare(after.bytes, at, at + length, at, at + length) === 0;
}

function compareValues(
  before: HiveImage,
  after: HiveImage,
  old: KeyNode,
  now: KeyNode,
  expected: Expected | undefined,
): void {
  const planned = new Map(expected);
  const present = valueCells(after, now).map((cell) => readValueRecord(after, cell));
  let next = 0;
  for (const cell of valueCells(before, old)) {
    const was = readValueRecord(before, cell);
    const folded = expected === undefined ? '' : foldName(was.name);
    const edited = expected?.has(folded) === true;
    const want = planned.get(folded);
    planned.delete(folded);
    if (edited && want === undefined) continue; // planned to be gone: the next one must follow at once
    const is = present[next++];
    const same = want === undefined ? sameStored(before, was, after, is) : sameAs(after, is, was.name, want);
    if (!same) throw failed(old, `value "${was.name}" does not hold what it must`);
  }
  for (const [, want] of planned) {
    if (want === undefined) continue; // created and deleted again within one patch
    if (!sameAs(after, present[next++], want.name, want))
      throw failed(old, `the new value "${want.name}" is not there`);
  }
  if (next !== present.length) throw failed(old, `has ${present.length} values instead of ${next}`);
}

function sameAs(image: HiveImage, is: ValueRecord | undefined, name: string, want: RegistryValue): boolean {
  return is !== undefined && is.name === name && is.type === want.type && readValueData(image, is).equals(want.data);
}

function sameStored(before: HiveImage, was: ValueRecord, after: HiveImage, is: ValueRecord | undefined): boolean {
  if (is === undefined || is.name !== was.name || is.type !== was.type || is.size !== was.size) return false;
  return readValueData(before, was, true).equals(readValueData(after, is, true));
}

function failed(key: KeyNode, what: string): RegistryError {
  return new RegistryError(
    'verify-failed',
    `the written hive is not as planned: key "${key.name}" (${hex(key.cell)}) ${what}`,
  );
}
