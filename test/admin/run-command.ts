// Runs administrators' commands as the program does, with the world handed in: what a person at a terminal, or a script, would see.
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { TestContext } from 'node:test';
import { Command } from 'commander';
import { arrayCommand } from '../../src/admin/commands/array.ts';
import { databaseCommand } from '../../src/admin/commands/database.ts';
import { explainCommand } from '../../src/admin/commands/explain.ts';
import { policyCommand } from '../../src/admin/commands/policy.ts';
import { scpCommand } from '../../src/admin/commands/scp.ts';
import { undoCommand } from '../../src/admin/commands/undo.ts';
import type { CommandIo } from '../../src/autodiscover/commands/command-io.ts';
import { READER } from '../ldap/embedded/demo-directory.ts';

export interface Run {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
  /** The error the command ended with. */
  readonly error: (Error & { code?: string }) | undefined;
}

export interface RunOptions {
  /** Present: a terminal. Called for each question with its text; the answer is typed, undefined ends the input. */
  readonly answer?: (question: string) => string | undefined | Promise<string | undefined>;
  readonly env?: Readonly<Record<string, string>>;
}

const COMMANDS = [arrayCommand, databaseCommand, scpCommand, undoCommand, explainCommand, policyCommand];

export async function run(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const stdin = Object.assign(new PassThrough(), { isTTY: options.answer !== undefined });
  const out = collect();
  const err = collect((text) => {
    if (!/(\[y\/N\] |^Password of .*: )$/.test(text)) return;
    Promise.resolve(options.answer?.(text)).then(
      (line) => (line === undefined ? stdin.end() : stdin.write(`${line}\r`)),
      (error) => stdin.destroy(error),
    );
  });
  let exitCode = 0;
  const io: CommandIo = {
    stdout: out.stream,
    stderr: err.stream,
    stdin,
    env: options.env ?? {},
    setExitCode: (code) => {
      exitCode = code;
    },
    stopRequested: () => new Promise(() => undefined),
  };
  const program = new Command('autodiscover').exitOverride().configureOutput({
    writeErr: (text) => void err.stream.write(text),
    writeOut: (text) => void out.stream.write(text),
  });
  for (const command of COMMANDS) program.addCommand(command(io));
  for (const command of program.commands) inherit(command, program);
  let error: Run['error'];
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (caught) {
    error = caught as Error & { code?: string };
    exitCode = error.code === 'configuration' || error.code?.startsWith('commander.') ? 2 : 1;
  }
  return { out: out.text(), err: err.text(), exitCode, error };
}

function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
}

function collect(onWrite?: (text: string) => void) {
  const parts: string[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => {
    parts.push(chunk.toString('utf8'));
    onWrite?.(chunk.toString('utf8'));
  });
  return { stream, text: () => parts.join('') };
}

export interface Workplace {
  readonly folder: string;
  readonly config: string;
  readonly passwordFile: string;
  path(name: string): string;
}

export interface ConfigOptions {
  readonly servers: readonly string[];
  readonly bindDn?: string;
  readonly password: string;
  /** PEM file; without it plain text is permitted. */
  readonly caFile?: string;
}

/** A folder with a configuration file for these controllers and a password file; `t` removes it. */
export async function workplace(t: Pick<TestContext, 'after'>, options: ConfigOptions): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'admin-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  writeFileSync(path('password'), `${options.password}\n`, { mode: 0o600 });
  const config = {
    directory: {
      servers: options.servers,
      bindDn: options.bindDn ?? READER,
      passwordFile: path('password'),
      ...(options.caFile === undefined ? { allowPlainText: true } : { caFile: options.caFile }),
    },
    publicUrl: 'https://autodiscover.contoso.test',
    tls: { certificates: [{ certificateFile: path('password'), keyFile: path('password') }] },
  };
  writeFileSync(path('autodiscover.yaml'), JSON.stringify(config));
  return { folder, config: path('autodiscover.yaml'), passwordFile: path('password'), path };
}
