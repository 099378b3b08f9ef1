// The three reg.exe commands this program uses. Two rules: its text is never parsed for data (it is printed in the OEM code page and
// loses characters), and its exit code 0 is never proof (an import skips what it cannot read and says it succeeded).
import { RegistryError } from '../errors.ts';
import type { ChildResult, ProcessRunner } from './child-process.ts';
import { foldName } from './registry.ts';
import type { ChildIdentity } from './store.ts';

export interface RegExeOptions {
  readonly runner: ProcessRunner;
  /** %SystemRoot%: programs are started from its System32 and nowhere else. */
  readonly systemRoot: string;
  /** For each child. Default 30 s; an import gets twice as long. */
  readonly timeoutMs?: number;
}

export interface RegExe {
  /** Writes the key to `file`. `failed` says nothing of the reason: reg.exe has one exit code and localised texts. */
  exportKey(key: string, file: string): Promise<'exported' | 'failed'>;
  /** @throws RegistryError `import-failed`, `reg-exe-timeout`, `reg-exe-failed`. */
  importFile(file: string, onChild?: (child: ChildIdentity) => Promise<void>): Promise<void>;
  /** Names of a key's subkeys, for names in ASCII; undefined when the key cannot be listed. */
  subkeys(key: string): Promise<readonly string[] | undefined>;
}

const DEFAULT_TIMEOUT_MS = 30_000;

export function createRegExe(options: RegExeOptions): RegExe {
  const program = `${options.systemRoot}\\System32\\reg.exe`;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;

  /** @throws RegistryError when the program did not run to its own end. */
  async function reg(args: readonly string[], survives = false, onStart?: (child: ChildIdentity) => Promise<void>) {
    const limit = survives ? timeoutMs * 2 : timeoutMs;
    const result = await options.runner.run(program, args, {
      timeoutMs: limit,
      survives,
      ...(onStart ? { onStart } : {}),
    });
    if (result.outcome === 'exited' && result.exitCode !== undefined) return { ...result, exitCode: result.exitCode };
    throw interrupted(`reg ${args[0]} ${args[1]}`, program, limit, result);
  }

  return {
    async exportKey(key, file) {
      // /y: an existing file would be asked about, for ever when nobody answers.
      const { exitCode } = await reg(['export', key, file, '/y']);
      return exitCode === 0 ? 'exported' : 'failed';
    },

    async importFile(file, onChild) {
      const { exitCode, stdout, stderr } = await reg(['import', file], true, onChild);
      if (exitCode === 0) return;
      throw new RegistryError(
        'import-failed',
        `reg import of ${file} ended with exit code ${exitCode}${said(stdout, stderr)}`,
      );
    },

    async subkeys(key) {
      const { exitCode, stdout } = await reg(['query', key]);
      if (exitCode !== 0) return undefined;
      const prefix = `${foldName(key)}\\`;
      // Subkeys are printed as full paths from the first column; values are indented.
      return stdout
        .split(/\r?\n/)
        .filter((line) => foldName(line).startsWith(prefix))
        .map((line) => line.slice(prefix.length).trimEnd());
    },
  };
}

function interrupted(what: string, program: string, limitMs: number, result: ChildResult): RegistryError {
  switch (result.outcome) {
    case 'timeout':
      return new RegistryError('reg-exe-timeout', `${what} was ended after ${limitMs / 1000} seconds`);
    case 'missing':
      return new RegistryError(
        'reg-exe-failed',
        `${what}: cannot start ${program}${result.reason === undefined ? '' : ` (${result.reason})`}`,
      );
    case 'flooded':
      return new RegistryError('reg-exe-failed', `${what} was ended: it printed without end`);
    case 'exited':
      return new RegistryError('reg-exe-failed', `${what}: ${program} was killed`);
  }
}

/** What the program printed, for people: ASCII only, since the code page is unknown. */
function said(stdout: string, stderr: string): string {
  const line = `${stderr} ${stdout}`
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 200);
  return line === '' ? '' : `: ${line}`;
}
