// Runs the packaging script for tests.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const PROJECT = join(import.meta.dirname, '..', '..');

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
