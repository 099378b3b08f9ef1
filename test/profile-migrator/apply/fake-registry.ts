// A live registry for tests: a file, changed by import-program.ts in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MigratorDeps } from '../../../src/profile-migrator/commands/deps.ts';
import type { Source } from '../../../src/profile-migrator/commands/source.ts';
import { RegistryError } from '../../../src/profile-migrator/errors.ts';
import { joinRoot, type RegEntry, snapshotsOf } from '../../../src/profile-migrator/registry/reg-file.ts';
import type { RegistryKey, RegistrySnapshot } from '../../../src/profile-migrator/registry/registry.ts';
import type {
  ChildIdentity,
  OutlookState,
  Processes,
  RegistryStore,
} from '../../../src/profile-migrator/registry/store.ts';
import type { Behaviour, EditFile, RegistryFile } from './import-program.ts';

export interface FakeOptions {
  readonly registry: string;
  /** What successive imports do; `works` after the last. */
  readonly behaviours?: Behaviour[];
  readonly delayMs?: number;
  /** The compiled import-program, where there is one. */
  readonly importProgram?: string;
  /** Which reading of the registry fails, counted from 1. */
  readonly failingLoad?: number;
  /** What successive questions answer; `closed` after the last. */
  readonly outlook?: OutlookState[];
}

/** Puts the snapshot into the file the fake registry lives in. */
export function writeRegistry(path: string, { rootPath, root }: RegistrySnapshot): void {
  const values: RegistryFile['values'] = [];
  const visit = (key: RegistryKey, keyPath: string): void => {
    values.push([keyPath, null, 0, '']);
    for (const { name, type, data } of key.values.values()) values.push([keyPath, name, type, data.toString('hex')]);
    for (const sub of key.subkeys.values()) visit(sub, keyPath === '' ? sub.name : `${keyPath}\\${sub.name}`);
  };
  visit(root, '');
  writeFileSync(path, JSON.stringify({ root: rootPath, values } satisfies RegistryFile));
}

export function readRegistry(path: string): RegistrySnapshot {
  const { root, values } = JSON.parse(readFileSync(path, 'utf8')) as RegistryFile;
  const byKey = new Map<string, RegEntry[]>();
  for (const [key, name, type, data] of values) {
    const entries = byKey.get(key) ?? [{ kind: 'key', path: joinRoot(root, key) }];
    if (name !== null) entries.push({ kind: 'value', value: { name, type, data: Buffer.from(data, 'hex') } });
    byKey.set(key, entries);
  }
  const [snapshot] = snapshotsOf({ entries: [...byKey.values()].flat(), codePage: undefined });
  if (!snapshot) throw new Error('empty registry');
  return snapshot;
}

export function fakeStore(options: FakeOptions): RegistryStore {
  const { registry, behaviours = [], delayMs = 0, importProgram, failingLoad } = options;
  let imports = 0;
  let loads = 0;
  return {
    describe: () => 'the registry of the test',
    async load() {
      if (++loads === failingLoad) throw new RegistryError('reg-exe-timeout', 'reg export was ended after 30 seconds');
      return readRegistry(registry);
    },
    async commit({ edits }, commitOptions) {
      const file = `${registry}.import-${process.pid}-${imports}`;
      const steps: EditFile = edits.map(({ keyPath, name, after }) => [
        keyPath,
        name,
        after ? [after.type, after.data.toString('hex')] : null,
      ]);
      writeFileSync(file, JSON.stringify(steps));
      const behaviour = behaviours[imports++] ?? 'works';
      const program = importProgram ?? join(import.meta.dirname, 'import-program.ts');
      const child = spawn(process.execPath, [program, registry, file, String(delayMs), behaviour], {
        detached: true,
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      await commitOptions?.onChild?.({ pid: child.pid ?? 0, startTime: startTime(child.pid ?? 0) });
      const [code] = await ended;
      if (code !== 0) throw new RegistryError('import-failed', `import ended with ${code}`);
      return 'committed';
    },
  };
}

export function fakeProcesses({ outlook = [] }: FakeOptions): Processes {
  let questions = 0;
  return {
    outlook: async () => outlook[questions++] ?? 'closed',
    isRunning: async ({ pid, startTime: since }: ChildIdentity) => startTime(pid) === since,
  };
}

export function fakeSource(options: FakeOptions): Source {
  const access = { store: fakeStore(options), processes: fakeProcesses(options) };
  return {
    kind: 'live',
    name: 'S-1-5-21-1-2-3-1001',
    label: 'the registry of the test',
    access,
    read: async () => ({ snapshots: [await access.store.load([])], notes: [] }),
  };
}

/** Dependencies whose output is kept, whose waiting is short, and whose live registry is the fake. */
export function fakeDeps(
  options: FakeOptions,
  more: Partial<MigratorDeps> = {},
): MigratorDeps & { out: string[]; err: string[] } {
  const out: string[] = [];
  const err: string[] = [];
  return {
    out,
    err,
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    config: {
      convention: 'posix',
      computer: 'desktop',
      colour: false,
      stateFolder: `${options.registry}.state`,
      systemRoot: '',
      autodiscoverPassword: undefined,
    },
    program: '0.0.0',
    now: () => new Date('2026-01-02T03:04:05Z'),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 20)),
    openLive: async () => [fakeSource(options)],
    ...more,
  };
}

/** Linux: clock ticks since boot at which the process started; empty when it does not run. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
