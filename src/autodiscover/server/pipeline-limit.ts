// How many requests may wait behind others on their connection (pipelining, RFC 9112 9.3.2). node:http makes a request and a response of
// everything that one read brought before any of it is answered, and stops reading only when answers pile up: a read of 16 KiB holds 600
// small requests. The first one too many therefore ends its connection, and the parser in the middle of what it was given.

import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Requests that wait behind others in the whole process. Each costs four kilobytes and more; without this, what one connection may hold
 * would be multiplied by the connections.
 */
const MAX_WAITING = 8192;

const PIPELINE = Symbol('pipeline');

interface Pipeline {
  waiting: number;
  refused: boolean;
}

/** What the parser of a connection has of node:http; undocumented. */
interface Parser {
  onIncoming?: ((...parts: unknown[]) => number) | null;
}

type Connection = Duplex & { [PIPELINE]?: Pipeline; parser?: Parser | null };

export interface PipelineLimitOptions {
  /** Unanswered requests of one connection. */
  readonly perConnection: number;
  /** Waiting requests of all connections. */
  readonly total?: number;
}

/** Shared by all listeners of a process. */
export class PipelineLimit {
  readonly #perConnection: number;
  readonly #total: number;
  #waiting = 0;

  constructor({ perConnection, total = MAX_WAITING }: PipelineLimitOptions) {
    this.#perConnection = perConnection;
    this.#total = total;
  }

  /** Requests that now wait behind others. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Whether a request may wait behind the unanswered ones of its connection. Where not, the connection is destroyed: the request and all
   * that came with it are to be left alone. To be called while the parser hands the request over.
   */
  admit(socket: Duplex, response: ServerResponse): boolean {
    const pipeline = this.#pipelineOf(socket);
    if (pipeline.refused) return false;
    // One stands before those that wait.
    if (pipeline.waiting >= this.#perConnection - 1 || this.#waiting >= this.#total) {
      pipeline.refused = true;
      socket.destroy();
      return false;
    }
    pipeline.waiting += 1;
    this.#waiting += 1;
    response.once('close', () => this.#leave(pipeline, Math.min(pipeline.waiting, 1)));
    return true;
  }

  #pipelineOf(socket: Connection): Pipeline {
    const known = socket[PIPELINE];
    if (known) return known;
    const pipeline: Pipeline = { waiting: 0, refused: false };
    socket[PIPELINE] = pipeline;
    // Responses that were not yet at the head of the queue are not told that their connection closed.
    socket.once('close', () => this.#leave(pipeline, pipeline.waiting));
    endParsingWhen(socket, () => pipeline.refused);
    return pipeline;
  }

  #leave(pipeline: Pipeline, count: number): void {
    pipeline.waiting -= count;
    this.#waiting -= count;
  }
}

/**
 * A destroyed connection's parser would go on with the bytes it has. It takes -1 for a broken request (HPE_CB_HEADERS_COMPLETE), which
 * becomes a `clientError`. Were node:http to change here, requests would still be refused, after they were made.
 */
function endParsingWhen({ parser }: Connection, refused: () => boolean): void {
  const { onIncoming } = parser ?? {};
  if (!parser || typeof onIncoming !== 'function') return;
  parser.onIncoming = (...parts) => {
    const result = onIncoming.apply(parser, parts);
    return refused() ? -1 : result;
  };
}
