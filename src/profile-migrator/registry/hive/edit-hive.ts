// Carries out a registry patch on a hive in memory. The given bytes stay as they are; the result is a clean hive of its own.
import { RegistryError } from '../../errors.ts';
import { foldName, type RegistryPatch, type RegistryValue, sameValue, type ValueEdit } from '../registry.ts';
import { changeBaseBlock, fileTime, nextSequence } from './base-block.ts';
import { CellStore } from './cell-store.ts';
import { HiveImage } from './hive-image.ts';
import type { TakeBuffer } from './hive-memory.ts';
import { type ChildCache, findPath } from './load-keys.ts';
import { NK, readKeyNode, readValueRecord, valueCells } from './records.ts';
import { type HiveSurvey, surveyHive } from './survey.ts';
import { readValueData } from './value-data.ts';
import { createValue, deleteValue, setValue } from './write-value.ts';

export interface EditOptions {
  /** Of the hive as it is, where it is known already. */
  readonly survey?: HiveSurvey | undefined;
  /** Gives the memory of the result. */
  readonly take?: TakeBuffer | undefined;
}

/** Room for new bins behind the copy, so that a hive which grows is not copied again. */
const ROOM_TO_GROW = 256 * 1024;

/** Bytes that `editHive` asks for to change a hive of `size` bytes. */
export function bytesToEdit(size: number): number {
  return size + ROOM_TO_GROW;
}

/**
 * @param before a hive that is clean or recovered.
 * @param now stamped on the changed keys and the base block.
 * @throws RegistryError `key-missing` or `value-changed` when the hive does not hold what an edit expects, `hive-corrupt` when
 * the hive is too damaged to be written.
 */
export function editHive(before: HiveImage, patch: RegistryPatch, now: Date, options: EditOptions = {}): HiveImage {
  const survey = options.survey ?? surveyHive(before);
  const space = (options.take ?? Buffer.allocUnsafe)(bytesToEdit(before.bytes.length));
  before.bytes.copy(space);
  const copy = new HiveImage(space.subarray(0, before.bytes.length));
  const store = new CellStore(copy, survey.freeCells, space);
  const children: ChildCache = new Map();
  const keys = new Map<string, number>();
  for (const edit of patch.edits) {
    const folded = foldName(edit.keyPath);
    const keyCell = keys.get(folded) ?? findKeyCell(store.image, edit, children);
    keys.set(folded, keyCell);
    carryOut(store, keyCell, edit);
  }
  const written = fileTime(now);
  for (const cell of keys.values()) {
    store.image.bytes.writeBigUInt64LE(written, store.image.position(cell) + NK.LAST_WRITTEN);
  }
  const sequence = nextSequence(before.base.primarySequence);
  changeBaseBlock(store.image.bytes, {
    primarySequence: sequence,
    secondarySequence: sequence,
    lastWritten: written,
  });
  return new HiveImage(store.image.bytes);
}

/** Lists of subkeys and names of keys never change, so that the children found once stay valid. */
function findKeyCell(image: HiveImage, edit: ValueEdit, children: ChildCache): number {
  const found = findPath(image, readKeyNode(image, image.base.rootCell), edit.keyPath, children)?.at(-1);
  if (found === undefined)
    throw new RegistryError('key-missing', `cannot change ${named(edit)}: the key does not exist`);
  return found.cell;
}

function carryOut(store: CellStore, keyCell: number, edit: ValueEdit): void {
  const present = findValueIn(store.image, keyCell, edit.name);
  if (!sameValue(present?.value, edit.before)) {
    throw new RegistryError('value-changed', `cannot change ${named(edit)}: it no longer holds what was read`);
  }
  if (present === undefined) {
    if (edit.after !== undefined) createValue(store, keyCell, { ...edit.after, name: edit.after.name });
  } else if (edit.after === undefined) {
    deleteValue(store, keyCell, present.cell);
  } else {
    setValue(store, keyCell, present.cell, edit.after);
  }
}

function findValueIn(
  image: HiveImage,
  keyCell: number,
  name: string,
): { cell: number; value: RegistryValue } | undefined {
  const folded = foldName(name);
  for (const cell of valueCells(image, readKeyNode(image, keyCell))) {
    const record = readValueRecord(image, cell);
    if (foldName(record.name) !== folded) continue;
    return { cell, value: { name: record.name, type: record.type, data: readValueData(image, record) } };
  }
  return undefined;
}

function named(edit: ValueEdit): string {
  return `value "${edit.name}" of ${edit.keyPath}`;
}
