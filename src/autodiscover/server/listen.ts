// Sockets for the apps: HTTPS with certificates that can be exchanged while it runs, plain HTTP, and a stop that lets exchanges finish.

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import { AutodiscoverError } from '../errors.ts';
import { SESSION_ID_CONTEXT, SESSION_SECONDS } from '../tls/ticket-keys.ts';
import { noteAwaitedContinue } from './awaited-continue.ts';
import { connectionAddress, noteClientAddress } from './client-address.ts';
import { clientBehind, type ForwardedHeader } from './forwarded.ts';
import type { HeldConnections } from './held-connections.ts';
import type { PipelineLimit } from './pipeline-limit.ts';
import { expectProxyHeaders } from './proxied-connections.ts';
import { limitSending } from './send-deadline.ts';
import type { TlsSessions } from './tls-sessions.ts';

export interface ListenOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly hostPort: string;
  /** Seconds for a whole request, and for which an answer may lie unread. */
  readonly requestSeconds: number;
  /** Seconds for the headers, and for the TLS handshake. */
  readonly headerSeconds: number;
  readonly maxHeaders: number;
  /** What it counts together with other listeners. */
  readonly held: HeldConnections;
  readonly pipelines: PipelineLimit;
  /** Proxies in front, and how they tell the client's address. Without them the connection's other end is the client. */
  readonly proxies?: TrustedProxies | undefined;
}

export interface TrustedProxies {
  readonly trusted: (address: string) => boolean;
  readonly header: ForwardedHeader;
  /** Each TLS connection begins with a PROXY header. */
  readonly proxyProtocol: boolean;
}

export interface Listener {
  /** `https://127.0.0.1:8443`, with the port that was really taken. */
  readonly url: string;
  /** From now on each answer ends its connection, so that clients leave without noticing. New ones are still accepted. */
  drain(): void;
  /** Accepts no more, lets running exchanges finish, and cuts what is left after `graceMs`. Idle connections are closed after `idleMs`. */
  stop(graceMs: number, idleMs?: number): Promise<void>;
}

/** Certificates, and the key under which session tickets are sealed (48 bytes). */
export interface TlsOptions {
  readonly certificates: SecureContextOptions;
  readonly ticketKey: Buffer;
}

export interface SecureListener extends Listener {
  /** New connections get the new certificates; open ones keep theirs. Tickets are good as long as the key stays. */
  replaceTls(options: TlsOptions): void;
}

/** Kerberos tickets of accounts with many groups make headers of up to 64 KiB. */
const MAX_HEADER_BYTES = 98_304;
const KEEP_ALIVE_MS = 65_000;
/** While stopping, the time between two looks for connections that have become idle. */
const SWEEP_MS = 50;
/** How often slow requests are looked for, in milliseconds. */
const CHECK_MS = 1000;
const LINGER_MS = 1000;

export async function listenHttps(
  app: RequestListener,
  tls: TlsOptions,
  options: ListenOptions & { readonly sessions?: TlsSessions },
): Promise<SecureListener> {
  const state = { draining: false };
  const server = createHttpsServer(
    {
      ...secureContext(tls),
      maxHeaderSize: MAX_HEADER_BYTES,
      handshakeTimeout: options.headerSeconds * 1000,
      connectionsCheckingInterval: CHECK_MS,
    },
    limited(app, options, state),
  );
  options.sessions?.serve(server);
  const listener = await start(server, 'https', options, state);
  return { ...listener, replaceTls: (fresh) => server.setSecureContext(secureContext(fresh)) };
}

function secureContext({ certificates, ticketKey }: TlsOptions): SecureContextOptions {
  return {
    ...certificates,
    ticketKeys: ticketKey,
    sessionIdContext: SESSION_ID_CONTEXT,
    sessionTimeout: SESSION_SECONDS,
  };
}

export async function listenHttp(app: RequestListener, options: ListenOptions): Promise<Listener> {
  const state = { draining: false };
  const listener = limited(app, options, state);
  const server = createHttpServer({ maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: CHECK_MS }, listener);
  return start(server, 'http', options, state);
}

async function start(
  server: Server | HttpsServer,
  scheme: 'http' | 'https',
  options: ListenOptions,
  state: { draining: boolean },
): Promise<Listener> {
  server.requestTimeout = options.requestSeconds * 1000;
  server.headersTimeout = Math.min(options.requestSeconds, options.headerSeconds) * 1000;
  // One more than is allowed, so that too many can be told from just enough; the parser drops what comes behind.
  server.maxHeadersCount = options.maxHeaders + 1;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const { held, proxies } = options;
  held.countAddresses(server, proxies?.trusted ?? (() => false));
  limitSending(server, {
    seconds: options.requestSeconds,
    event: scheme === 'https' ? 'secureConnection' : 'connection',
    everyMs: CHECK_MS,
  });
  server.on('clientError', refuseBrokenRequest);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    noteAwaitedContinue(request);
    server.emit('request', request, response);
  });
  if (scheme === 'https' && proxies?.proxyProtocol)
    expectProxyHeaders(server, { trusted: proxies.trusted, timeoutMs: options.headerSeconds * 1000 });
  // Behind that: a connection counts from its beginning, whether or not its header ever comes.
  held.countAll(server);
  const { host, port } = splitHostPort(options.hostPort);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(options.hostPort, error)));
    server.listen(port, host, resolve);
  });
  const taken = (server.address() as AddressInfo).port;
  return {
    url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    drain: () => {
      state.draining = true;
    },
    stop: (graceMs, idleMs = 0) => stop(server, graceMs, idleMs),
  };
}

/** The exchange that began last on a connection, noted on its socket; those before it are answered before it is. */
const LATEST = Symbol('latest exchange');

type WithLatest = { [LATEST]?: { readonly request: IncomingMessage; readonly response: ServerResponse } };

/**
 * What no request may have, whatever it is for: too many header lines, or two hosts (RFC 9112 3.2). Its connection ends, so that a body
 * that may follow is not read.
 */
function limited(
  app: RequestListener,
  { maxHeaders, pipelines, proxies }: ListenOptions,
  state: { readonly draining: boolean },
): RequestListener {
  return (request, response) => {
    const socket = request.socket as WithLatest;
    const before = socket[LATEST];
    socket[LATEST] = { request, response };
    const isBehind = before !== undefined && !before.response.writableFinished;
    if (isBehind && !pipelines.admit(request, response)) return;
    // Whoever asks for another protocol says no more in this one: the parser drops what comes behind.
    if (state.draining || request.headers.upgrade !== undefined) response.setHeader('Connection', 'close');
    if (proxies) {
      const value = request.headers[proxies.header];
      const peer = connectionAddress(request.socket);
      noteClientAddress(request, clientBehind(peer, proxies.header, value?.toString(), proxies.trusted));
    }
    const tooMany = request.rawHeaders.length / 2 > maxHeaders;
    if (!tooMany && !hasTwoHosts(request.rawHeaders)) {
      // node:http loses what is left of a pipeline when it is answered while the parser still stands in it (HPE_PAUSED, Node.js 24).
      if (isBehind) setImmediate(() => request.socket.destroyed || app(request, response));
      else app(request, response);
      return;
    }
    response.writeHead(tooMany ? 431 : 400, { 'Content-Length': '0', Connection: 'close' }).end();
  };
}

/** `rawHeaders` are names and values in turns. */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}

const BROKEN: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

const closing = new WeakSet<Duplex>();

/**
 * What is no HTTP gets an empty answer, if the connection still takes one, and is closed. Nothing of the input is repeated. A good request
 * in front of it is answered first.
 */
function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  // What comes behind is broken as well.
  if (closing.has(socket)) return;
  closing.add(socket);
  const { request, response } = (socket as WithLatest)[LATEST] ?? {};
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
  } else if (request?.complete && response && !response.writableFinished) {
    response.once('close', () => close(socket, error));
  } else if (response?.headersSent && !request?.complete) {
    // It was answered without its body, which is what is broken.
    close(socket, undefined);
  } else {
    close(socket, error);
  }
}

function close(socket: Duplex, error: NodeJS.ErrnoException | undefined): void {
  if (!socket.writable || error === undefined) socket.end();
  else {
    const status = BROKEN[error.code ?? ''] ?? '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }
  // What is still coming is read and dropped for a moment: closing over unread bytes would take the answer back.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function stop(server: Server | HttpsServer, graceMs: number, idleMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    // A connection that is kept alive becomes idle only when its last answer is out; node:http would then wait for the client.
    let sweep: NodeJS.Timeout | undefined;
    const beginSweeping = () => {
      server.closeIdleConnections();
      sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    };
    const patience = idleMs > 0 ? setTimeout(beginSweeping, Math.min(idleMs, graceMs)) : undefined;
    const done = () => {
      clearTimeout(cut);
      clearTimeout(patience);
      clearInterval(sweep);
      resolve();
    };
    // The server of node:http closes what is idle itself; to leave that to the sweep, only the accepting ends.
    if (idleMs > 0) NetServer.prototype.close.call(server, done);
    else server.close(done);
    if (idleMs === 0) beginSweeping();
  });
}

export function splitHostPort(hostPort: string): { host: string; port: number } {
  const at = hostPort.lastIndexOf(':');
  return { host: hostPort.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(hostPort.slice(at + 1)) };
}

function cannotListen(hostPort: string, error: Error): AutodiscoverError {
  const { code } = error as NodeJS.ErrnoException;
  const why: Record<string, string> = {
    EADDRINUSE: 'another program uses it',
    EACCES: 'this account may not use it (ports below 1024 need the right to bind them)',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  return new AutodiscoverError('listen', `listening on ${hostPort}: ${why[code ?? ''] ?? error.message}`, {
    cause: error,
  });
}
