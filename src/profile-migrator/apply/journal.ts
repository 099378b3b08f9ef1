// The journal of one change: on disk before anything is changed, gone when everything is proved. Whoever finds one knows what was
// wanted and how far it can have come.
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { RegistryError } from '../errors.ts';
import type { RegistryPatch, RegistryValue } from '../registry/registry.ts';
import type { ChildIdentity } from '../registry/store.ts';
import { type RegistryData, type ResultLine, resultLineSchema } from '../result-line.ts';
import { besideOf, readIfThere, removeDurably, writeDurably } from './state-files.ts';

/**
 * `prepared`: nothing has been changed yet. `importing`: some values may be new. `undoing`: the change failed and is being taken
 * back. A journal is rewritten before each step, so a step that is not named in it has not begun.
 */
export type JournalState = 'prepared' | 'importing' | 'undoing';

export interface Journal {
  readonly kind: 'apply' | 'rollback';
  readonly state: JournalState;
  readonly patch: RegistryPatch;
  /** The program that carries out the import, once it has been started. */
  readonly child: ChildIdentity | undefined;
  /** What to write as the result when the change is complete, and where: in the journal's folder. */
  readonly lines: readonly ResultLine[];
  readonly resultPath: string;
  /** Files that mean nothing if the change is given up, in the journal's folder. */
  readonly files: readonly string[];
}

const registryData = z.strictObject({
  type: z.int().min(0).max(0xffffffff),
  data: z.string().regex(/^(?:[0-9a-f]{2})*$/),
});

const journalSchema = z.strictObject({
  version: z.literal(1),
  kind: z.enum(['apply', 'rollback']),
  state: z.enum(['prepared', 'importing', 'undoing']),
  root: z.string(),
  edits: z
    .array(
      z.strictObject({
        key: z.string(),
        name: z.string(),
        before: registryData.nullable(),
        after: registryData.nullable(),
      }),
    )
    .min(1),
  child: z.strictObject({ pid: z.int().positive(), startTime: z.string() }).nullable(),
  lines: z.array(resultLineSchema),
  resultPath: z.string(),
  files: z.array(z.string()),
});

export async function writeJournal(path: string, journal: Journal): Promise<void> {
  const { kind, state, patch, child, lines, resultPath, files } = journal;
  const edits = patch.edits.map(({ keyPath, name, before, after }) => {
    return { key: keyPath, name, before: packValue(before), after: packValue(after) };
  });
  const data = { version: 1, kind, state, root: patch.rootPath, edits, child: child ?? null, lines, resultPath, files };
  await writeDurably(path, `${JSON.stringify(data)}\n`);
}

/** Undefined when no change is open. @throws RegistryError `journal-invalid`. */
export async function readJournal(path: string): Promise<Journal | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new RegistryError('journal-invalid', `cannot read journal ${path}: it is no JSON`, { cause });
  }
  const parsed = journalSchema.safeParse(data);
  if (!parsed.success) {
    throw new RegistryError('journal-invalid', `cannot read journal ${path}: ${z.prettifyError(parsed.error)}`);
  }
  const { kind, state, root, edits, child, lines } = parsed.data;
  const patch: RegistryPatch = {
    rootPath: root,
    edits: edits.map(({ key, name, before, after }) => {
      return { keyPath: key, name, before: unpackValue(name, before), after: unpackValue(name, after) };
    }),
  };
  // Only the names count: the folder may have been moved or be reached by another path, and no journal leads out of it.
  const besideJournal = (file: string) => join(dirname(path), basename(file));
  return {
    kind,
    state,
    patch,
    child: child ?? undefined,
    lines,
    resultPath: besideJournal(parsed.data.resultPath),
    files: parsed.data.files.map(besideJournal),
  };
}

/** Also what a run killed while writing it may have left beside it. */
export async function removeJournal(path: string): Promise<void> {
  await removeDurably(besideOf(path));
  await removeDurably(path);
}

export function packValue(value: RegistryValue | undefined): RegistryData | null {
  return value ? { type: value.type, data: value.data.toString('hex') } : null;
}

export function unpackValue(name: string, data: RegistryData | null | undefined): RegistryValue | undefined {
  return data ? { name, type: data.type, data: Buffer.from(data.data, 'hex') } : undefined;
}
