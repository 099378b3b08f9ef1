// Runs the packaging script for tests, and says what it lacks.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const PROJECT = join(import.meta.dirname, '..', '..');

/** Why nothing can be packaged here, or undefined. */
export function packagingMissing(): string | undefined {
  for (const [program, debian] of [
    ['osslsigncode', 'osslsigncode'],
    ['openssl', 'openssl'],
    ['wixl', 'wixl'],
    ['msibuild', 'msitools'],
  ] as const) {
    if (spawnSync('which', [program]).status !== 0) return `${program} is not installed (Debian: ${debian})`;
  }
  return undefined;
}

export function packageWindows(
  out: string,
  args: readonly string[],
  options: { path?: string; expectFailure?: boolean } = {},
): { status: number | null; stdout: string; stderr: string } {
  const script = join(PROJECT, 'scripts', 'package-windows.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--out', out, ...args], {
    encoding: 'utf8',
    timeout: 300_000,
    env: options.path === undefined ? process.env : { ...process.env, PATH: options.path },
  });
  if (!options.expectFailure) assert.equal(status, 0, `${stdout}${stderr}`);
  return { status, stdout, stderr };
}
