// `verify --every` as a process: it goes on until it is told to stop, and ends with the last round's verdict.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'autodiscover.ts');

test('rounds follow each other until SIGINT', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'watch-'));
  const args = ['verify', '--database', 'SEA-DB02', '--demo', '--certs', folder, '--every', '0.2', '--json'];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      // The first report is a document of many lines, each later round one line.
      if ((text.match(/^\{"time"/gm) ?? []).length >= 2) child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 1, 'SEA-DB02 has a fault');
    const rounds = [...text.matchAll(/^\{"time".*$/gm)].map(([line]) => JSON.parse(line));
    assert.ok(rounds.every(({ changes, summary }) => changes.length === 0 && summary.failed === 1));
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

test('rounds end when nobody reads them any more', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'watch-'));
  const args = ['verify', '--database', 'SEA-DB02', '--demo', '--certs', folder, '--every', '0.2', '--json'];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(code, 1, 'SEA-DB02 has a fault');
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
