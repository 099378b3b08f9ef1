// One domain controller: opens bound ldapts clients to it and sorts its failures. A client is one connection here; it is thrown away
// when the connection ends, because ldapts would reconnect it silently and unauthenticated.

import { connect as connectPlain, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  type SecureContext,
} from 'node:tls';
import { Client, InvalidCredentialsError, ResultCodeError } from 'ldapts';
import { DirectoryError } from './errors.ts';

export interface ControllerOptions {
  /** `ldaps://host[:port]`, or `ldap://host[:port]` with StartTLS or an explicit permission for plain text. */
  readonly url: string;
  readonly startTls: boolean;
  /** Trusted CA certificates (PEM); undefined means Node's own roots. */
  readonly ca: readonly string[] | undefined;
  /** Name the certificate must carry, when it is not the URL's host. */
  readonly tlsServerName: string | undefined;
  readonly connectTimeoutMs: number;
  readonly operationTimeoutMs: number;
}

/** How a failed operation is to be judged. */
export type FailureKind =
  /** The controller or the way to it is at fault; another controller may answer a read. */
  | 'transport'
  /** The directory understood and refused; another controller would say the same. */
  | 'refused';

/** Firewalls drop connections that lie idle, some after minutes and without a word: a probe keeps them, or finds that they are gone. */
const KEEP_ALIVE_MS = 30_000;

const BUSY = 51;
const UNAVAILABLE = 52;
const REFERRAL = 10;

/** LDAP result codes are refusals, but for busy, unavailable and referral; everything else is the transport's fault. */
export function failureKind(error: unknown): FailureKind {
  if (!(error instanceof ResultCodeError)) return 'transport';
  return declines(error) ? 'transport' : 'refused';
}

/** True when the controller answered that it has not done what it was asked: a password that it declined to check was not judged. */
export function declines(error: unknown): boolean {
  return error instanceof ResultCodeError && [BUSY, UNAVAILABLE, REFERRAL].includes(error.code);
}

/** True for a controller that sends the client to others. That may be the controller's fault, or the way it is with what was asked for. */
export function refers(error: unknown): boolean {
  return error instanceof ResultCodeError && error.code === REFERRAL;
}

/** A message without the code suffixes of ldapts, for logs. */
export function failureText(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(failureText).join('; ');
  if (error instanceof Error) return error.message || ((error as NodeJS.ErrnoException).code ?? error.name);
  return String(error);
}

/** One connection to a controller, made by its first bind. */
export class ControllerConnection {
  readonly client: Client;
  readonly #options: ControllerOptions;
  #established = false;
  #sent = false;
  #socket: Socket | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
    const watch = (socket: Socket, event: 'connect' | 'secureConnect'): Socket => {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      this.#socket = socket;
      if (!options.startTls) socket.once(event, () => this.#setEstablished());
      return socket;
    };
    // ldapts reopens a lost connection by itself, but without the bind: a directory then answers "nothing there" to searches.
    let opened = false;
    const once = () => {
      if (opened) throw new Error('the connection was lost');
      opened = true;
    };
    const plain = (port: number, host: string) => {
      once();
      return watch(connectPlain(port, host), 'connect');
    };
    const secure = (...args: Parameters<typeof connectTls>) => {
      // StartTLS comes with the socket of the plain connection and opens none.
      if (!options.startTls) once();
      return watch(connectTls(...args), 'secureConnect');
    };
    this.client = new Client({
      url: options.url,
      strictDN: false,
      timeout: options.operationTimeoutMs,
      connectTimeout: options.connectTimeoutMs,
      ...(isSecure(options.url) ? { tlsOptions: tlsOptions(options) } : {}),
      createConnection: plain as typeof connectPlain,
      createSecureConnection: secure as typeof connectTls,
    });
  }

  /** True once the credential of the last `bind` may have been sent: from then on it must not be tried on another controller. */
  get sent(): boolean {
    return this.#sent;
  }

  /** False when the connection is known to have ended, or to be ending: nothing would be answered on it any more. */
  get isOpen(): boolean {
    return this.client.isConnected && this.#socket?.readyState === 'open' && !this.#socket.readableEnded;
  }

  /** True when the other side has ended the connection or it broke; false when it was closed here, or for want of an answer. */
  get wasCut(): boolean {
    return this.#socket !== undefined && (this.#socket.readableEnded || this.#socket.errored !== null);
  }

  /** Connects, upgrades with StartTLS where asked, and binds. Errors are ldapts' or Node's own. */
  async bind(bindName: string, password: string): Promise<void> {
    if (password === '') throw new DirectoryError('configuration', 'an empty password must be refused before binding');
    this.#sent = false;
    if (this.#options.startTls && !this.#established) await this.#startTls();
    // On a connection that stands the bind is written at once, else as soon as it does.
    this.#sent = this.isOpen;
    if (this.#established && !this.#sent) throw new Error('the connection was lost');
    await this.client.bind(bindName, password);
  }

  /** What is under way on it fails. */
  close(): void {
    // ldapts forgets who waits for a connection that does not stand yet.
    if (this.#established) this.client.unbind().catch(() => undefined);
    else this.#socket?.destroy(new Error('the connection was given up while it was opened'));
  }

  /** ldapts itself would wait for the handshake for ever. */
  async #startTls(): Promise<void> {
    const { connectTimeoutMs, operationTimeoutMs } = this.#options;
    const late = () => this.#socket?.destroy(new Error('TLS did not come about in time'));
    const timer = setTimeout(late, connectTimeoutMs + operationTimeoutMs);
    try {
      await this.client.startTLS(tlsOptions(this.#options));
      this.#setEstablished();
    } finally {
      clearTimeout(timer);
    }
  }

  #setEstablished(): void {
    this.#established = true;
    this.#sent = true;
  }
}

/** The host part of an LDAP URL, as certificates and logs name it. */
export function controllerHost(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '');
}

function isSecure(url: string): boolean {
  return url.toLowerCase().startsWith('ldaps:');
}

/** One for all connections to a controller: reading the certificates anew each time would cost most of what a password check costs. */
const contexts = new WeakMap<ControllerOptions, SecureContext>();

function contextOf(options: ControllerOptions): SecureContext {
  const known = contexts.get(options);
  if (known) return known;
  const made = createSecureContext({ minVersion: 'TLSv1.2', ...(options.ca ? { ca: [...options.ca] } : {}) });
  contexts.set(options, made);
  return made;
}

function tlsOptions(options: ControllerOptions): ConnectionOptions {
  const host = options.tlsServerName ?? controllerHost(options.url);
  return {
    rejectUnauthorized: true,
    secureContext: contextOf(options),
    host: controllerHost(options.url),
    // The configured name decides, be it a host name or an address; node:tls alone would compare an address with the URL's host.
    checkServerIdentity: (_host, certificate) => checkServerIdentity(host, certificate),
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
  };
}

/**
 * Why a bind failed with invalidCredentials: the hexadecimal sub-code that Active Directory puts into the message
 * (`... data 52e, ...`), or undefined when there is none. Undefined altogether for other errors.
 */
export function rejectedReason(error: unknown): string | undefined {
  if (!(error instanceof InvalidCredentialsError)) return undefined;
  return /data ([0-9a-f]+)/i.exec(error.message)?.[1]?.toLowerCase() ?? 'unknown';
}

/** The error for a service account that a controller refused. */
export function serviceAccountRejected(bindName: string, url: string, reason: string, cause: unknown): DirectoryError {
  return new DirectoryError(
    'service-account-rejected',
    `binding to ${url} as the service account ${bindName} was refused (${explainBindCode(reason)}): check directory.bindDn and directory.passwordFile`,
    { cause },
  );
}

/** What the sub-codes of a refused bind mean (Win32 logon errors in hexadecimal). */
export function explainBindCode(code: string): string {
  const meanings: Record<string, string> = {
    '525': 'no such account',
    '52e': 'wrong name or password',
    '530': 'outside the permitted logon hours',
    '531': 'not allowed from this workstation',
    '532': 'password expired',
    '533': 'account disabled',
    '701': 'account expired',
    '773': 'password must be changed first',
    '775': 'account locked out',
  };
  return `${code}: ${meanings[code] ?? 'credentials refused'}`;
}
