// How many requests may wait behind others on their connection (pipelining, RFC 9112 9.3.2). node:http makes a request and a response of
// everything that one read brought before any of it is answered, and stops reading only when answers pile up: a read of 16 KiB holds 600
// small requests. The first one too many therefore ends its connection, and the parser in the middle of what it was given.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * What may wait behind others in the whole process, in units of four kilobytes; without this, what one connection may hold would be
 * multiplied by the connections. A request costs one unit, and its headers as many as they fill.
 */
const MAX_UNITS = 8192;
const UNIT = 4096;

const PIPELINE = Symbol('pipeline');

interface Pipeline {
  /** The unanswered one behind which others began to wait, as long as they do; it is not counted among them. */
  first: ServerResponse | undefined;
  /** Those behind it, until each is answered. */
  waiting: number;
  /** Of those. */
  units: number;
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
  /** Units of all connections. */
  readonly units?: number;
}

/** Shared by all listeners of a process. */
export class PipelineLimit {
  readonly #perConnection: number;
  readonly #most: number;
  #units = 0;

  constructor({ perConnection, units = MAX_UNITS }: PipelineLimitOptions) {
    this.#perConnection = perConnection;
    this.#most = units;
  }

  /** Units that are taken now. */
  get units(): number {
    return this.#units;
  }

  /**
   * Whether a request may wait behind `before`, which is the last of its connection and unanswered. Where not, the connection is to be
   * destroyed, and the request and all that came with it are to be left alone. To be called while the parser hands the request over.
   */
  admit(request: IncomingMessage, response: ServerResponse, before: ServerResponse): boolean {
    const pipeline = this.#pipelineOf(request.socket);
    if (pipeline.refused) return false;
    if (pipeline.waiting === 0) pipeline.first = before;
    const units = unitsOf(request);
    const unanswered = pipeline.waiting + (pipeline.first?.writableFinished ? 0 : 1);
    if (unanswered >= this.#perConnection || this.#units + units > this.#most) {
      pipeline.refused = true;
      return false;
    }
    this.#add(pipeline, 1, units);
    response.once('close', () => {
      // With their connection all have left at once.
      if (pipeline.waiting > 0) this.#add(pipeline, -1, -units);
    });
    return true;
  }

  #pipelineOf(socket: Connection): Pipeline {
    const known = socket[PIPELINE];
    if (known) return known;
    const pipeline: Pipeline = { first: undefined, waiting: 0, units: 0, refused: false };
    socket[PIPELINE] = pipeline;
    // Responses that were not yet at the head of the queue are not told that their connection closed.
    socket.once('close', () => this.#add(pipeline, -pipeline.waiting, -pipeline.units));
    endParsingWhen(socket, () => pipeline.refused);
    return pipeline;
  }

  #add(pipeline: Pipeline, requests: number, units: number): void {
    pipeline.waiting += requests;
    pipeline.units += units;
    this.#units += units;
    if (pipeline.waiting === 0) pipeline.first = undefined;
  }
}

function unitsOf({ url = '', rawHeaders }: IncomingMessage): number {
  let characters = url.length;
  for (const text of rawHeaders) characters += text.length;
  return 1 + Math.floor(characters / UNIT);
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
