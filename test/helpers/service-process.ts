// `autodiscover serve` as a process of its own, with a configuration file, over a directory that the test holds.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PASSWORD, READER } from '../ldap/demo-organization.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'src', 'cli', 'autodiscover.ts');

export type LogLine = Readonly<Record<string, unknown>>;

export interface ServiceProcess {
  readonly child: ChildProcess;
  /** Its configuration file. */
  readonly file: string;
  /** Log lines, and others as `{ text }`. */
  readonly log: readonly LogLine[];
  /** Everything on standard output. */
  readonly printed: () => string;
  /** The line that says it is ready; rejects when the process ends before, with what it wrote. */
  readonly ready: Promise<LogLine>;
  readonly ended: Promise<number | null>;
  /** The first line from `from` on that this holds for, there or to come. */
  line(holds: (line: LogLine) => boolean, from?: number): Promise<LogLine>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
}

/** What a configuration needs beside the directory: PEM files of the certificate. */
export interface ServiceFiles {
  readonly folder: string;
  /** Of the configuration file; `service` when not given. */
  readonly name?: string;
  readonly certificates: readonly { readonly certificateFile: string; readonly keyFile: string }[];
}

/** `config` adds to the sections `directory` and `tls` and replaces others; `prefix` is a command under which the program is run. */
export function startServiceProcess(
  directoryUrl: string,
  { folder, name = 'service', certificates }: ServiceFiles,
  config: Readonly<Record<string, object>> = {},
  options: { readonly prefix?: readonly string[]; readonly args?: readonly string[] } = {},
): ServiceProcess {
  const passwordFile = join(folder, 'bind-password');
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o644 });
  const file = join(folder, `${name}.yaml`);
  const { tls, directory, ...rest } = config;
  // JSON is YAML.
  const whole = {
    directory: { servers: [directoryUrl], bindDn: READER, passwordFile, allowPlainText: true, ...directory },
    listen: { https: '127.0.0.1:0' },
    publicUrl: 'https://autodiscover.contoso.test',
    tls: { certificates, ...tls },
    ...rest,
  };
  writeFileSync(file, JSON.stringify(whole, undefined, 2));
  const [program = '', ...before] = [...(options.prefix ?? []), process.execPath];
  const args = [...before, PROGRAM, 'serve', '--config', file, ...(options.args ?? [])];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  return watched(child, file);
}

function watched(child: ChildProcess, file: string): ServiceProcess {
  const log: LogLine[] = [];
  const listeners = new Set<() => void>();
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  if (child.stderr)
    createInterface({ input: child.stderr }).on('line', (text) => {
      log.push(text.startsWith('{') ? (JSON.parse(text) as LogLine) : { text });
      for (const listener of [...listeners]) listener();
    });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const line = (holds: (line: LogLine) => boolean, from = 0) => {
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const look = () => {
      const found = log.slice(from).find(holds);
      if (found) resolve(found);
    };
    listeners.add(look);
    look();
    void ended.then(() => reject(new Error(`the service ended: ${JSON.stringify(log.slice(-5))}`)));
    return promise.finally(() => listeners.delete(look));
  };
  const ready = line(({ msg }) => msg === 'ready');
  ready.catch(() => undefined);
  return {
    child,
    file,
    log,
    printed: () => printed,
    ready,
    ended,
    line,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
