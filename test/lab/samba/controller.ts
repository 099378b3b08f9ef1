// One running Samba domain controller: start, wait until LDAP answers, stop, kill.
import { type ChildProcess, execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endProcess, signalGroup, startProcess } from '../processes.ts';
import type { Domain } from './directory-plan.ts';
import { type ControllerPlace, controllerFolder, smbConf } from './samba-config.ts';

const run = promisify(execFile);

/**
 * Samba runs as the first process of its own process namespace: when it ends, the kernel ends all its helpers (winbind leaves
 * the process group), and when we die without a word, it is told. Not so by a closed input, which Samba ignores.
 */
const CONTAINED = ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child=KILL'];

/** Environment of every Samba tool: our own Kerberos configuration, never the machine's. */
export function sambaEnvironment(root: string): NodeJS.ProcessEnv {
  return { ...process.env, KRB5_CONFIG: join(root, 'krb5.conf'), LC_ALL: 'C.UTF-8' };
}

/** A controller that can be started and ended at will. Ports are Samba's fixed ones. */
export class Controller {
  readonly place: ControllerPlace;
  readonly domain: Domain;
  readonly smbConf: string;
  readonly #logFile: string;
  /** Program and arguments put before every command: enters a namespace. */
  readonly #prefix: readonly string[];
  #process: ChildProcess | undefined;

  constructor(place: ControllerPlace, domain: Domain, prefix: readonly string[]) {
    this.place = place;
    this.domain = domain;
    this.#prefix = prefix;
    const own = controllerFolder(place);
    this.smbConf = join(own, 'etc', 'smb.conf');
    this.#logFile = join(own, 'log', 'samba.out');
  }

  get ldapUrl(): string {
    return `ldap://${this.place.address}`;
  }

  /** Id of the master process, which leads the group of all its children. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts Samba and resolves when it answers LDAP. Throws with the end of its log when it ends or stays silent for 30 s. */
  async start(): Promise<void> {
    await this.#portIsFree();
    const own = controllerFolder(this.place);
    for (const folder of ['run', 'ncalrpc']) {
      rmSync(join(own, folder), { recursive: true, force: true });
      mkdirSync(join(own, folder), { mode: 0o755 });
    }
    writeFileSync(this.smbConf, smbConf(this.place, this.domain));
    const samba = ['samba', '--foreground', '--no-process-group', `--configfile=${this.smbConf}`];
    const command = [...this.#prefix, ...CONTAINED, ...samba];
    const child = startProcess(command, this.#logFile, { env: sambaEnvironment(this.place.root) });
    this.#process = child;
    const deadline = Date.now() + 30_000;
    while (!(await this.#answers())) {
      const ended = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
      if (ended || Date.now() > deadline) {
        await endProcess(child);
        throw new Error(
          `${this.place.name} ${ended ? 'ended at once' : 'did not answer LDAP in 30 s'}:\n${this.log()}`,
        );
      }
      await sleep(50);
    }
  }

  async stop(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process);
    this.#process = undefined;
  }

  /** Signals the whole process group: SIGKILL for a dead controller, SIGSTOP for a silent one, SIGCONT to resume it. */
  kill(signal: NodeJS.Signals): void {
    if (this.#process !== undefined) signalGroup(this.#process, signal);
  }

  /** What Samba has written so far. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** A killed controller's port closes a moment later; any other listener stays. */
  async #portIsFree(): Promise<void> {
    if (this.#prefix.length > 0) return; // in a namespace of its own
    for (const deadline = Date.now() + 2000; await isListening(this.place.address, 389); await sleep(50)) {
      if (Date.now() < deadline) continue;
      throw new Error(
        `cannot start ${this.place.name}: port 389 of ${this.place.address} is taken, by another lab perhaps; ` +
          'set LAB_ADDRESS to another loopback address',
      );
    }
  }

  async #answers(): Promise<boolean> {
    const search = [
      'ldapsearch',
      '-x',
      '-LLL',
      '-o',
      'nettimeout=2',
      '-H',
      this.ldapUrl,
      '-b',
      '',
      '-s',
      'base',
      '1.1',
    ];
    const [program = '', ...args] = [...this.#prefix, ...search];
    try {
      await run(program, args, { timeout: 5000 });
      return true;
    } catch {
      return false;
    }
  }
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const answer = (listening: boolean) => () => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(true));
  });
}
