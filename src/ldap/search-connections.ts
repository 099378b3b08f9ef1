// The bound connections to one controller on which everything but passwords is asked, a fixed number of them, each opened when its turn
// comes for the first time.

import type { ControllerConnection } from './controller.ts';

interface Slot {
  readonly connection: Promise<ControllerConnection>;
  /** Ends the waiting of those who want it. */
  readonly giveUp: (reason: Error) => void;
}

export class SearchConnections {
  readonly #open: () => Promise<ControllerConnection>;
  readonly #slots: (Slot | undefined)[];
  #turn = 0;

  constructor(count: number, open: () => Promise<ControllerConnection>) {
    this.#open = open;
    this.#slots = new Array(count).fill(undefined);
  }

  /** The slot whose turn it is. */
  nextSlot(): number {
    const slot = this.#turn;
    this.#turn = (slot + 1) % this.#slots.length;
    return slot;
  }

  /** The open connection in a slot, or a new one; callers that come while it opens share it. */
  take(slot: number): Promise<ControllerConnection> {
    const current = this.#slots[slot];
    if (current) {
      return current.connection.then((open) => {
        if (open.client.isBound && open.isOpen) return open;
        if (this.#slots[slot] === current) this.#slots[slot] = undefined;
        return this.take(slot);
      });
    }
    const { promise: givenUp, reject: giveUp } = Promise.withResolvers<never>();
    const opening = this.#open();
    const connection = Promise.race([opening, givenUp]);
    const made = { connection, giveUp };
    this.#slots[slot] = made;
    connection.catch(() => {
      if (this.#slots[slot] === made) this.#slots[slot] = undefined;
      opening.then((open) => open.close()).catch(() => undefined);
    });
    return connection;
  }

  discard(slot: number): void {
    const current = this.#slots[slot];
    this.#slots[slot] = undefined;
    current?.giveUp(new Error('the connection was given up while it was opened'));
    current?.connection.then((open) => open.close()).catch(() => undefined);
  }

  discardAll(): void {
    for (let slot = 0; slot < this.#slots.length; slot++) this.discard(slot);
  }

  /** Puts the one connection that is known to be good in the place of all. */
  startWith(connection: ControllerConnection): void {
    this.discardAll();
    this.#slots[0] = { connection: Promise.resolve(connection), giveUp: () => undefined };
  }
}
