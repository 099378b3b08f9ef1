// The outside programs packaging needs: found on PATH or refused with the Debian package that has them, run with a timeout, and
// quoted in the error when they fail.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Which Debian package (bookworm) brings each program. */
const DEBIAN_PACKAGE: Readonly<Record<string, string>> = {
  osslsigncode: 'osslsigncode',
  openssl: 'openssl',
  wixl: 'wixl',
  msibuild: 'msitools',
  tar: 'tar',
  npm: 'npm',
};

/** A packaging step that cannot go on; the message says what was being done, why not, and what to do. */
export class PackagingError extends Error {
  override name = 'PackagingError';
}

/** Names every missing program at once, so that one apt-get is enough. */
export function requireTools(names: readonly string[], path: string): void {
  const missing = names.filter((name) => !isOnPath(name, path));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => DEBIAN_PACKAGE[name] ?? name))];
  throw new PackagingError(
    `cannot package: ${missing.join(', ')} not found on PATH. On Debian: apt-get install --no-install-recommends ${packages.join(' ')}`,
  );
}

function isOnPath(name: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export interface RunOptions {
  readonly cwd?: string;
  /** Milliseconds; the child is killed afterwards. */
  readonly timeout?: number;
}

/** Runs a program to its end and returns what it printed on both streams; anything but exit 0 is an error that quotes the output. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): string {
  const result = spawnSync(program, args, {
    cwd: options.cwd,
    encoding: 'utf8',
    timeout: options.timeout ?? 120_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  const printed = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  if (result.error)
    throw new PackagingError(`${program} did not run: ${result.error.message}`, { cause: result.error });
  if (result.status !== 0) {
    const tail = printed.trim().split('\n').slice(-15).join('\n');
    throw new PackagingError(
      `${program} ${args[0] ?? ''} failed (${result.signal ?? `exit ${result.status}`}):\n${tail}`,
    );
  }
  return printed;
}
