// One run at a time for each source: its lock lies beside its journal.
import { dirname } from 'node:path';
import { RegistryError } from '../errors.ts';
import { takeLockFile } from '../registry/lock-file.ts';
import { makeFolder } from './state-files.ts';

/** Takes the lock; the answer gives it back. `label` is the source's. @throws RegistryError `source-busy` while another run holds it. */
export async function lockSource(path: string, label: string): Promise<() => Promise<void>> {
  await makeFolder(dirname(path));
  const outcome = await takeLockFile(path).catch((cause: Error) => {
    throw new RegistryError('write-failed', `cannot lock ${path}: ${cause.message}`, { cause });
  });
  if (outcome.kind === 'taken') return outcome.release;
  throw new RegistryError('source-busy', `${label} is being changed by ${outcome.by}`);
}
