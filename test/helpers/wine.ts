// Wine prefixes for the lab tests. A template is made once and kept under .wine/ (git-ignored); each run works in a copy of its own
// (hard links, real copies of the registry), which is deleted afterwards. No display is needed.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { whenProcessEnds } from '../lab/processes.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const CACHE = join(PROJECT, '.wine');
/** Changes when the recipe below does, so that an old template is not taken for a new one. */
const RECIPE = 1;
const SYSTEM_DLLS = '/usr/lib/x86_64-linux-gnu/wine/x86_64-windows';

export interface WineResult {
  /** Exit code as Windows programs see it, all 32 bits when run through `cmd`, modulo 256 otherwise; null when killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a prefix. Variables that reach into TLS of the host are dropped: Windows programs inherit them all. */
function environment(prefix: string): NodeJS.ProcessEnv {
  const { DISPLAY, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, SSL_CERT_DIR, NODE_OPTIONS, ...rest } = process.env;
  return {
    ...rest,
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    // No .NET or HTML engine to download; kernelbase from system32, where the patched one lies.
    WINEDLLOVERRIDES: 'mscoree=;mshtml=;kernelbase=n,b',
  };
}

let fixedAddresses: boolean | undefined;

/**
 * The command line of a Wine program, without randomised addresses. Debian's Wine has no preloader that keeps its fixed addresses free:
 * each program of which the kernel puts the heap (132 KiB, anywhere in 1 GiB) over the page 0x7ffe0000 ends at its start with
 * "failed to map the shared user data", one in 7500, which is every sixth run of a lab that starts 1300. What a program starts
 * inherits the switch. Where a container forbids it, the risk remains.
 */
function commandLine(program: string, args: readonly string[]): [string, readonly string[]] {
  fixedAddresses ??= spawnSync('setarch', ['--addr-no-randomize', 'true']).status === 0;
  return fixedAddresses ? ['setarch', ['--addr-no-randomize', program, ...args]] : [program, args];
}

/** Makes the template prefix if this recipe's is not there yet, and returns its folder. */
function templatePrefix(): string {
  const version = spawnSync('wine', ['--version'], { encoding: 'utf8' })
    .stdout.trim()
    .replaceAll(/[^\w.-]+/g, '_');
  const template = join(CACHE, `template-${RECIPE}-${version}`);
  if (existsSync(template)) return template;
  mkdirSync(CACHE, { recursive: true });
  const making = mkdtempSync(join(CACHE, 'making-'));
  const env = environment(making);
  try {
    mustRun('wineboot', ['-i'], env);
    mustRun('wine', ['winecfg', '-v', 'win10'], env);
    mustRun('wineserver', ['-w'], env);
    writeFileSync(join(making, 'drive_c/windows/system32/kernelbase.dll'), patchedKernelbase());
    removeServerFolder(making);
    renameSync(making, template);
  } catch (error) {
    spawnSync('wineserver', ['-k'], { env, timeout: 10_000 });
    removeServerFolder(making);
    rmSync(making, { recursive: true, force: true });
    throw error;
  }
  return template;
}

/**
 * Wine 8 exports MapViewOfFile3 without the placeholders V8 expects of it, and Node 24 dies at start. With the name hidden V8 takes
 * its older path. The mark "Wine builtin DLL" goes as well, so that the file is loaded as a native DLL.
 */
function patchedKernelbase(): Buffer {
  const dll = readFileSync(join(SYSTEM_DLLS, 'kernelbase.dll'));
  const name = Buffer.from('\0MapViewOfFile3\0', 'latin1');
  let found = 0;
  for (let at = dll.indexOf(name); at >= 0; at = dll.indexOf(name, at + 1)) {
    dll[at + name.length - 2] = 0x34;
    found++;
  }
  if (found === 0) throw new Error('kernelbase.dll does not export MapViewOfFile3: this Wine may not need the patch');
  dll.fill(0, 0x40, 0x50);
  return dll;
}

/** Debian's wineserver keeps its socket in a temporary folder that a file of the prefix names, and leaves it there. */
function removeServerFolder(prefix: string): void {
  const file = join(prefix, 'wineserver');
  const name = existsSync(file) ? readFileSync(file, 'latin1').trim() : '';
  if (/^wine-\w{6}$/.test(name)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  rmSync(file, { force: true });
}

function mustRun(program: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
  const { status, error } = spawnSync(...commandLine(program, args), { env, stdio: 'ignore', timeout: 120_000 });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `exit ${status}`}`);
}

export class WinePrefix {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #guard: ReturnType<typeof whenProcessEnds>;
  #runs = 0;

  constructor() {
    const template = templatePrefix();
    this.folder = mkdtempSync(join(CACHE, 'run-'));
    this.env = environment(this.folder);
    this.#guard = whenProcessEnds(() => this.dispose());
    mustRun('cp', ['-al', `${template}/.`, this.folder], process.env);
    for (const name of readdirSync(template).filter((file) => file.endsWith('.reg'))) {
      rmSync(join(this.folder, name));
      cpSync(join(template, name), join(this.folder, name));
    }
    mkdirSync(this.path('C:\\lab'), { recursive: true });
    // Keeps the server alive between commands: half a second saved on each.
    mustRun('wineserver', ['-p'], this.env);
  }

  /** The Linux path of a path on C:. */
  path(windowsPath: string): string {
    return join(this.folder, 'drive_c', ...windowsPath.replace(/^c:\\/i, '').split('\\'));
  }

  /** Runs a Windows program to its end, in C:\lab. Its output goes through files: Wine gives Node no usable pipe. */
  run(args: readonly string[], options: { timeout?: number; env?: NodeJS.ProcessEnv } = {}): WineResult {
    const base = join(this.folder, `output-${++this.#runs}`);
    const out = openSync(`${base}.out`, 'w');
    const err = openSync(`${base}.err`, 'w');
    const { status } = spawnSync(...commandLine('wine', args), {
      env: { ...this.env, ...options.env },
      cwd: this.path('C:\\lab'),
      stdio: ['ignore', out, err],
      timeout: options.timeout ?? 120_000,
      killSignal: 'SIGKILL',
    });
    closeSync(out);
    closeSync(err);
    return { status, stdout: readFileSync(`${base}.out`, 'utf8'), stderr: readFileSync(`${base}.err`, 'utf8') };
  }

  /**
   * Starts a Windows program and kills it, as the task manager would, so long after `seen` first holds; what it started goes on.
   * False: it had ended before.
   */
  async runAndKill(args: readonly string[], seen: () => boolean, afterMs: number): Promise<boolean> {
    const out = openSync(join(this.folder, `output-${++this.#runs}.out`), 'w');
    const child = spawn(...commandLine('wine', args), {
      env: this.env,
      cwd: this.path('C:\\lab'),
      stdio: ['ignore', out, out],
    });
    const ended = new Promise<NodeJS.Signals | null>((resolve) =>
      child.once('exit', (_code, signal) => resolve(signal)),
    );
    let running = true;
    void ended.then(() => {
      running = false;
    });
    for (let waited = 0; running && !seen() && waited < 120_000; waited += 20) await sleep(20);
    await Promise.race([ended, sleep(afterMs)]);
    // The Windows program runs in the very process that was started.
    child.kill('SIGKILL');
    const signal = await ended;
    closeSync(out);
    return signal === 'SIGKILL';
  }

  /** Runs one line of a command script and returns its true errorlevel (Linux would see it modulo 256). */
  cmd(line: string): WineResult {
    const script = `C:\\lab\\line-${++this.#runs}.cmd`;
    writeFileSync(this.path(script), `@echo off\r\n${line}\r\necho errorlevel=%errorlevel%\r\n`);
    const result = this.run(['cmd', '/c', script]);
    const level = /errorlevel=(-?\d+)\s*$/.exec(result.stdout);
    if (!level?.[1]) return result;
    return { ...result, status: Number(level[1]), stdout: result.stdout.slice(0, level.index) };
  }

  /** The bytes `reg export` gives for a key, or undefined when there is no such key. Throws when reg.exe cannot have run. */
  exportKey(key: string): Buffer | undefined {
    const file = `C:\\lab\\export-${++this.#runs}.reg`;
    const { status, stdout, stderr } = this.run(['reg', 'export', key, file, '/y']);
    // reg.exe explains its failures; Wine's loader, told to be silent, does not.
    if (status !== 0 && `${stdout}${stderr}` === '')
      throw new Error(`reg export ${key}: exit ${status}, without a word`);
    return status === 0 && existsSync(this.path(file)) ? readFileSync(this.path(file)) : undefined;
  }

  /** Imports .reg bytes; throws when reg.exe reports a failure. */
  importReg(bytes: Buffer): void {
    const file = `C:\\lab\\import-${++this.#runs}.reg`;
    writeFileSync(this.path(file), bytes);
    const { status, stderr } = this.run(['reg', 'import', file]);
    if (status !== 0) throw new Error(`reg import: exit ${status} ${stderr}`);
  }

  /** The running programs as wmic prints them (UTF-16). */
  programs(): string {
    return this.run(['wmic', 'process', 'get', 'name']).stdout.replaceAll('\0', '');
  }

  /** Runs a harmless program under that name until the returned function is called. */
  pretendToRun(image: string): () => void {
    const ping = readFileSync(this.path('C:\\windows\\system32\\ping.exe'));
    // Without the mark "Wine builtin DLL" the file is run as it is, whatever its name.
    writeFileSync(this.path(`C:\\lab\\${image}`), ping.fill(0, 0x40, 0x50));
    const args = [`C:\\lab\\${image}`, '-n', '120', '127.0.0.1'];
    const child = spawn(...commandLine('wine', args), { env: this.env, stdio: 'ignore' });
    child.on('error', () => undefined);
    // It is there when the process list shows it; the wait is bounded.
    for (let i = 0; i < 20 && !this.programs().includes(image); i++) {
      spawnSync('sleep', ['0.1']);
    }
    return () => child.kill('SIGKILL');
  }

  deleteKey(key: string): void {
    this.run(['reg', 'delete', key, '/f']);
  }

  /** Ends this prefix's wineserver (and with it every program of the prefix, nothing else) and deletes the prefix. */
  dispose(): void {
    this.#guard.forget();
    spawnSync('wineserver', ['-k'], { env: this.env, timeout: 20_000 });
    spawnSync('wineserver', ['-w'], { env: this.env, timeout: 20_000 });
    removeServerFolder(this.folder);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
