// `--log FILE`: one line for each event, in UTF-8, appended; a file that has grown large is set aside first.
import { appendFile, rename, stat } from 'node:fs/promises';
import { RegistryError } from '../errors.ts';
import { printable } from './style.ts';

const ROTATE_AT_BYTES = 5 * 1024 * 1024;

export interface RunLog {
  /** Never rejects: what is being changed is not broken off for a line in a log. */
  event(text: string): Promise<void>;
  /** Why lines are missing, if so. */
  lost(): RegistryError | undefined;
}

/** Begins with this line. @throws RegistryError `write-failed` when it cannot be written: then nothing has been done yet. */
export async function openLog(path: string | undefined, now: () => Date, first: string): Promise<RunLog> {
  if (path === undefined) return { event: async () => {}, lost: () => undefined };
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > ROTATE_AT_BYTES) await rename(path, `${path}.1`).catch(() => {});
  const append = async (text: string): Promise<void> => {
    const line = printable(text.replaceAll('\r', '').replaceAll('\n', ' | '));
    try {
      await appendFile(path, `${now().toISOString()} ${line}\n`, { mode: 0o600 });
    } catch (cause) {
      throw new RegistryError('write-failed', `cannot write log ${path}: ${(cause as Error).message}`, { cause });
    }
  };
  await append(first);
  let lost: RegistryError | undefined;
  return {
    event: (text) =>
      append(text).catch((error: RegistryError) => {
        lost ??= error;
      }),
    lost: () => lost,
  };
}
