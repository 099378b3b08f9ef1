// Sockets for the apps: HTTPS with certificates that can be exchanged while it runs, plain HTTP, and a stop that lets exchanges finish.

import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { AutodiscoverError } from '../errors.ts';

export interface ListenOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly hostPort: string;
  readonly requestSeconds: number;
  readonly maxConnections: number;
}

export interface Listener {
  /** `https://127.0.0.1:8443`, with the port that was really taken. */
  readonly url: string;
  /** Accepts no more, lets running exchanges finish, and cuts what is left after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

export interface SecureListener extends Listener {
  /** New connections get the new certificates; open ones keep theirs. */
  replaceCertificates(options: SecureContextOptions): void;
}

/** Kerberos tickets of accounts with many groups make headers of up to 64 KiB. */
const MAX_HEADER_BYTES = 98_304;
const KEEP_ALIVE_MS = 65_000;
/** While stopping, the time between two looks for connections that have become idle. */
const SWEEP_MS = 50;

export async function listenHttps(
  app: RequestListener,
  certificates: SecureContextOptions,
  options: ListenOptions,
): Promise<SecureListener> {
  const server = createHttpsServer({ ...certificates, maxHeaderSize: MAX_HEADER_BYTES }, app);
  const listener = await start(server, 'https', options);
  return { ...listener, replaceCertificates: (fresh) => server.setSecureContext(fresh) };
}

export async function listenHttp(app: RequestListener, options: ListenOptions): Promise<Listener> {
  return start(createHttpServer({ maxHeaderSize: MAX_HEADER_BYTES }, app), 'http', options);
}

async function start(server: Server | HttpsServer, scheme: string, options: ListenOptions): Promise<Listener> {
  server.requestTimeout = options.requestSeconds * 1000;
  server.headersTimeout = Math.min(options.requestSeconds, 20) * 1000;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = options.maxConnections;
  const { host, port } = splitHostPort(options.hostPort);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(options.hostPort, error)));
    server.listen(port, host, resolve);
  });
  const taken = (server.address() as AddressInfo).port;
  return {
    url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    stop: (graceMs) => stop(server, graceMs),
  };
}

function stop(server: Server | HttpsServer, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    // A connection that is kept alive becomes idle only when its last answer is out; node:http would then wait for the client.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(sweep);
      resolve();
    });
    server.closeIdleConnections();
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
