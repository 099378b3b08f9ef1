// Sockets for the apps: HTTPS with certificates that can be exchanged while it runs, plain HTTP, and a stop that lets exchanges finish.

import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, type DropArgument, Server as NetServer } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { AutodiscoverError } from '../errors.ts';
import { SESSION_ID_CONTEXT, SESSION_SECONDS } from '../tls/ticket-keys.ts';
import type { ForwardedHeader } from './forwarded.ts';
import type { HeldConnections } from './held-connections.ts';
import type { PipelineLimit } from './pipeline-limit.ts';
import { expectProxyHeaders } from './proxied-connections.ts';
import type { RefusedRequestFacts } from './refused-requests.ts';
import { applyRules, RULES_OPTIONS } from './request-rules.ts';
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
  /** Hears of what is refused before anything is made of it, once for each connection. */
  readonly onRefused?: ((refused: RefusedRequestFacts) => void) | undefined;
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
const SERVER_OPTIONS = {
  ...RULES_OPTIONS,
  maxHeaderSize: MAX_HEADER_BYTES,
  connectionsCheckingInterval: CHECK_MS,
} as const;

export async function listenHttps(
  app: RequestListener,
  tls: TlsOptions,
  options: ListenOptions & { readonly sessions?: TlsSessions },
): Promise<SecureListener> {
  const handshakeTimeout = options.headerSeconds * 1000;
  const server = createHttpsServer({ ...secureContext(tls), ...SERVER_OPTIONS, handshakeTimeout });
  options.sessions?.serve(server);
  const listener = await start(server, app, 'https', options);
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
  return start(createHttpServer(SERVER_OPTIONS), app, 'http', options);
}

async function start(
  server: Server | HttpsServer,
  app: RequestListener,
  scheme: 'http' | 'https',
  options: ListenOptions,
): Promise<Listener> {
  const state = { draining: false };
  server.requestTimeout = options.requestSeconds * 1000;
  server.headersTimeout = Math.min(options.requestSeconds, options.headerSeconds) * 1000;
  // One more than is allowed, so that too many can be told from just enough; what has still more the parser refuses itself.
  server.maxHeadersCount = options.maxHeaders + 1;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const { held, proxies, onRefused } = options;
  held.countAddresses(server, proxies?.trusted ?? (() => false), (address) =>
    onRefused?.({ refusal: 'address-connections', address }),
  );
  server.on('drop', (dropped?: DropArgument) =>
    onRefused?.({ refusal: 'connections', address: dropped?.remoteAddress ?? '' }),
  );
  limitSending(server, {
    seconds: options.requestSeconds,
    event: scheme === 'https' ? 'secureConnection' : 'connection',
    everyMs: CHECK_MS,
  });
  applyRules(server, app, options, state);
  if (scheme === 'https' && proxies?.proxyProtocol)
    expectProxyHeaders(server, { trusted: proxies.trusted, timeoutMs: options.headerSeconds * 1000 });
  // Behind that: a connection counts from its beginning, whether or not its header ever comes.
  held.countAll(server);
  const { host, port } = splitHostPort(options.hostPort);
  await new Promise<void>((resolve, reject) => {
    // For good: while it listens, this is a connection that could not be accepted, and no reason to end the others.
    server.on('error', (error) => reject(cannotListen(options.hostPort, error)));
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
