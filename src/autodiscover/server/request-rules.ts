// What no request may have, whatever it is for, and what becomes of bytes that are none. All that node:http would answer by itself is
// answered here, so that it counts among the unanswered of its connection, and somebody hears of it.

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { noteAwaitedContinue } from './awaited-continue.ts';
import { clientAddress, connectionAddress, noteClientAddress } from './client-address.ts';
import { idOf } from './exchange-context.ts';
import { clientBehind, type ForwardedHeader } from './forwarded.ts';
import type { PipelineLimit } from './pipeline-limit.ts';
import type { RefusedRequest, RefusedRequestFacts } from './refused-requests.ts';

export interface RequestRules {
  readonly maxHeaders: number;
  readonly pipelines: PipelineLimit;
  readonly proxies?: { readonly trusted: (address: string) => boolean; readonly header: ForwardedHeader } | undefined;
  /** Hears of each connection on which something was refused, once. */
  readonly onRefused?: ((refused: RefusedRequestFacts) => void) | undefined;
}

/** Options of node:http without which it would answer what is answered here. */
export const RULES_OPTIONS = { requireHostHeader: false } as const;
const LINGER_MS = 1000;

/** The exchange that began last on a connection, noted on its socket; those before it are answered before it is. */
const LATEST = Symbol('latest exchange');
const REFUSED = Symbol('something was refused');

interface Noted {
  [LATEST]?: { readonly request: IncomingMessage; readonly response: ServerResponse } | undefined;
  [REFUSED]?: boolean;
}

/** Has the server's requests handled by `app`, where the rules let them through. While `draining` each answer ends its connection. */
export function applyRules(
  server: Server,
  app: RequestListener,
  { maxHeaders, pipelines, proxies, onRefused }: RequestRules,
  state: { readonly draining: boolean },
): void {
  const refuse = (socket: Socket & Noted, facts: () => RefusedRequestFacts) => {
    if (!socket[REFUSED]) onRefused?.(facts());
    socket[REFUSED] = true;
  };
  const take = (request: IncomingMessage, response: ServerResponse, expectation?: 'unknown') => {
    const socket: Socket & Noted = request.socket;
    const before = socket[LATEST];
    socket[LATEST] = { request, response };
    if (proxies) {
      const value = request.headers[proxies.header];
      const peer = connectionAddress(socket);
      noteClientAddress(request, clientBehind(peer, proxies.header, value?.toString(), proxies.trusted));
    }
    const isBehind = before !== undefined && !before.response.writableFinished;
    if (isBehind && !pipelines.admit(request, response, before.response)) {
      refuse(socket, () => ({ refusal: 'pipeline', address: clientAddress(request), id: idOf(before.request) }));
      socket.destroy();
      return;
    }
    // Its connection ends with the answer that was refused (RFC 9112 9.6): what stands behind is not looked at.
    if (socket[REFUSED]) return;
    const fault = expectation ? UNKNOWN_EXPECTATION : faultOf(request, maxHeaders);
    if (fault) {
      const [refusal, status] = fault;
      refuse(socket, () => ({ refusal, address: clientAddress(request), status }));
      // So that a body that may follow is not read.
      response.writeHead(status, { 'Content-Length': '0', Connection: 'close' }).end();
      return;
    }
    // Whoever asks for another protocol says no more in this one: the parser drops what comes behind.
    if (state.draining || request.headers.upgrade !== undefined) response.setHeader('Connection', 'close');
    // node:http loses what is left of a pipeline when it is answered while the parser still stands in it (HPE_PAUSED, Node.js 24).
    if (isBehind) setImmediate(() => socket.destroyed || app(request, response));
    else app(request, response);
  };
  server.on('request', take);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    noteAwaitedContinue(request);
    take(request, response);
  });
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    take(request, response, 'unknown'),
  );
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    refuse(socket, () => ({ refusal: 'connect-method', address: clientAddress(request) }));
    socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    refuseBroken(error, socket, (facts) => refuse(socket, facts)),
  );
}

/**
 * Lets go of an exchange that is over: its connection may be kept for long, and twenty thousand of them would keep four kilobytes each.
 * One that was answered before its body came must still be known.
 */
export function forgetExchange(request: IncomingMessage, response: ServerResponse): void {
  const socket: Socket & Noted = request.socket;
  if (request.complete && socket[LATEST]?.response === response) socket[LATEST] = undefined;
}

type Fault = readonly [refusal: RefusedRequest, status: number];

const HEADERS_TOO_LARGE: Fault = ['headers-too-large', 431];
const NO_HTTP: Fault = ['broken', 400];
const NO_HOST: Fault = ['no-host', 400];
const TWO_HOSTS: Fault = ['two-hosts', 400];
const UNKNOWN_EXPECTATION: Fault = ['unknown-expectation', 417];

/** What is wrong with a head: not exactly one Host (RFC 9112 3.2), or chunks in HTTP/1.0, which has none (RFC 9112 6.1). */
function faultOf(request: IncomingMessage, maxHeaders: number): Fault | undefined {
  const { rawHeaders, httpVersionMajor, httpVersionMinor } = request;
  if (rawHeaders.length / 2 > maxHeaders) return HEADERS_TOO_LARGE;
  const hosts = countHosts(rawHeaders);
  if (hosts > 1) return TWO_HOSTS;
  if (httpVersionMajor !== 1) return undefined;
  if (httpVersionMinor === 1) return hosts === 0 ? NO_HOST : undefined;
  return request.headers['transfer-encoding'] === undefined ? undefined : NO_HTTP;
}

/** `rawHeaders` are names and values in turns. */
function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
}

const BROKEN: Readonly<Record<string, Fault>> = {
  HPE_HEADER_OVERFLOW: HEADERS_TOO_LARGE,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['chunk-extensions-too-large', 413],
  ERR_HTTP_REQUEST_TIMEOUT: ['too-slow', 408],
};
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
};

const closing = new WeakSet<Duplex>();

/**
 * What is no HTTP gets an empty answer, if the connection still takes one, and is closed. Nothing of the input is repeated. A good request
 * in front of it is answered first.
 */
function refuseBroken(
  { code = '' }: NodeJS.ErrnoException,
  socket: Socket & Noted,
  refuse: (facts: () => RefusedRequestFacts) => void,
): void {
  // What comes behind is broken as well.
  if (closing.has(socket)) return;
  closing.add(socket);
  const { request, response } = socket[LATEST] ?? {};
  const [refusal, status] = BROKEN[code] ?? NO_HTTP;
  // A body that is broken is its request's.
  const id = request && !request.complete ? idOf(request) : undefined;
  const address = () => (request && !request.complete ? clientAddress(request) : addressOf(socket));
  if (/^(?:ERR_SSL_|ERR_TLS_|EPROTO)/.test(code)) {
    refuse(() => ({ refusal: 'tls', address: address() }));
    close(socket, undefined);
  } else if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
  } else if (request?.complete && response && !response.writableFinished) {
    refuse(() => ({ refusal, address: address(), status }));
    response.once('close', () => close(socket, status));
  } else if (response?.headersSent && !request?.complete) {
    // It was answered without its body, which is what is broken.
    refuse(() => ({ refusal, address: address(), id }));
    close(socket, undefined);
  } else {
    refuse(() => ({ refusal, address: address(), status, id }));
    close(socket, status);
  }
}

/** As the connection below TLS knows it, for that may be all there is. `_parent` is node:tls' own. */
function addressOf(socket: Socket & { readonly _parent?: Socket | null }): string {
  return connectionAddress(socket._parent ?? socket);
}

function close(socket: Duplex, status: number | undefined): void {
  if (!socket.writable || status === undefined) socket.end();
  else socket.end(`HTTP/1.1 ${status} ${REASONS[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  // What is still coming is read and dropped for a moment: closing over unread bytes would take the answer back.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
