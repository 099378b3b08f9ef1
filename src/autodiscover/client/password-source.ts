// Where a command that acts as a client gets its password: a file, the environment, or the person at the terminal. Never a flag: the
// command line of a process is there for everybody to read.
import { readFileSync } from 'node:fs';
import { AutodiscoverError } from '../errors.ts';
import { secretText } from '../secret-text.ts';
import { askSecret, type Terminal } from './ask.ts';

export const PASSWORD_VARIABLE = 'AUTODISCOVER_PASSWORD';

const FILE_LIMIT = 4096;

/**
 * A function that gives the password when a server first asks for it. A file is read at once, so that a wrong path is told before
 * anything is sent; the prompt comes only when it is needed.
 */
export function passwordSource(
  io: Terminal & { readonly env: Readonly<Record<string, string | undefined>> },
  command: string,
  user: string,
  file: string | undefined,
): (url: URL) => Promise<string | undefined> {
  if (file !== undefined) {
    const password = readPasswordFile(command, file);
    return async () => password;
  }
  const fromEnvironment = io.env[PASSWORD_VARIABLE];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return async () => fromEnvironment;
  return (url) => askSecret(io, `Password of ${user} for ${url.host}: `);
}

/** The file's first line; a line end belongs to the file, not to the password. */
function readPasswordFile(command: string, file: string): string {
  let text: string;
  try {
    text = secretText(readFileSync(file));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AutodiscoverError('configuration', `${command}: reading the password from ${file}: ${reason}`, {
      cause: error,
    });
  }
  if (text.length > FILE_LIMIT) {
    throw new AutodiscoverError(
      'configuration',
      `${command}: ${file} is longer than ${FILE_LIMIT} characters; is it the password file?`,
    );
  }
  const [password = ''] = text.split(/\r?\n/);
  if (password === '') throw new AutodiscoverError('configuration', `${command}: the first line of ${file} is empty`);
  return password;
}
