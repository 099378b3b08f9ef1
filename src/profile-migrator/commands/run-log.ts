// `--log FILE`: one line for each event, in UTF-8, appended; a file that has grown large is set aside first.
import { appendFile, rename, stat } from 'node:fs/promises';
import { RegistryError } from '../errors.ts';
import { printable } from './style.ts';

const ROTATE_AT_BYTES = 5 * 1024 * 1024;

export type LogEvent = (text: string) => Promise<void>;

/** @throws RegistryError `write-failed` at once when the file cannot be written. */
export async function openLog(path: string | undefined, now: () => Date): Promise<LogEvent> {
  if (path === undefined) return async () => {};
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > ROTATE_AT_BYTES) await rename(path, `${path}.1`).catch(() => {});
  const append = async (text: string): Promise<void> => {
    try {
      await appendFile(
        path,
        `${now().toISOString()} ${printable(text.replaceAll('\r', '').replaceAll('\n', ' | '))}\n`,
        {
          mode: 0o600,
        },
      );
    } catch (cause) {
      throw new RegistryError('write-failed', `cannot write log ${path}: ${(cause as Error).message}`, { cause });
    }
  };
  return append;
}
