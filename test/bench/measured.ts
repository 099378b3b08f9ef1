// What every measured server tells of itself: CPU time between two marks, memory, and in which functions the time went.

import { readFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector/promises';
import { answerParent } from './child-end.ts';

export interface Memory {
  /** Bytes: resident now, and at most since the start. */
  readonly resident: number;
  readonly residentPeak: number;
  /** Of those resident now, what no other process has: without node's own program and libraries. */
  readonly unshared: number;
  readonly heapUsed: number;
  /** Of buffers, outside of the heap. */
  readonly external: number;
}

let profiling: Session | undefined;

/** Tells the parent the port and answers its questions about this process. */
export function serveMeasured(port: number): void {
  let began = process.cpuUsage();
  answerParent(
    { port },
    {
      start: () => {
        began = process.cpuUsage();
      },
      stop: () => {
        const { user, system } = process.cpuUsage(began);
        return user + system;
      },
      memory: (): Memory => {
        // Only a process started with --expose-gc has it.
        (globalThis as { gc?: () => void }).gc?.();
        const status = readFileSync('/proc/self/status', 'latin1');
        const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
        const { heapUsed, external } = process.memoryUsage();
        return {
          resident: bytes('VmRSS'),
          residentPeak: bytes('VmHWM'),
          unshared: bytes('RssAnon'),
          heapUsed,
          external,
        };
      },
      startProfile: async () => {
        profiling = new Session();
        profiling.connect();
        await profiling.post('Profiler.enable');
        await profiling.post('Profiler.setSamplingInterval', { interval: 200 });
        await profiling.post('Profiler.start');
      },
      stopProfile: async (): Promise<Profiler.Profile | undefined> => {
        const stopped = await profiling?.post('Profiler.stop');
        profiling?.disconnect();
        profiling = undefined;
        return stopped?.profile;
      },
    },
  );
}
