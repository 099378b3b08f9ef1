// One connection, one request after the other, on node:https: what the Autodiscover client needs and fetch does not give - the
// certificate as seen, a connection that stays the same between the legs of Negotiate, redirects left alone, and names that can be
// led to another address without touching what the certificate is checked against.

import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { checkServerIdentity, type PeerCertificate, TLSSocket } from 'node:tls';
import { errorCode, errorText, type NetworkFailure, networkFailure } from './network-failure.ts';

/** Limits on what a server may send. Node itself caps the headers at 16 KiB. */
const HTTP_LIMITS = { bodyBytes: 2 * 1024 * 1024 } as const;

/** Why there was no HTTP answer. */
export type HttpFailure =
  | NetworkFailure
  | 'timeout'
  | 'certificate-name'
  | 'certificate-untrusted'
  | 'certificate-expired'
  | 'tls'
  | 'too-large';

/** What the handshake showed. */
export interface TlsFacts {
  /** `TLSv1.2`, `TLSv1.3`. */
  readonly protocol: string;
  /** The certificate's subject common name, and its alternative names as `DNS:...` entries. */
  readonly subject: string;
  readonly names: string;
  readonly issuer: string;
  /** End of validity as the certificate prints it. */
  readonly validTo: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'HEAD' | 'OPTIONS';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What it says is for the connection that it is sent on, and for no other. */
  readonly boundToConnection?: boolean;
}

/** `repeated`: sent once more, because the kept connection was closed before any answer. */
export interface HttpAnswer {
  readonly kind: 'answer';
  readonly repeated?: boolean;
  readonly status: number;
  /** Header values by lower-case name, repeated headers as separate entries. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Uint8Array;
  readonly remoteAddress: string | undefined;
  readonly tls: TlsFacts | undefined;
}

export type HttpOutcome =
  | HttpAnswer
  | {
      readonly kind: 'failed';
      readonly reason: HttpFailure;
      readonly detail: string;
      readonly repeated?: boolean;
    };

/** Requests sent through one connection share its socket as long as the server keeps it open. */
export interface HttpConnection {
  send(request: HttpRequest): Promise<HttpOutcome>;
  close(): void;
}

export interface HttpClient {
  open(): HttpConnection;
}

export interface HttpClientOptions {
  /** For one request, everything together, in milliseconds. */
  readonly timeoutMs: number;
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string | readonly string[];
  /** Name resolution, as `net.connect` takes it; the system's own when absent. */
  readonly lookup?: LookupFunction;
  /** Where a connection for this host and port really goes; Host header, SNI and certificate check stay as they are. */
  readonly connectTo?: (host: string, port: number) => { readonly host: string; readonly port: number };
}

/** A client that verifies every certificate. There is no option to turn that off. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  return {
    open() {
      const agents = {
        'http:': new HttpAgent({ keepAlive: true, maxSockets: 1 }),
        'https:': new HttpsAgent({ keepAlive: true, maxSockets: 1 }),
      };
      return {
        send: (request) => send(request, options, agents),
        close() {
          for (const agent of Object.values(agents)) agent.destroy();
        },
      };
    },
  };
}

type Agents = { readonly 'http:': HttpAgent; readonly 'https:': HttpsAgent };

/**
 * Sends once more, on a new connection, when a kept one turns out to have been closed by the server in the meantime: no byte of an answer
 * came, and all that is sent here are queries (RFC 9110 9.2.2).
 */
async function send(request: HttpRequest, options: HttpClientOptions, agents: Agents): Promise<HttpOutcome> {
  const deadline = performance.now() + options.timeoutMs;
  const { outcome, mayRepeat } = await sendOnce(request, options, agents, options.timeoutMs);
  if (!mayRepeat || request.boundToConnection) return outcome;
  const again = await sendOnce(request, options, agents, deadline - performance.now());
  return { ...again.outcome, repeated: true };
}

type Sent = { readonly outcome: HttpOutcome; readonly mayRepeat: boolean };

async function sendOnce(
  request: HttpRequest,
  options: HttpClientOptions,
  agents: Agents,
  leftMs: number,
): Promise<Sent> {
  const { promise, resolve } = Promise.withResolvers<HttpOutcome>();
  let outgoing: ClientRequest;
  try {
    outgoing = open(request, options, agents);
  } catch (error) {
    // Node refuses header values and ports it cannot send; an address or a redirect target may carry such.
    return { outcome: failure(error), mayRepeat: false };
  }
  const timer = setTimeout(() => {
    resolve({ kind: 'failed', reason: 'timeout', detail: `no answer within ${options.timeoutMs} ms` });
    outgoing.destroy();
  }, leftMs);
  let socket: Socket | undefined;
  let readBefore = 0;
  outgoing.on('socket', (given) => {
    socket = given;
    readBefore = given.bytesRead;
  });
  outgoing.on('error', (error) => resolve(failure(error)));
  outgoing.on('response', (response) => {
    // Read now: the socket leaves the response once its body has ended.
    const { remoteAddress } = response.socket;
    const tls = response.socket instanceof TLSSocket ? tlsFacts(response.socket) : undefined;
    collect(response).then(
      (body) => {
        if (body === undefined) {
          outgoing.destroy();
          resolve({ kind: 'failed', reason: 'too-large', detail: `answer longer than ${HTTP_LIMITS.bodyBytes} bytes` });
          return;
        }
        const headers = response.headersDistinct as Record<string, string[]>;
        resolve({ kind: 'answer', status: response.statusCode ?? 0, headers, body, remoteAddress, tls });
      },
      (error: unknown) => resolve(failure(error)),
    );
  });
  // An answer as well, and the connection is another protocol's from here on.
  outgoing.on('upgrade', ({ statusCode, headersDistinct }, upgraded) => {
    const { remoteAddress } = upgraded as Socket;
    upgraded.destroy();
    const headers = headersDistinct as Record<string, string[]>;
    resolve({ kind: 'answer', status: statusCode ?? 0, headers, body: Buffer.alloc(0), remoteAddress, tls: undefined });
  });
  outgoing.end(request.body);
  try {
    const outcome = await promise;
    const wasClosed = outcome.kind === 'failed' && outcome.reason === 'closed' && socket?.bytesRead === readBefore;
    return { outcome, mayRepeat: wasClosed && outgoing.reusedSocket };
  } finally {
    clearTimeout(timer);
  }
}

function open(request: HttpRequest, options: HttpClientOptions, agents: Agents): ClientRequest {
  const { url } = request;
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (secure ? 443 : 80));
  const target = options.connectTo?.(host, port) ?? { host, port };
  const common = {
    ...target,
    method: request.method,
    path: `${url.pathname}${url.search}`,
    headers: {
      Host: url.host,
      ...request.headers,
      ...(request.body !== undefined && { 'Content-Length': String(Buffer.byteLength(request.body)) }),
    },
    setHost: false,
    ...(options.lookup && { lookup: options.lookup }),
  };
  if (!secure) return httpRequest({ ...common, agent: agents['http:'] });
  const numeric = isIP(host) !== 0; // RFC 6066 section 3: an address is not a server name
  return httpsRequest({
    ...common,
    agent: agents['https:'],
    // The certificate is checked against the server name or, where there is none, against the address connected to.
    servername: numeric ? '' : host,
    rejectUnauthorized: true,
    ...(numeric && target.host !== host && { checkServerIdentity: checkAgainst(host) }),
    ...(options.ca !== undefined && { ca: [options.ca].flat() }),
  });
}

/** For an address that connectTo leads elsewhere. Node does not use a connection with a check of its own again, so only here. */
function checkAgainst(host: string): (name: string, certificate: PeerCertificate) => Error | undefined {
  return (_name, certificate) => checkServerIdentity(host, certificate);
}

async function collect(response: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > HTTP_LIMITS.bodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tlsFacts(socket: TLSSocket): TlsFacts {
  const certificate = socket.getPeerCertificate();
  return {
    protocol: socket.getProtocol() ?? '',
    subject: [certificate.subject?.CN].flat().join(', '),
    names: certificate.subjectaltname ?? '',
    issuer: [certificate.issuer?.CN].flat().join(', '),
    validTo: certificate.valid_to ?? '',
  };
}

const CERTIFICATE_FAILURES: Readonly<Record<string, HttpFailure>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate-name',
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate-untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate-untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate-untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate-untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate-untrusted',
  CERT_SIGNATURE_FAILURE: 'certificate-untrusted',
  CERT_REVOKED: 'certificate-untrusted',
  CERT_UNTRUSTED: 'certificate-untrusted',
  INVALID_CA: 'certificate-untrusted',
  INVALID_PURPOSE: 'certificate-untrusted',
  CERT_REJECTED: 'certificate-untrusted',
  CERT_CHAIN_TOO_LONG: 'certificate-untrusted',
  PATH_LENGTH_EXCEEDED: 'certificate-untrusted',
  // Node's code where it has no name for OpenSSL's reason: a key or a signature too weak, such as SHA-1.
  UNSPECIFIED: 'certificate-untrusted',
};

function failure(error: unknown): HttpOutcome {
  const code = errorCode(error);
  const message = errorText(error);
  const reason = CERTIFICATE_FAILURES[code] ?? (/^(ERR_SSL|ERR_TLS|EPROTO)/.test(code) ? 'tls' : networkFailure(code));
  return { kind: 'failed', reason, detail: message.replaceAll(/\s+/g, ' ').slice(0, 300) };
}
