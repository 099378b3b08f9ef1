import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createProcessRunner, isSameProcess } from '../../../src/profile-migrator/registry/child-process.ts';
import type { ChildIdentity } from '../../../src/profile-migrator/registry/store.ts';

const runner = createProcessRunner();
const node = (script: string, options: Partial<Parameters<typeof runner.run>[2]> = {}) =>
  runner.run(process.execPath, ['-e', script], { timeoutMs: 20_000, ...options });

test('output and exit code', async () => {
  const result = await node('console.log("a b"); console.error("c"); process.exitCode = 7');
  assert.deepEqual(result, { outcome: 'exited', exitCode: 7, stdout: 'a b\n', stderr: 'c\n' });
});

test('a program that does not exist', async () => {
  const result = await runner.run('/nowhere/reg.exe', [], { timeoutMs: 1000 });
  assert.deepEqual([result.outcome, result.reason], ['missing', 'ENOENT']);
});

test('a start that Node reports by throwing is an outcome as well, and nothing is noted as started', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'child-process-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'program');
  writeFileSync(program, '#!/bin/sh\nexit 7\n', { mode: 0o700 });
  const noted: ChildIdentity[] = [];
  const run = () => runner.run(program, [], { timeoutMs: 20_000, onStart: async (child) => void noted.push(child) });
  // Linux does not start what somebody has open for writing, as Windows does not start what anti-virus holds.
  const held = openSync(program, 'r+');
  try {
    assert.deepEqual(await run(), {
      outcome: 'missing',
      exitCode: undefined,
      stdout: '',
      stderr: '',
      reason: 'ETXTBSY',
    });
    assert.deepEqual(noted, []);
  } finally {
    closeSync(held);
  }
  const { outcome, exitCode } = await run();
  assert.deepEqual([outcome, exitCode, noted.length], ['exited', 7, 1]);
});

test('no file handles left: the program is missing, with the reason', () => {
  const script = `
    import { openSync } from 'node:fs';
    import { createProcessRunner } from ${JSON.stringify(join(import.meta.dirname, '../../../src/profile-migrator/registry/child-process.ts'))};
    const run = () => createProcessRunner().run('/bin/true', [], { timeoutMs: 20_000 });
    await run(); // whatever is loaded late is loaded now
    try { for (;;) openSync('/dev/null', 'r'); } catch {}
    const { outcome, reason } = await run();
    if (outcome !== 'missing' || reason !== 'EMFILE') process.exitCode = 9;`;
  const limited = ['-c', 'ulimit -n 80 && exec "$0" --input-type=module-typescript -e "$1"', process.execPath, script];
  const { status, stderr } = spawnSync('/bin/sh', limited, { timeout: 20_000, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('a program that never ends', async () => {
  const result = await node('setInterval(() => {}, 1000)', { timeoutMs: 300 });
  assert.deepEqual([result.outcome, result.exitCode], ['timeout', undefined]);
});

test('a program that asks for ever', async () => {
  const result = await node('for (;;) require("fs").writeSync(1, "Overwrite (Yes/No)? ".repeat(99))', {
    maxOutputBytes: 50_000,
  });
  assert.equal(result.outcome, 'flooded');
  assert.ok(result.stdout.length <= 50_000);
});

test('nothing waits for an answer on standard input', async () => {
  const result = await node('process.stdin.on("end", () => console.log("end")).resume()');
  assert.equal(result.stdout, 'end\n');
});

test('the child is named while it runs, and a failure to note it is passed on', async () => {
  let child: ChildIdentity | undefined;
  let alive: boolean | undefined;
  await node('setTimeout(() => {}, 200)', {
    onStart: async (started) => {
      child = started;
      alive = isSameProcess(started);
    },
  });
  assert.equal(alive, true);
  assert.ok(child && isSameProcess(child) === false);
  const refused = node('', {
    onStart: async () => {
      throw new Error('disk full');
    },
  });
  await assert.rejects(refused, /disk full/);
});
