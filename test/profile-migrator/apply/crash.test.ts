// The program is killed at every step of apply and rollback, and at random moments. Whatever it leaves, the next run finishes or
// undoes it: every profile ends wholly old or wholly new, and rollback restores every byte.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { build } from 'esbuild';
import { runMigrator } from '../../../src/profile-migrator/commands/run-migrator.ts';
import { diffSnapshots } from '../../../src/profile-migrator/registry/patch.ts';
import { entriesOf } from '../../../src/profile-migrator/registry/reg-file.ts';
import { type AccountSpec, buildRegistry } from '../build-profile.ts';
import { type FakeOptions, fakeDeps, readRegistry, writeRegistry } from './fake-registry.ts';
import type { Behaviour } from './import-program.ts';

const RANDOM_KILLS = Number(process.env.MIGRATOR_RANDOM_KILLS ?? 9);
const TARGET = ['--from', 'FS1', 'fs1.fabrikam.test', '--to', 'outlook.fabrikam.test', '--no-precheck'];
const account: AccountSpec = {
  alias: 'nina',
  home: 'FS1',
  fqdn: 'fs1.fabrikam.test',
  lastUrl: 'https://fs1.fabrikam.test/',
  bindings: ['ncacn_ip_tcp:FS1'],
};
const ORIGINAL = buildRegistry({
  profiles: [
    { name: 'Work', accounts: [account] },
    { name: 'Home', accounts: [{ ...account, alias: 'otto' }] },
  ],
});

// A few hundred processes are started: each program is made one file first.
const PROGRAMS = mkdtempSync(join(tmpdir(), 'migrator-programs-'));
const importProgram = join(PROGRAMS, 'import-program.mjs');
before(() =>
  build({
    entryPoints: ['killed-run.ts', 'import-program.ts'].map((name) => join(import.meta.dirname, name)),
    outdir: PROGRAMS,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  }),
);
after(() => rmSync(PROGRAMS, { recursive: true, force: true }));

interface Place {
  readonly registry: string;
  readonly state: string;
}

async function withPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'migrator-crash-'));
  const place = { registry: join(folder, 'registry.reg'), state: join(folder, 'state') };
  writeRegistry(place.registry, ORIGINAL);
  try {
    await work(place);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** `old`, `new`, or how many values are on neither side. */
function stateOf({ registry }: Place): string {
  const now = readRegistry(registry);
  const { edits } = diffSnapshots(ORIGINAL, now);
  if (edits.length === 0) return 'old';
  const servers = /FS1|fs1\.fabrikam\.test/i;
  const left = entriesOf(now).filter((entry) => {
    if (entry.kind !== 'value' || /^(?:01020fff|Delivery Store EntryID)$/.test(entry.value.name)) return false;
    return servers.test(entry.value.data.toString('latin1').replaceAll('\0', ''));
  });
  return left.length === 0 ? 'new' : `mixed: ${edits.length} changed, ${left.length} not`;
}

/** A run in a process of its own; `kill` after so many milliseconds, or itself at a step. Answers the steps it passed. */
async function killedRun(
  command: string[],
  { registry, state }: Place,
  killAt: number,
  fake: Partial<FakeOptions> = {},
  killAfterMs?: number,
) {
  const argument = JSON.stringify({
    args: [...command, '--out', state],
    killAt,
    fake: { registry, importProgram, delayMs: 3, ...fake },
  });
  const child = spawn(process.execPath, [join(PROGRAMS, 'killed-run.mjs'), argument], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { steps: '', errors: '' };
  child.stdout.on('data', (data) => {
    output.steps += data;
  });
  child.stderr.on('data', (data) => {
    output.errors += data;
  });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  return {
    code,
    killed: signal === 'SIGKILL',
    steps: output.steps.trim().split('\n').filter(Boolean),
    errors: output.errors,
  };
}

async function run(command: string[], place: Place): Promise<{ code: number; text: string }> {
  // An import whose process never got into the journal has a second to show itself: enough for one that is just being started.
  const sleep = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds / 3));
  const deps = fakeDeps({ registry: place.registry, importProgram }, { sleep });
  const code = await runMigrator([...command, '--out', place.state], deps);
  return { code, text: [...deps.err, ...deps.out].join('') };
}

function leftovers({ state }: Place): string[] {
  return readdirSync(state).filter((name) => /journal|lock|\.new$/.test(name));
}

const APPLY = ['apply', '--live', ...TARGET];
const ROLLBACK = ['rollback', '--live'];

/** After a kill: the next apply makes everything new, and the rollback after that brings back every byte. */
async function recovers(place: Place, what: string): Promise<void> {
  const again = await run(APPLY, place);
  assert.equal(again.code, 0, `${what}: ${again.text}`);
  assert.equal(stateOf(place), 'new', what);
  assert.deepEqual(leftovers(place), [], what);
  const back = await run(ROLLBACK, place);
  assert.equal(back.code, 0, `${what}: ${back.text}`);
  assert.equal(stateOf(place), 'old', what);
  assert.deepEqual(leftovers(place), [], what);
}

/** Runs the scenario killed at step 0, 1, 2, ..., three at a time, until one gets to its end; answers how many kills that were. */
async function atEveryStep(scenario: (killAt: number) => Promise<boolean>): Promise<number> {
  for (let first = 0; first < 40; first += 3) {
    const killed = await Promise.all([first, first + 1, first + 2].map(scenario));
    const survivor = killed.indexOf(false);
    if (survivor >= 0) return first + survivor;
  }
  throw new Error('no end in sight');
}

test('apply killed at every step', async () => {
  const kills = await atEveryStep(async (killAt) => {
    let killed = false;
    await withPlace(async (place) => {
      const result = await killedRun(APPLY, place, killAt);
      killed = result.killed;
      if (!killed) assert.equal(result.code, 0, result.errors);
      await recovers(place, `killed after ${result.steps.at(-1)}`);
    });
    return killed;
  });
  assert.ok(kills >= 10, `${kills} kills`);
});

test('rollback killed at every step', async () => {
  const kills = await atEveryStep(async (killAt) => {
    let killed = false;
    await withPlace(async (place) => {
      assert.equal((await run(APPLY, place)).code, 0);
      const result = await killedRun(ROLLBACK, place, killAt);
      killed = result.killed;
      const what = `killed after ${result.steps.at(-1)}`;
      const again = await run(ROLLBACK, place);
      assert.ok(again.code === 0, `${what}: ${again.text}`);
      assert.equal(stateOf(place), 'old', what);
      assert.deepEqual(leftovers(place), [], what);
    });
    return killed;
  });
  assert.ok(kills >= 10, `${kills} kills`);
});

test('a failed import that is being undone, killed at every step', async () => {
  const kills = await atEveryStep(async (killAt) => {
    let killed = false;
    await withPlace(async (place) => {
      const result = await killedRun(APPLY, place, killAt, { behaviours: ['lies'] });
      killed = result.killed;
      if (!killed) {
        assert.equal(result.code, 1);
        assert.match(result.errors, /taken back/);
        assert.equal(stateOf(place), 'old');
      }
      await recovers(place, `killed after ${result.steps.at(-1)}`);
    });
    return killed;
  });
  assert.ok(kills >= 10, `${kills} kills`);
});

test('imports that misbehave are taken back and said so', async () => {
  for (const behaviour of ['lies', 'denies', 'stops half-way', 'garbles'] satisfies Behaviour[]) {
    await withPlace(async (place) => {
      const deps = fakeDeps({ registry: place.registry, importProgram, behaviours: [behaviour] });
      assert.equal(await runMigrator([...APPLY, '--out', place.state], deps), 1, behaviour);
      assert.match(deps.out.join(''), /taken back/, behaviour);
      assert.equal(stateOf(place), 'old', behaviour);
      assert.deepEqual(leftovers(place), [], behaviour);
    });
  }
});

test('when not even the undo works the journal stays, and the next run settles it', async () => {
  await withPlace(async (place) => {
    const deps = fakeDeps({ registry: place.registry, importProgram, behaviours: ['stops half-way', 'denies'] });
    assert.equal(await runMigrator([...APPLY, '--out', place.state], deps), 1);
    assert.match(deps.out.join(''), /cannot undo/);
    assert.deepEqual(leftovers(place), ['S-1-5-21-1-2-3-1001.journal.json']);
    await recovers(place, 'after a failed undo');
  });
});

test('killed at random moments, the import going on by itself', async () => {
  let kills = 0;
  const scenario = (i: number) =>
    withPlace(async (place) => {
      const command = i % 3 === 2 ? ROLLBACK : APPLY;
      if (command === ROLLBACK) assert.equal((await run(APPLY, place)).code, 0);
      const result = await killedRun(command, place, -1, { delayMs: 8 }, 150 + ((i * 2654435761) % 1000));
      if (result.killed) kills++;
      await recovers(place, `random kill ${i} after ${result.steps.at(-1) ?? 'nothing'}`);
    });
  for (let i = 0; i < RANDOM_KILLS; i += 3) await Promise.all([i, i + 1, i + 2].map(scenario));
  assert.ok(RANDOM_KILLS < 6 || kills > 0, 'at least one run was caught alive');
});
