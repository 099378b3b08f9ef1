// Runs `autodiscover serve` itself, with whatever processes it starts, and ends it with the bench.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { answerParent, childOptions } from './child-end.ts';

const { configFile } = childOptions<{ configFile: string }>();
const program = fileURLToPath(new URL('../../src/cli/autodiscover.ts', import.meta.url));
const READY_MS = 60_000;
const LAST_WORDS = 2000;
let running: ChildProcess | undefined;

process.on('exit', () => running?.kill());
await start();
answerParent(null, { restart });

async function restart(): Promise<void> {
  await stop();
  await start();
}

function start(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, 'serve', '--config', configFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    running = child;
    let said = '';
    const timer = setTimeout(() => reject(new Error(`serve is not ready: ${said}`)), READY_MS);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-LAST_WORDS);
      if (!/"msg":"ready"/.test(said)) return;
      clearTimeout(timer);
      // What it says from now on is read and dropped.
      child.stderr.removeAllListeners('data').resume();
      resolve();
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`serve ended with ${signal ?? code}: ${said}`));
    });
  });
}

/** As an administrator stops it. */
function stop(): Promise<void> {
  return new Promise((resolve) => {
    const child = running;
    if (!child || child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
