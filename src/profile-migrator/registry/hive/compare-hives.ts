// The proof after writing: both hives are read key by key and value by value, and must differ by the planned edits and nothing else.
import { RegistryError } from '../../errors.ts';
import { foldName, type RegistryPatch, type RegistryValue, type ValueEdit } from '../registry.ts';
import { type HiveImage, hex, NO_CELL } from './hive-image.ts';
import { findPath } from './load-keys.ts';
import {
  type KeyNode,
  NK,
  readKeyNode,
  readValueRecord,
  subkeyCells,
  type ValueRecord,
  valueCells,
} from './records.ts';
import { readValueData } from './value-data.ts';

/** What an edited value must hold in the end; absent where it must not exist. */
type Expected = Map<string, ValueEdit['after']>;

/** @throws RegistryError `verify-failed` naming the first key or value that is not as planned. */
export function requireOnlyPlanned(before: HiveImage, after: HiveImage, patch: RegistryPatch): void {
  const expected = expectedByKey(before, patch);
  const pending: [number, number][] = [[before.base.rootCell, after.base.rootCell]];
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    const old = readKeyNode(before, pair[0]);
    const now = readKeyNode(after, pair[1]);
    if (old.name !== now.name) throw failed(old, `is now named "${now.name}"`);
    compareFixedFields(before, after, old, now);
    compareValues(before, after, old, now, expected.get(old.cell));
    const oldCells = subkeyCells(before, old);
    const nowCells = subkeyCells(after, now);
    if (oldCells.length !== nowCells.length)
      throw failed(old, `has ${nowCells.length} subkeys instead of ${oldCells.length}`);
    for (const [i, cell] of oldCells.entries()) pending.push([cell, nowCells[i] ?? NO_CELL]);
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

/** Flags, security and class are never ours to change. */
function compareFixedFields(before: HiveImage, after: HiveImage, old: KeyNode, now: KeyNode): void {
  const oldAt = before.position(old.cell);
  const nowAt = after.position(now.cell);
  if (before.bytes.readUInt16LE(oldAt + NK.FLAGS) !== after.bytes.readUInt16LE(nowAt + NK.FLAGS)) {
    throw failed(old, 'has other flags');
  }
  if (old.security !== NO_CELL && !sameCell(before, after, old.security, now.security))
    throw failed(old, 'has other security');
  if (old.classLength > 0 && !sameCell(before, after, old.className, now.className))
    throw failed(old, 'has another class');
}

function sameCell(before: HiveImage, after: HiveImage, old: number, now: number): boolean {
  const length = before.contentLength(old, 'cell');
  if (now === NO_CELL || after.contentLength(now, 'cell') !== length) return false;
  const at = before.position(old);
  const nowAt = after.position(now);
  return before.bytes.compare(after.bytes, nowAt, nowAt + length, at, at + length) === 0;
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
