// The processes themselves, by node:cluster: the primary accepts connections and gives them to the workers in turn.

import cluster from 'node:cluster';
import { Channel } from './channel.ts';
import type { Worker } from './supervisor.ts';
import { WorkerFailure } from './worker-failure.ts';

/** True in a process that a primary started. */
export function isWorker(): boolean {
  return cluster.isWorker;
}

/**
 * Starts a worker: the same program with the same arguments. Connections are given out in turn, because a shared socket would let the
 * worker that wakes first take most of them, and connections live for long here.
 */
export function startWorker<R>(): Worker<R> {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const worker = cluster.fork();
  const channel = new Channel({
    // What cannot be delivered is noticed by the end of the channel.
    send: (message) => void (worker.isConnected() && worker.send(message as object, () => undefined)),
    onMessage: (listener) => void worker.on('message', listener),
    onClose: (listener) => void worker.once('disconnect', listener).once('exit', listener),
  });
  worker.on('error', () => undefined);
  const gone = new Promise<string>((resolve) => {
    worker.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    worker.process.once('error', (error) => resolve(error.message));
  });
  const ready = new Promise<R>((resolve, reject) => {
    channel.on('ready', resolve);
    channel.on('failed', ({ message, code }: { message: string; code: string }) =>
      reject(new WorkerFailure(message, code)),
    );
    void gone.then((how) => reject(new WorkerFailure(`a worker ended while it started: ${how}`, 'worker-ended')));
  });
  // Whoever does not wait for it any more has killed the worker.
  ready.catch(() => undefined);
  return { id: worker.id, channel, ready, gone, kill: () => void worker.process.kill('SIGKILL') };
}

/** The worker's end of its channel, and its number. */
export function primaryChannel(): { readonly id: number; readonly channel: Channel; leave(): void } {
  const channel = new Channel({
    send: (message) => void (process.connected && process.send?.(message, () => undefined)),
    onMessage: (listener) => void process.on('message', listener),
    onClose: (listener) => void process.once('disconnect', listener),
  });
  // Orders come from the primary. A terminal and systemd send signals to the whole group, and the primary has them too.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  return { id: cluster.worker?.id ?? 0, channel, leave: () => void cluster.worker?.disconnect() };
}
