// Questions, answers and news between two processes of the service, over the channel that node:child_process gives a child and its parent.

/** One end of a channel that carries JSON. */
export interface Port {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
}

class ChannelClosed extends Error {
  readonly code = 'channel-closed';

  constructor(question: string) {
    super(`the other process of the service is gone (${question})`);
    this.name = 'ChannelClosed';
  }
}

interface Question {
  readonly autodiscover: 'question';
  readonly id: number;
  readonly name: string;
  readonly body?: unknown;
}

interface Answer {
  readonly autodiscover: 'answer';
  readonly id: number;
  readonly body?: unknown;
  readonly error?: string;
}

interface News {
  readonly autodiscover: 'news';
  readonly name: string;
  readonly body?: unknown;
}

type Handler = (body: never) => unknown;

/** Names of questions and news are agreed on by both ends (orders.ts); what has no handler is answered with an error, or dropped. */
export class Channel {
  readonly #port: Port;
  readonly #handlers = new Map<string, Handler>();
  readonly #open = new Map<number, { resolve(body: unknown): void; reject(error: Error): void; name: string }>();
  readonly #atClose: (() => void)[] = [];
  #lastId = 0;
  #closed = false;

  constructor(port: Port) {
    this.#port = port;
    port.onMessage((message) => this.#take(message));
    port.onClose(() => this.#close());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Answers questions, or hears news, of this name. */
  on<B>(name: string, handler: (body: B) => unknown): void {
    this.#handlers.set(name, handler as Handler);
  }

  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#atClose.push(listener);
  }

  /** Rejects with ChannelClosed when the other end goes before it has answered, or with an Error of its message. */
  ask<T>(name: string, body?: unknown): Promise<T> {
    if (this.#closed) return Promise.reject(new ChannelClosed(name));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve: resolve as (body: unknown) => void, reject, name });
      this.#send({ autodiscover: 'question', id, name, body });
    });
  }

  /** Says something that needs no answer; lost when the other end is gone. */
  tell(name: string, body?: unknown): void {
    this.#send({ autodiscover: 'news', name, body });
  }

  #send(message: Question | Answer | News): void {
    if (!this.#closed) this.#port.send(message);
  }

  #take(message: unknown): void {
    const { autodiscover } = (message ?? {}) as { autodiscover?: unknown };
    if (autodiscover === 'question') void this.#reply(message as Question);
    else if (autodiscover === 'answer') this.#settle(message as Answer);
    else if (autodiscover === 'news') {
      const { name, body } = message as News;
      this.#handlers.get(name)?.(body as never);
    }
  }

  async #reply({ id, name, body }: Question): Promise<void> {
    try {
      const handler = this.#handlers.get(name);
      if (!handler) throw new Error(`no answer to ${name}`);
      this.#send({ autodiscover: 'answer', id, body: await handler(body as never) });
    } catch (error) {
      this.#send({ autodiscover: 'answer', id, error: (error as Error).message });
    }
  }

  #settle({ id, body, error }: Answer): void {
    const waiting = this.#open.get(id);
    this.#open.delete(id);
    if (error === undefined) waiting?.resolve(body);
    else waiting?.reject(new Error(error));
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { reject, name } of this.#open.values()) reject(new ChannelClosed(name));
    this.#open.clear();
    for (const listener of this.#atClose.splice(0)) listener();
  }
}
