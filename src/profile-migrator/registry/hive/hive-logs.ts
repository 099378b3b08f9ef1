// The transaction logs beside a hive: <name>.LOG, .LOG1 and .LOG2, whatever their case.
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RegistryError } from '../../errors.ts';
import { fileError } from './file-errors.ts';
import { HIVE_LIMITS } from './limits.ts';
import { readHiveFile } from './read-hive-file.ts';
import type { HiveLog } from './recover.ts';

export interface HiveLogFile extends HiveLog {
  readonly path: string;
}

/** @throws RegistryError `hive-dirty` when two files of one name differ only in case: nobody can say which one counts. */
export async function readLogsBeside(hivePath: string): Promise<HiveLogFile[]> {
  const folder = dirname(hivePath);
  const wanted = new Set(['.LOG', '.LOG1', '.LOG2'].map((suffix) => `${basename(hivePath)}${suffix}`.toUpperCase()));
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => wanted.has(name.toUpperCase()));
  } catch (cause) {
    throw fileError(`cannot look for logs in ${folder}`, cause, 'source-unreadable');
  }
  const seen = new Map<string, string>();
  for (const name of names) {
    const other = seen.get(name.toUpperCase());
    if (other !== undefined) {
      throw new RegistryError(
        'hive-dirty',
        `${hivePath} is dirty and has two logs of one name, ${other} and ${name}: remove the wrong one`,
      );
    }
    seen.set(name.toUpperCase(), name);
  }
  const logs: HiveLogFile[] = [];
  for (const name of names.sort()) {
    const path = join(folder, name);
    const { bytes } = await readHiveFile(path, HIVE_LIMITS.logBytes);
    if (bytes.length > 0) logs.push({ name, path, bytes });
  }
  return logs;
}
