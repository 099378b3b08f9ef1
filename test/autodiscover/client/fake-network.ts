// An internet for tests: names, certificates and web servers on loopback. A client built with `client()` reaches only what was put
// here; every other name does not exist. Every request is kept, so that a test can say who was told what.
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, isIP, type LookupFunction, type Server, type Socket } from 'node:net';
import {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
} from '../../../src/autodiscover/client/http-client.ts';
import { serverCertificate, TEST_CA, TEST_KEY } from './test-certificates.ts';

export interface SeenRequest {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** The connection it came on. */
  readonly socket: Socket;
}

export type Handler = (request: SeenRequest, response: ServerResponse) => void;

export interface HostOptions {
  /** Names in its certificate; its own name when absent. */
  readonly names?: readonly string[];
  /** Days until the certificate ends. */
  readonly days?: number;
  readonly issuer?: string;
  /** Of the signature. */
  readonly digest?: 'sha1' | 'sha256';
}

export class FakeNetwork {
  readonly seen: SeenRequest[] = [];
  readonly #ports = new Map<string, number>();
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  /** An https server on port 443 of `name`. */
  async https(name: string, handler: Handler, options: HostOptions = {}): Promise<void> {
    const cert = serverCertificate(options.names ?? [name], options.days, options.issuer, options.digest);
    // Servers of the time send what today's OpenSSL does not even load.
    const ciphers = options.digest === 'sha1' ? 'DEFAULT@SECLEVEL=0' : undefined;
    const server = createHttpsServer({ key: TEST_KEY, cert, ciphers }, (req, res) =>
      this.#serve(name, handler, req, res),
    );
    await this.#listen(`${name}:443`, server);
  }

  /** An http server on port 80 of `name`. */
  async http(name: string, handler: Handler): Promise<void> {
    await this.#listen(
      `${name}:80`,
      createHttpServer((req, res) => this.#serve(name, handler, req, res)),
    );
  }

  async #listen(key: string, server: Server): Promise<void> {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#ports.set(key, (server.address() as AddressInfo).port);
    this.#servers.push(server);
  }

  async #serve(host: string, handler: Handler, req: IncomingMessage, res: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of req) body += chunk;
    const { authorization } = req.headers;
    const request = {
      host,
      method: req.method ?? '',
      path: req.url ?? '',
      authorization,
      headers: req.headers,
      body,
      socket: req.socket,
    };
    this.seen.push(request);
    handler(request, res);
  }

  /** The real port behind a name's port. */
  port(name: string, port = 443): number {
    return this.#ports.get(`${name}:${port}`) ?? 1; // nothing listens on port 1
  }

  get lookup(): LookupFunction {
    return (name, options, callback) => {
      const known = [...this.#ports.keys()].some((key) => key.startsWith(`${name}:`)) || name === 'localhost';
      if (!known) {
        callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }), '');
      } else if (options.all) {
        callback(null, [{ address: '127.0.0.1', family: 4 }]);
      } else {
        callback(null, '127.0.0.1', 4);
      }
    };
  }

  options(overrides: Partial<HttpClientOptions> = {}): HttpClientOptions {
    return {
      timeoutMs: 5000,
      ca: TEST_CA,
      lookup: this.lookup,
      connectTo: (host, port) => ({ host: isIP(host) ? '127.0.0.1' : host, port: this.port(host, port) }),
      ...overrides,
    };
  }

  client(overrides: Partial<HttpClientOptions> = {}): HttpClient {
    return createHttpClient(this.options(overrides));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(
      this.#servers.map(async (server) => {
        server.close();
        await once(server, 'close');
      }),
    );
  }
}
