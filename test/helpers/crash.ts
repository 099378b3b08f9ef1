// One crash experiment: profile-migrator over a fake registry, killed somewhere in apply or rollback, then run again. Used by the
// short test of every build and by the long one of the lab.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual, promisify } from 'node:util';
import { build } from 'esbuild';
import type { CrashRun } from './crash-tool.ts';
import { type FakeBehaviour, type FakeKeys, FakeRegistry, type FaultPoint } from './fake-reg.ts';

export type Kill =
  | { readonly at: 'step'; readonly name: string; readonly occurrence: number }
  | { readonly at: 'fault'; readonly fault: FaultPoint }
  /** A part of the time an undisturbed run takes. */
  | { readonly at: 'time'; readonly part: number };

export interface Experiment {
  /** Which command is killed. A killed rollback follows a complete apply. */
  readonly killed: 'apply' | 'rollback';
  readonly kill: Kill;
  /** Which command comes next; reg.exe lies no more then, but is as slow. */
  readonly next: 'apply' | 'rollback';
  /** Of reg.exe while the command is killed. */
  readonly behaviour: FakeBehaviour;
}

export interface Finding {
  /** False when the command had ended before it could be killed. */
  readonly killed: boolean;
  /** What the registry held after the kill. */
  readonly stateAfterKill: 'old' | 'new' | 'mixed';
}

const APPLY = [
  ...['apply', '--live', '--to', 'outlook.contoso.test', '--from'],
  ...['CAS01', 'cas01.contoso.test', 'CAS02', 'cas02.contoso.test'],
];
const COMMANDS = { apply: APPLY, rollback: ['rollback', '--live'] } as const;

export class CrashLab {
  readonly #folder: string;
  readonly #old: FakeKeys;
  readonly #new: FakeKeys;

  readonly #duration: number;

  private constructor(folder: string, old: FakeKeys, changed: FakeKeys, duration: number) {
    this.#folder = folder;
    this.#old = old;
    this.#new = changed;
    this.#duration = duration;
  }

  /** Bundles the program (it starts faster so) and runs one undisturbed apply over the given profiles to know the new state. */
  static async open(sample: Buffer): Promise<CrashLab> {
    const folder = mkdtempSync(join(tmpdir(), 'crash-lab-'));
    await build({
      entryPoints: ['crash-tool.ts', 'fake-reg-import.ts'].map((name) => join(import.meta.dirname, name)),
      outdir: folder,
      outExtension: { '.js': '.cjs' },
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      define: { 'import.meta.dirname': '__dirname' },
    });
    const seed = new FakeRegistry(mkdtempSync(join(folder, 'seed-')));
    seed.seed(sample, 'HKEY_CURRENT_USER');
    const old = seed.keys();
    const lab = new CrashLab(folder, old, old, 0);
    const { fake, stateFolder } = lab.#place({});
    const start = performance.now();
    assert.match(await lab.#run(fake, stateFolder, COMMANDS.apply), /exit code 0$/m);
    const duration = performance.now() - start;
    assert.notDeepEqual(fake.keys(), old, 'the sample has nothing to change');
    return new CrashLab(folder, old, fake.keys(), duration);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /**
   * Kills, runs again, and demands: the next run succeeds; afterwards the profiles are wholly old or wholly new; a rollback brings the
   * original bytes; nothing stays open.
   */
  async experiment({ killed, kill, next, behaviour }: Experiment): Promise<Finding> {
    const { fake, stateFolder } = this.#place(killed === 'apply' ? behaviour : {});
    if (killed === 'rollback') {
      assert.match(await this.#run(fake, stateFolder, COMMANDS.apply), /exit code 0$/m);
      fake.behave(behaviour);
    }
    const killedRun = await this.#runAndKill(fake, stateFolder, COMMANDS[killed], kill);
    const stateAfterKill = this.#stateOf(fake);
    fake.behave({ importDelayMs: behaviour.importDelayMs ?? 0 });
    const again = await this.#run(fake, stateFolder, COMMANDS[next]);
    // A rollback after an apply that had changed nothing finds nothing to roll back.
    assert.match(again, next === 'rollback' ? /exit code (?:0|1605)$/m : /exit code 0$/m);
    assert.equal(this.#stateOf(fake), next === 'rollback' ? 'old' : 'new', `the next run left:\n${again}`);
    const open = readdirSync(stateFolder).filter((name) => /journal|lock|\.new$/.test(name));
    assert.deepEqual(open, [], `still open: ${open}\n${again}`);
    const back = await this.#run(fake, stateFolder, COMMANDS.rollback);
    assert.match(back, /exit code (?:0|1605)$/m, again);
    assert.equal(this.#stateOf(fake), 'old', `the last rollback did not restore:\n${again}\n${back}`);
    rmSync(fake.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    return { killed: killedRun, stateAfterKill };
  }

  #place(behaviour: FakeBehaviour): { fake: FakeRegistry; stateFolder: string } {
    const folder = mkdtempSync(join(this.#folder, 'case-'));
    const fake = new FakeRegistry(folder);
    fake.write(this.#old);
    fake.behave(behaviour);
    const stateFolder = join(folder, 'state');
    mkdirSync(stateFolder);
    return { fake, stateFolder };
  }

  #stateOf(fake: FakeRegistry): Finding['stateAfterKill'] {
    // The order of values does not count: one that was deleted and restored comes last.
    const now = fake.keys();
    if (isDeepStrictEqual(now, this.#old)) return 'old';
    return isDeepStrictEqual(now, this.#new) ? 'new' : 'mixed';
  }

  #arguments(fake: FakeRegistry, stateFolder: string, command: readonly string[], kill?: Kill): string[] {
    const run: CrashRun = {
      registryFolder: fake.folder,
      stateFolder,
      importer: join(this.#folder, 'fake-reg-import.cjs'),
      ...(kill?.at === 'step' ? { step: kill } : {}),
      ...(kill?.at === 'fault' ? { fault: kill.fault } : {}),
    };
    return [join(this.#folder, 'crash-tool.cjs'), JSON.stringify(run), ...command];
  }

  /** Everything the command printed, its exit code at the end. */
  async #run(fake: FakeRegistry, stateFolder: string, command: readonly string[]): Promise<string> {
    const args = this.#arguments(fake, stateFolder, command);
    const options = { timeout: 120_000, env: this.#env() };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
    return `${stderr}${stdout}`;
  }

  /** Node keeps what it compiled: starting the program is most of an experiment. */
  #env(): NodeJS.ProcessEnv {
    return { ...process.env, NODE_COMPILE_CACHE: join(this.#folder, 'compiled') };
  }

  async #runAndKill(fake: FakeRegistry, state: string, command: readonly string[], kill: Kill): Promise<boolean> {
    const child = spawn(process.execPath, this.#arguments(fake, state, command, kill), {
      stdio: 'ignore',
      env: this.#env(),
    });
    const ended = new Promise<NodeJS.Signals | null>((resolve) =>
      child.once('exit', (_code, signal) => resolve(signal)),
    );
    if (kill.at === 'time') await Promise.race([ended, sleep(kill.part * this.#duration)]);
    const limit = setTimeout(() => child.kill('SIGKILL'), kill.at === 'time' ? 0 : 60_000);
    const signal = await ended;
    clearTimeout(limit);
    return signal === 'SIGKILL';
  }
}
