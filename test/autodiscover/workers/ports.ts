// Two ends of a channel in one process: messages go through JSON and arrive later, as between processes.
import { Channel, type Port } from '../../../src/autodiscover/workers/channel.ts';

export interface Pair {
  readonly primary: Channel;
  readonly worker: Channel;
  /** As when the worker dies. */
  cut(): void;
  /** Messages that were sent, by the end that sent them. */
  readonly sent: { primary: number; worker: number };
}

export function channelPair(): Pair {
  const sent = { primary: 0, worker: 0 };
  let open = true;
  const takers = { primary: [] as ((message: unknown) => void)[], worker: [] as ((message: unknown) => void)[] };
  const closers: (() => void)[] = [];
  const port = (own: 'primary' | 'worker', other: 'primary' | 'worker'): Port => ({
    send: (message) => {
      sent[own] += 1;
      const text = JSON.stringify(message);
      setImmediate(() => {
        if (open) for (const take of takers[other]) take(JSON.parse(text));
      });
    },
    onMessage: (listener) => takers[own].push(listener),
    onClose: (listener) => closers.push(listener),
  });
  return {
    primary: new Channel(port('primary', 'worker')),
    worker: new Channel(port('worker', 'primary')),
    sent,
    cut: () => {
      open = false;
      for (const close of closers.splice(0)) close();
    },
  };
}

/** Resolves when what was sent has arrived, and what that made others send. */
export async function delivered(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
}
