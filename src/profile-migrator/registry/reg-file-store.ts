// .reg files on disk.
import { readFile } from 'node:fs/promises';
import { RegistryError } from '../errors.ts';
import type { RegFile } from './reg-file.ts';
import { readRegFile } from './reg-file-reader.ts';

/** The file at `path`, parsed. @throws RegistryError `source-unreadable` and the reader's codes. */
export async function loadRegFile(path: string, codePage?: number): Promise<RegFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new RegistryError('source-unreadable', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  return readRegFile(bytes, path, codePage);
}
