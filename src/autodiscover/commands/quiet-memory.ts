// Gives memory back after a storm. V8 keeps the pages it once needed and tidies up only while something is being allocated, so a service
// that everybody has just asked would stay as large as it was at the worst moment, for as long as nobody asks.

import { Session } from 'node:inspector/promises';
import { performance } from 'node:perf_hooks';
import type { Logger } from '../log.ts';

export interface QuietMemoryOptions {
  /** Bytes resident. */
  readonly resident: () => number;
  /** The share of the time since the last call in which the event loop was busy: 0 to 1. */
  readonly utilization: () => number;
  /** Tidies up; nothing else runs meanwhile, for a fifth of a second with 50,000 recipients remembered. */
  readonly collect: () => Promise<void>;
  readonly log: Logger;
}

/** Milliseconds between looks. */
const EVERY_MS = 10_000;
/** Busier than that since the last look, nobody is kept waiting. */
const QUIET = 0.05;
/** Bytes by which the process must have grown since it gave memory back, by itself or here: less is not worth the pause. */
const WORTH = 16 * 2 ** 20;

/** Looks every ten seconds until the returned function is called. */
export function keepQuietMemorySmall(log: Logger): () => void {
  const look = quietMemory({
    resident: () => process.memoryUsage.rss(),
    utilization: utilizationSinceLast(),
    collect: collectGarbage,
    log,
  });
  const timer = setInterval(() => void look(), EVERY_MS).unref();
  return () => clearInterval(timer);
}

/** What to do at each look. Resolves to whether memory was given back. */
export function quietMemory({ resident, utilization, collect, log }: QuietMemoryOptions): () => Promise<boolean> {
  let left = resident();
  return async () => {
    const isQuiet = utilization() < QUIET;
    const before = resident();
    left = Math.min(left, before);
    if (!isQuiet || before < left + WORTH) return false;
    try {
      await collect();
    } catch (error) {
      // A node without an inspector, or one that may not use it: the process is larger than it need be, and works.
      left = before;
      log.debug({ reason: (error as Error).message }, 'memory cannot be given back');
      return false;
    }
    left = resident();
    log.debug({ beforeMiB: mebibytes(before), afterMiB: mebibytes(left) }, 'memory given back');
    return true;
  };
}

function utilizationSinceLast(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

/** The one collection that also gives pages back. It is had without a flag on node's command line only from the inspector's own protocol. */
export async function collectGarbage(): Promise<void> {
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.collectGarbage');
  } finally {
    session.disconnect();
  }
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
