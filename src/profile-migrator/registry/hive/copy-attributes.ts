// A new file beside a hive that carries the hive's owner, mode, times, extended attributes and access control lists. Node has no
// call for the last two, so this is cp's work on Unix and the system's own file copy on Windows. Starting a program from Node costs
// more than everything else done for a small hive; a copier for many hives therefore keeps one small shell that starts cp.
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile, lstat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { RegistryError, type RegistryErrorCode } from '../../errors.ts';
import { fileError } from './file-errors.ts';

const run = promisify(execFile);
const COPY_TIMEOUT_MS = 60_000;
const CP = ['cp', '--attributes-only', '--preserve=all', '--no-clobber', '--'] as const;
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' };
/** Reads pairs of lines, answers each with cp's messages, then a line of this mark and cp's exit code. */
const MARK = '\u001e';
const LOOP = `while IFS= read -r from && IFS= read -r to; do ${CP.join(' ')} "$from" "$to" 2>&1; printf '\\n${MARK}%s\\n' "$?"; done`;

export interface AttributeCopier {
  /** Creates `to`, which must not exist; its content is the caller's to write. */
  create(from: string, to: string): Promise<void>;
  close(): void;
}

/** For many hives; close it at the end. */
export function createAttributeCopier(): AttributeCopier {
  if (process.platform === 'win32') return { create: copyOnWindows, close: () => undefined };
  let shell: Shell | undefined;
  return {
    async create(from, to) {
      // A line protocol cannot carry these names.
      if (/\n/.test(from + to)) return createWithAttributesOf(from, to);
      shell ??= startShell();
      await settle(from, to, await shell.ask(from, to));
    },
    close: () => shell?.end(),
  };
}

/** For one hive. */
export async function createWithAttributesOf(from: string, to: string): Promise<void> {
  if (process.platform === 'win32') return copyOnWindows(from, to);
  const [program, ...options] = CP;
  const problem = await run(program, [...options, from, to], { timeout: COPY_TIMEOUT_MS, env: ENVIRONMENT }).then(
    () => undefined,
    (cause: Error & { stderr?: string }) => cause.stderr?.trim() || cause.message,
  );
  await settle(from, to, problem);
}

async function copyOnWindows(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL).catch((cause: unknown) => {
    throw fileError(`cannot copy ${from} to ${to}`, cause, 'write-failed');
  });
}

/** cp keeps what it may and says nothing about an owner it could not set, so owner and mode are looked at again. */
async function settle(from: string, to: string, problem: string | undefined): Promise<void> {
  if (problem !== undefined) {
    throw new RegistryError(codeOf(problem), `cannot create ${to} with the attributes of ${from}: ${problem}`);
  }
  const [old, made] = await Promise.all([lstat(from), lstat(to)]).catch((cause: unknown) => {
    throw fileError(`cannot look at ${to} beside ${from}`, cause, 'write-failed');
  });
  if (old.uid === made.uid && old.gid === made.gid && old.mode === made.mode) return;
  const wanted = `${old.uid}:${old.gid} ${(old.mode & 0o7777).toString(8)}`;
  throw new RegistryError(
    'access-denied',
    `cannot give ${to} the owner and mode of ${from} (${wanted}): run as root or as the owner`,
  );
}

function codeOf(problem: string): RegistryErrorCode {
  if (/No space left|quota/i.test(problem)) return 'disk-full';
  if (/Permission denied|not permitted|Read-only/i.test(problem)) return 'access-denied';
  return 'write-failed';
}

interface Shell {
  /** cp's complaint, or undefined when it worked. */
  ask(from: string, to: string): Promise<string | undefined>;
  end(): void;
}

function startShell(): Shell {
  const child: ChildProcessWithoutNullStreams = spawn('/bin/sh', ['-c', LOOP], { env: ENVIRONMENT });
  const waiting: ((problem: string | undefined) => void)[] = [];
  let heard = '';
  let gone: string | undefined;
  const giveUp = (why: string): void => {
    gone ??= why;
    for (const answer of waiting.splice(0)) answer(gone);
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
    for (let match = answerIn(heard); match; match = answerIn(heard)) {
      heard = heard.slice(match.length);
      waiting.shift()?.(match.problem);
    }
  });
  child.stderr.resume();
  // An idle shell must not keep the program running; while cp is at work, the timer below does.
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as unknown as Socket).unref();
  child.stdin.on('error', (cause) => giveUp(cause.message));
  child.on('error', (cause) => giveUp(cause.message));
  child.on('close', () => giveUp('the shell that starts cp has ended'));
  return {
    ask: (from, to) =>
      new Promise((resolve) => {
        if (gone !== undefined) return resolve(gone);
        const timer = setTimeout(() => {
          child.kill();
          giveUp('cp did not answer in time');
        }, COPY_TIMEOUT_MS);
        waiting.push((problem) => {
          clearTimeout(timer);
          resolve(problem);
        });
        child.stdin.write(`${from}\n${to}\n`);
      }),
    end: () => child.stdin.end(),
  };
}

function answerIn(heard: string): { length: number; problem: string | undefined } | undefined {
  const match = new RegExp(`^([^${MARK}]*)\\n${MARK}(\\d+)\\n`).exec(heard);
  if (match === null) return undefined;
  const [whole, message = '', code] = match;
  return { length: whole.length, problem: code === '0' ? undefined : message.trim() || `cp ended with ${code}` };
}
