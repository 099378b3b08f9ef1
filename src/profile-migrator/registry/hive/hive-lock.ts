// One writer per hive: its lock lies beside it, so that runs with other state folders and on other computers see it too.
import { RegistryError } from '../../errors.ts';
import { takeLockFile } from '../lock-file.ts';
import { fileError } from './file-errors.ts';

/** Takes the lock and returns what gives it back. @throws RegistryError `hive-in-use` while another run holds it. */
export async function lockHive(hivePath: string): Promise<() => Promise<void>> {
  const outcome = await takeLockFile(`${hivePath}.profile-migrator-lock`).catch((cause) => {
    throw fileError(`cannot lock ${hivePath}`, cause, 'write-failed');
  });
  if (outcome.kind === 'taken') return outcome.release;
  throw new RegistryError('hive-in-use', `${hivePath} is being changed by ${outcome.by}`);
}
