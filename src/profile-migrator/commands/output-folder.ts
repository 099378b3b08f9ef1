// `--out DIR`: what is written for each source. Nothing that exists is ever overwritten: a second run gets `.2` in its names.
import { lstat, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../apply/state-files.ts';
import { RegistryError } from '../errors.ts';

export type OutputKind = 'patch.reg' | 'undo.reg' | 'restore.reg' | 'result.jsonl';

export interface OutputSet {
  pathOf(kind: OutputKind): string;
  /** Writes and flushes; readable by this user alone. @throws RegistryError `already-exists` or `write-failed`. */
  write(kind: OutputKind, data: Buffer | string): Promise<string>;
  /** Writes what belongs together, in this order: all of it or nothing. Answers the paths. @throws as `write`. */
  writeAll(files: readonly OutputFile[]): Promise<string[]>;
}

export interface OutputFile {
  readonly kind: OutputKind;
  readonly data: Buffer | string;
}

/** Numbers that may be missing behind the last one found: results are thrown away, of plans above all. */
const GAP = 20;

/** The results of earlier runs over a source of this name, in the order of their numbers. @throws RegistryError `write-failed`. */
export async function resultsIn(folder: string, name: string): Promise<string[]> {
  await makeFolder(folder);
  const found: string[] = [];
  for (let n = 1, missing = 0; missing <= GAP; n++) {
    const path = join(folder, `${stemOfRun(name, n)}.result.jsonl`);
    if (await exists(path)) {
      found.push(path);
      missing = 0;
    } else missing++;
  }
  return found;
}

function stemOfRun(name: string, n: number): string {
  return n === 1 ? name : `${name}.${n}`;
}

// Asked by name: listing the folder for each of thousands of sources would take longer than the work itself.
async function isUsed(folder: string, stem: string): Promise<boolean> {
  const found = await Promise.all(KINDS.map((kind) => exists(join(folder, `${stem}.${kind}`))));
  return found.includes(true);
}

export async function openOutput(folder: string, name: string): Promise<OutputSet> {
  await makeFolder(folder);
  let n = 1;
  while (await isUsed(folder, stemOfRun(name, n))) n++;
  const free = stemOfRun(name, n);
  const pathOf = (kind: OutputKind) => join(folder, `${free}.${kind}`);
  const write = (kind: OutputKind, data: Buffer | string) => writeNew(pathOf(kind), data);
  return {
    pathOf,
    write,
    async writeAll(files) {
      const written: string[] = [];
      try {
        for (const { kind, data } of files) written.push(await write(kind, data));
      } catch (error) {
        for (const path of written) await unlink(path).catch(() => {});
        throw error;
      }
      return written;
    },
  };
}

const KINDS: readonly string[] = ['patch.reg', 'undo.reg', 'restore.reg', 'result.jsonl', 'journal.json'];

function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function writeNew(path: string, data: Buffer | string): Promise<string> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(data);
      await file.sync();
    } catch (cause) {
      // Half of it would be taken for the whole.
      await unlink(path).catch(() => {});
      throw cause;
    } finally {
      await file.close();
    }
    return path;
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const code = exists ? 'already-exists' : 'write-failed';
    throw new RegistryError(code, `cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}
