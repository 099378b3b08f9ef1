// The proof after writing: every key and value of the written hive either stands where it stood, byte for byte (untouched.ts shows
// that without reading them one by one), or belongs to a key the plan changes, and such keys are read in full from the written
// hive and compared with the plan value by value.
import { RegistryError } from '../../errors.ts';
import { foldName, type RegistryPatch, type RegistryValue, type ValueEdit } from '../registry.ts';
import { BASE_BLOCK_SIZE, isDirty } from './base-block.ts';
import { type HiveImage, hex } from './hive-image.ts';
import { type ChildCache, findPath } from './load-keys.ts';
import { type KeyNode, NK, readKeyNode, readValueRecord, type ValueRecord, valueCells } from './records.ts';
import { type HiveSurvey, surveyHive } from './survey.ts';
import { requireUntouched } from './untouched.ts';
import { findBigData, readValueData } from './value-data.ts';

/** What an edited value must hold in the end; absent where it must not exist. */
type Expected = Map<string, ValueEdit['after']>;

/**
 * @param survey of `before`, where it is known already.
 * @throws RegistryError `verify-failed` naming the first key, value or offset that is not as planned, `hive-corrupt` when `after`
 * is unsound.
 */
export function requireOnlyPlanned(
  before: HiveImage,
  after: HiveImage,
  patch: RegistryPatch,
  survey: Pick<HiveSurvey, 'cells'> = surveyHive(before),
): void {
  compareBaseBlocks(before, after);
  const expected = expectedByKey(before, patch);
  const old = new Set<number>();
  const now = new Set<number>();
  for (const cell of expected.keys()) {
    compareKeyNodes(before, after, cell);
    collectValueCells(before, readKeyNode(before, cell), old);
    collectValueCells(after, readKeyNode(after, cell), now);
  }
  requireUntouched(before, after, survey.cells, { keys: new Set(expected.keys()), before: old, after: now });
  for (const [cell, wanted] of expected) {
    compareValues(before, after, readKeyNode(before, cell), readKeyNode(after, cell), wanted);
  }
}

/** What a write changes in the base block: sequence numbers, time, size of the bins, checksum. */
const BASE_BLOCK_CHANGES: readonly Range[] = [
  [4, 20],
  [40, 44],
  [508, 512],
];

/** What a write changes in a key: time, number and list of values, largest name and data. */
const KEY_CHANGES: readonly Range[] = [
  [NK.LAST_WRITTEN, NK.LAST_WRITTEN + 8],
  [NK.VALUE_COUNT, NK.VALUE_LIST + 4],
  [NK.LARGEST_VALUE_NAME, NK.LARGEST_VALUE_DATA + 4],
];

type Range = readonly [from: number, to: number];

function compareBaseBlocks(before: HiveImage, after: HiveImage): void {
  if (isDirty(after.base)) throw notAsPlanned('its base block says that it is dirty');
  if (differsOutside(before, after, 0, BASE_BLOCK_SIZE, BASE_BLOCK_CHANGES))
    throw notAsPlanned('its base block has changed in fields that are not to change');
}

/** Name, flags, parent, security, class and subkeys are never ours to change. */
function compareKeyNodes(before: HiveImage, after: HiveImage, cell: number): void {
  const key = readKeyNode(before, cell);
  const length = before.contentLength(cell, 'key');
  if (after.contentLength(cell, 'key') !== length) throw failed(key, 'has another size');
  if (differsOutside(before, after, before.position(cell), length, KEY_CHANGES))
    throw failed(key, 'has another name, parent, class, security, flags or list of subkeys');
}

/** Whether the images differ in the `length` bytes at file position `at`, the given ranges left out. */
function differsOutside(a: HiveImage, b: HiveImage, at: number, length: number, ranges: readonly Range[]): boolean {
  let from = 0;
  for (const [start, end] of [...ranges, [length, length] as const]) {
    if (a.bytes.compare(b.bytes, at + from, at + start, at + from, at + start) !== 0) return true;
    from = end;
  }
  return false;
}

/** Adds the cells of the key's values, as the survey counts them. */
function collectValueCells(image: HiveImage, key: KeyNode, into: Set<number>): void {
  const add = (cell: number): void => {
    if (into.has(cell)) throw failed(key, `uses the cell at ${hex(cell)} twice`);
    into.add(cell);
  };
  const values = valueCells(image, key);
  if (values.length > 0) add(key.valueList);
  for (const cell of values) {
    add(cell);
    const value = readValueRecord(image, cell);
    if (value.inline || value.size === 0) continue;
    add(value.dataCell);
    const big = findBigData(image, value);
    if (big !== undefined) for (const part of [big.list, ...big.segments]) add(part);
  }
}

function expectedByKey(before: HiveImage, patch: RegistryPatch): Map<number, Expected> {
  const byCell = new Map<number, Expected>();
  const root = readKeyNode(before, before.base.rootCell);
  const children: ChildCache = new Map();
  for (const edit of patch.edits) {
    const key = findPath(before, root, edit.keyPath, children)?.at(-1);
    if (key === undefined) throw new RegistryError('verify-failed', `the planned key ${edit.keyPath} does not exist`);
    const expected = byCell.get(key.cell) ?? new Map();
    byCell.set(key.cell, expected);
    expected.set(foldName(edit.name), edit.after);
  }
  return byCell;
}

function compareValues(before: HiveImage, after: HiveImage, old: KeyNode, now: KeyNode, expected: Expected): void {
  const planned = new Map(expected);
  const present = valueCells(after, now).map((cell) => readValueRecord(after, cell));
  let next = 0;
  for (const cell of valueCells(before, old)) {
    const was = readValueRecord(before, cell);
    const folded = foldName(was.name);
    const edited = expected.has(folded);
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
  return notAsPlanned(`key "${key.name}" (${hex(key.cell)}) ${what}`);
}

function notAsPlanned(what: string): RegistryError {
  return new RegistryError('verify-failed', `the written hive is not as planned: ${what}`);
}
