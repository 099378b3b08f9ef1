// The result lines of any number of files, one after the other: nothing but the line at hand is kept in memory.
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { RegistryError } from '../errors.ts';
import { filesBelow, type UnreadableFolder } from '../files-below.ts';

export const REPORT_LIMITS = {
  /** Longest line; a profile with hundreds of values stays far below. */
  lineBytes: 16 * 1024 * 1024,
  /** Distinct profiles in one report; each costs a few hundred bytes of memory. */
  profiles: 1_000_000,
  /** Unreadable lines that are listed one by one. */
  problems: 100,
} as const;

export interface RawLine {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  /** Undefined when the line is too long to be looked at. */
  readonly text: string | undefined;
}

/**
 * Files as given, and every `*.jsonl` in folders at any depth, in order of path, each once; and the folders in them that cannot be read.
 * @throws RegistryError `source-unreadable` when one of the paths given cannot be read.
 */
export async function findResultFiles(
  paths: readonly string[],
): Promise<{ readonly files: string[]; readonly unreadable: UnreadableFolder[] }> {
  const files = new Map<string, string>();
  const unreadable: UnreadableFolder[] = [];
  for (const path of paths) {
    try {
      const isFolder = (await stat(path)).isDirectory();
      const found = isFolder ? await filesBelow(path, /\.jsonl$/i, unreadable) : [path];
      for (const file of found) if (!files.has(resolve(file))) files.set(resolve(file), file);
    } catch (cause) {
      throw new RegistryError('source-unreadable', `cannot read ${path}: ${(cause as Error).message}`, { cause });
    }
  }
  return { files: [...files.values()], unreadable };
}

/** @throws RegistryError `source-unreadable`. Empty lines are left out. */
export async function* readLines(file: string): AsyncGenerator<RawLine> {
  let number = 0;
  let parts: string[] = [];
  let length = 0;
  const finish = (): RawLine | undefined => {
    number++;
    const tooLong = length > REPORT_LIMITS.lineBytes;
    const text = tooLong ? undefined : parts.join('').replace(/\r$/, '');
    parts = [];
    length = 0;
    return text === '' ? undefined : { file, number, text };
  };
  try {
    const stream = createReadStream(file, { encoding: await encodingOf(file), highWaterMark: 256 * 1024 });
    let first = true;
    for await (const chunk of stream as AsyncIterable<string>) {
      let rest = first ? chunk.replace(/^\ufeff/, '') : chunk;
      first = false;
      for (let at = rest.indexOf('\n'); at !== -1; at = rest.indexOf('\n')) {
        parts.push(rest.slice(0, at));
        length += at;
        rest = rest.slice(at + 1);
        const line = finish();
        if (line) yield line;
      }
      length += rest.length;
      if (length <= REPORT_LIMITS.lineBytes) parts.push(rest);
      else parts = [];
    }
    const line = finish();
    if (line) yield line;
  } catch (cause) {
    throw new RegistryError('source-unreadable', `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Windows PowerShell's redirection writes UTF-16 with a byte order mark. */
async function encodingOf(file: string): Promise<'utf8' | 'utf16le'> {
  const handle = await open(file, 'r');
  try {
    const head = Buffer.alloc(2);
    await handle.read(head, 0, 2, 0);
    return head.equals(Buffer.from([0xff, 0xfe])) ? 'utf16le' : 'utf8';
  } finally {
    await handle.close();
  }
}
