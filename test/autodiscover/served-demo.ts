// The demo organisation served on a socket for the length of a describe block.
import { after, before } from 'node:test';
import { type DemoBed, listenPlain, openDemoBed, type Reply, type Sending, send } from './bed.ts';

export interface ServedDemo {
  readonly bed: DemoBed;
  readonly port: number;
  send(sending: Sending): Promise<Reply>;
}

/** Called inside a describe block; what it returns can be used as soon as the block's tests run. */
export function servedDemo(): ServedDemo {
  let bed: DemoBed | undefined;
  let server: Awaited<ReturnType<typeof listenPlain>> | undefined;
  const running = <T>(part: T | undefined): T => {
    if (part === undefined) throw new Error('the demo runs only while the tests of its block do');
    return part;
  };
  before(async () => {
    bed = await openDemoBed();
    server = await listenPlain(bed.app);
  });
  after(async () => {
    await server?.close();
    await bed?.close();
  });
  return {
    get bed() {
      return running(bed);
    },
    get port() {
      return running(server).port;
    },
    send: (sending) => send(running(server).port, sending),
  };
}
