// A registry in a file, and a reg.exe and tasklist.exe over it for tests on Linux. Exports and queries are answered in this process;
// an import is a process of its own (fake-reg-import.ts) that goes on when the program under test is killed. Each of them can be
// told to misbehave as the real ones do.
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ChildResult,
  createProcessRunner,
  isSameProcess,
  type ProcessRunner,
} from '../../src/profile-migrator/registry/child-process.ts';
import { type RegEntry, snapshotsOf } from '../../src/profile-migrator/registry/reg-file.ts';
import { readRegFile } from '../../src/profile-migrator/registry/reg-file-reader.ts';
import { renderRegFile } from '../../src/profile-migrator/registry/reg-file-writer.ts';
import { foldName, type RegistryKey } from '../../src/profile-migrator/registry/registry.ts';

/** Full key path -> value name -> type and data in hex. Parents need not be listed. */
export type FakeKeys = Record<string, Record<string, readonly [number, string]>>;

export interface FakeBehaviour {
  /** Milliseconds before each statement of an import. */
  readonly importDelayMs?: number;
  /** `nothing`: reports success and changes nothing; a number: stops after so many values and reports success. */
  readonly importLies?: 'nothing' | number;
  /** Ends with exit code 1 after so many values. */
  readonly importFailsAfter?: number;
  /** Keys below this path cannot be exported, or not imported. */
  readonly denyExport?: string;
  readonly denyImport?: string;
  /** Exports lose so many bytes at their end. */
  readonly truncateExport?: number;
  /** Exports report success and write nothing, or something that is no .reg file. */
  readonly exportWrites?: 'nothing' | 'garbage' | 'another-key';
  readonly exportHangs?: boolean;
  /** What tasklist prints; `nothing` as under Wine 8. */
  readonly tasklist?: 'nothing' | 'localised' | readonly string[];
}

/**
 * For the program under test: kill it at one of its calls, or as soon as one of its imports runs, as a power cut would. Calls and
 * imports count from 1.
 */
export type FaultPoint =
  | { readonly at: 'before' | 'after'; readonly call: number }
  | { readonly at: 'import-started'; readonly import: number };

export class FakeRegistry {
  readonly folder: string;
  readonly #importer: string;

  constructor(folder: string, importer = join(import.meta.dirname, 'fake-reg-import.ts')) {
    this.folder = folder;
    this.#importer = importer;
  }

  keys(): FakeKeys {
    return readKeys(this.folder);
  }

  write(keys: FakeKeys): void {
    writeKeys(this.folder, keys);
  }

  /** Adds the keys of a .reg file, with its root replaced when `rootPath` is given. */
  seed(regFile: Buffer, rootPath?: string): void {
    const keys = this.keys();
    for (const snapshot of snapshotsOf(readRegFile(regFile, 'seed'))) {
      const pending = [{ path: rootPath ?? snapshot.rootPath, key: snapshot.root as RegistryKey }];
      for (let next = pending.pop(); next; next = pending.pop()) {
        const { path, key } = next;
        const values: Record<string, readonly [number, string]> = {};
        for (const { name, type, data } of key.values.values()) values[name] = [type, data.toString('hex')];
        keys[path] = values;
        for (const sub of key.subkeys.values()) pending.push({ path: `${path}\\${sub.name}`, key: sub });
      }
    }
    this.write(keys);
  }

  behave(behaviour: FakeBehaviour): void {
    writeFileSync(join(this.folder, 'behaviour.json'), JSON.stringify(behaviour));
  }

  runner(fault?: FaultPoint): ProcessRunner {
    return fakeRunner(this.folder, this.#importer, fault);
  }
}

function readBehaviour(folder: string): FakeBehaviour {
  try {
    return JSON.parse(readFileSync(join(folder, 'behaviour.json'), 'utf8')) as FakeBehaviour;
  } catch {
    return {};
  }
}

export function readKeys(folder: string): FakeKeys {
  try {
    return JSON.parse(readFileSync(join(folder, 'registry.json'), 'utf8')) as FakeKeys;
  } catch {
    return {};
  }
}

export function writeKeys(folder: string, keys: FakeKeys): void {
  const file = join(folder, `registry-${process.pid}.tmp`);
  writeFileSync(file, JSON.stringify(keys));
  renameSync(file, join(folder, 'registry.json'));
}

function fakeRunner(folder: string, importer: string, fault: FaultPoint | undefined): ProcessRunner {
  let calls = 0;
  let imports = 0;
  const die = (at: 'before' | 'after', call: number) => {
    if (fault?.at === at && fault.call === call) process.kill(process.pid, 'SIGKILL');
  };
  return {
    async run(program, args, options) {
      const call = ++calls;
      die('before', call);
      const behaviour = readBehaviour(folder);
      const result = await (async (): Promise<ChildResult> => {
        if (program.endsWith('\\tasklist.exe')) return answer(0, tasklist(behaviour, importers(folder)));
        if (program.endsWith('\\whoami.exe')) return answer(1);
        if (args[0] === 'query') return query(folder, args[1] ?? '');
        if (args[0] === 'export') return exportKey(folder, behaviour, args[1] ?? '', args[2] ?? '');
        const onStart: typeof options.onStart = async (child) => {
          // What a process list would know, before anything can kill us.
          writeFileSync(join(folder, `importing-${child.pid}`), child.startTime);
          if (fault?.at === 'import-started' && fault.import === ++imports) process.kill(process.pid, 'SIGKILL');
          await options.onStart?.(child);
        };
        return createProcessRunner([process.execPath, importer, folder]).run(program, args, { ...options, onStart });
      })();
      die('after', call);
      return result;
    },
  };
}

function answer(exitCode: number, stdout = ''): ChildResult {
  return { outcome: 'exited', exitCode, stdout, stderr: '' };
}

/** The importing programs that are alive, as tasklist shows them. */
function importers(folder: string): string[] {
  const pids = readdirSync(folder).flatMap((name) => /^importing-(\d+)$/.exec(name)?.[1] ?? []);
  return pids
    .filter((pid) =>
      isSameProcess({ pid: Number(pid), startTime: readFileSync(join(folder, `importing-${pid}`), 'utf8') }),
    )
    .map((pid) => `"reg.exe","${pid}","Console","1","1.234 K"`);
}

function tasklist({ tasklist = [] }: FakeBehaviour, importing: readonly string[]): string {
  if (tasklist === 'nothing') return '';
  if (tasklist === 'localised')
    return 'INFORMATION: Es werden keine Aufgaben mit den angegebenen Kriterien ausgeführt.\r\n';
  return [
    '"System Idle Process","0","Services","0","8 K"',
    ...importing,
    ...tasklist,
    '"tasklist.exe","4242","Console","1","9.876 K"',
  ]
    .map((line) => `${line}\r\n`)
    .join('');
}

function under(path: string, parent: string): boolean {
  return `${foldName(path)}\\`.startsWith(`${foldName(parent)}\\`);
}

/** Every key that exists, parents of listed ones included, sorted as a registry lists them. */
function allPaths(keys: FakeKeys): string[] {
  const byFolded = new Map<string, string>();
  for (const path of Object.keys(keys)) {
    const parts = path.split('\\');
    for (let depth = 1; depth <= parts.length; depth++) {
      const parent = parts.slice(0, depth).join('\\');
      byFolded.set(foldName(parent), parent);
    }
  }
  return [...byFolded.keys()].sort().map((folded) => byFolded.get(folded) ?? folded);
}

function query(folder: string, key: string): ChildResult {
  const paths = allPaths(readKeys(folder));
  if (!paths.some((path) => foldName(path) === foldName(key))) return answer(1);
  const depth = key.split('\\').length;
  const children = paths.filter((path) => under(path, key) && path.split('\\').length === depth + 1);
  return answer(0, ['', ...children.map((path) => `${key}\\${path.split('\\').at(-1)}`), ''].join('\r\n'));
}

function exportKey(folder: string, behaviour: FakeBehaviour, key: string, file: string): ChildResult {
  if (behaviour.exportHangs) return { outcome: 'timeout', exitCode: undefined, stdout: '', stderr: '' };
  const keys = readKeys(folder);
  const paths = allPaths(keys).filter((path) => under(path, key));
  if (paths.length === 0) return answer(1);
  if (behaviour.denyExport !== undefined && under(key, behaviour.denyExport)) return answer(1);
  if (behaviour.exportWrites === 'nothing') return answer(0);
  if (behaviour.exportWrites === 'garbage') {
    writeFileSync(file, Buffer.from('\uFEFFError: the disk is on fire\r\n\r\n', 'utf16le'));
    return answer(0);
  }
  const entries = paths.flatMap((path): RegEntry[] => [
    { kind: 'key', path: behaviour.exportWrites === 'another-key' ? `${path}\\Other` : path },
    ...Object.entries(keys[path] ?? {}).map(
      ([name, [type, hex]]): RegEntry => ({ kind: 'value', value: { name, type, data: Buffer.from(hex, 'hex') } }),
    ),
  ]);
  const bytes = renderRegFile(entries);
  writeFileSync(file, bytes.subarray(0, bytes.length - (behaviour.truncateExport ?? 0)));
  return answer(0);
}
