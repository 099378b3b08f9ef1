// The embedded directory: an LDAPv3 server in this process, on a real socket, over LDIF. The demo's and the fast tests'
// domain controller. Nothing is stored: a restart forgets all changes.
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, type SecureContextOptions } from 'node:tls';
import { parseDn } from '../distinguished-name.ts';
import { DirectoryError } from '../errors.ts';
import { type LdifRecord, parseLdif } from '../ldif.ts';
import { type AccessOptions, accessRules } from './access.ts';
import { Connection } from './connection.ts';
import { describeContexts } from './contexts.ts';
import type { Entry } from './entry.ts';
import { type Faults, NO_FAULTS } from './faults.ts';
import { loadStore } from './load.ts';
import {
  type ArrivedBind,
  DEFAULT_LIMITS,
  type DirectoryLimits,
  type DirectoryStats,
  type Service,
} from './service.ts';
import type { Store } from './store.ts';

export type { AccessOptions, ArrivedBind, DirectoryLimits, DirectoryStats, Faults };

export type EmbeddedDirectoryOptions = {
  /** The entries, as LDIF text or as records in any order. */
  readonly entries: string | Iterable<LdifRecord>;
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Port to listen on; 0 (the default) takes a free one. */
  readonly port?: number;
  /** Certificate and key (node:tls); `mode` is `ldaps` (the default) or `start-tls` on the plain port. */
  readonly tls?: SecureContextOptions & { readonly mode?: 'ldaps' | 'start-tls' };
  /** Refuse simple binds without TLS (result 8), as domain controllers with signing required do. Default false. */
  readonly requireTls?: boolean;
  /** Who sees and writes what; by default every bound account is an ordinary one. */
  readonly access?: AccessOptions;
  readonly limits?: Partial<DirectoryLimits>;
  readonly faults?: Faults;
  /** Short name of this domain controller; default DC1. */
  readonly hostName?: string;
  /** AD site of this domain controller; default the first of the entries. */
  readonly site?: string;
  /** Answer names of other forests with a referral (Windows) rather than noSuchObject (Samba). Default false. */
  readonly referForeignBases?: boolean;
  /** Serve the empty base as the whole forest, as ports 3268/3269 do. Default false. */
  readonly globalCatalog?: boolean;
  /** Milliseconds since 1970, for account expiry and time stamps. */
  readonly now?: () => number;
  /** Told of each bind as it comes in, before it is answered or suffers a fault; for tests that follow a password. */
  readonly onBind?: (bind: ArrivedBind) => void;
  /** Told of errors in the directory itself; the client in question is cut off with result 80. Default: they are rethrown. */
  readonly onError?: (error: unknown) => void;
};

/** A stored entry as a test wants to see it: names in the directory's spelling. */
export type EntrySnapshot = {
  readonly dn: string;
  readonly attributes: ReadonlyMap<string, readonly (string | Buffer)[]>;
};

export type EmbeddedDirectory = {
  /** `ldap://host:port` or `ldaps://host:port`. */
  readonly url: string;
  readonly port: number;
  readonly stats: Readonly<DirectoryStats>;
  /** The faults in force. */
  readonly faults: Faults;
  /** Replaces the faults; `{}` ends them. Resolves when a `dead: 'refuse'` listener is closed or open again. */
  setFaults(faults: Faults): Promise<void>;
  /** The entry of this name as it stands, without rights applied; undefined when there is none. */
  findEntry(dn: string): EntrySnapshot | undefined;
  /** Number of entries. */
  readonly size: number;
  close(): Promise<void>;
};

/** Loads the entries and listens. @throws DirectoryError when the entries cannot be served or the port cannot be had. */
export async function startEmbeddedDirectory(options: EmbeddedDirectoryOptions): Promise<EmbeddedDirectory> {
  const now = options.now ?? Date.now;
  const records = typeof options.entries === 'string' ? parseLdif(options.entries) : options.entries;
  const store = loadStore(records, now);
  const contexts = describeContexts(store, options.hostName ?? 'DC1', options.site);
  const mode = options.tls ? (options.tls.mode ?? 'ldaps') : 'plain';
  const service: Service = {
    store,
    contexts,
    rules: accessRules(options.access ?? {}, contexts.configuration?.key),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    search: { referForeignBases: options.referForeignBases ?? false, globalCatalog: options.globalCatalog ?? false },
    stats: { connections: 0, openConnections: 0, binds: 0, failedBinds: 0, searches: 0, writes: 0, protocolErrors: 0 },
    now,
    requireTls: options.requireTls ?? false,
    startTls: mode === 'start-tls',
    faults: options.faults ?? NO_FAULTS,
    onBind: options.onBind,
    onError: options.onError ?? rethrow,
  };
  const listener = new Listener(service, options, mode);
  if (service.faults.dead === 'refuse') await listener.reserve();
  else await listener.open();
  return {
    url: listener.url,
    port: listener.port,
    stats: service.stats,
    get faults() {
      return service.faults;
    },
    get size() {
      return store.size;
    },
    async setFaults(faults) {
      service.faults = faults;
      if (faults.dead) listener.cut();
      if (faults.dead === 'refuse') await listener.close();
      else await listener.open();
    },
    findEntry: (dn) => {
      const entry = store.find(parseDn(dn));
      return entry && snapshot(store, entry);
    },
    async close() {
      listener.cut();
      await listener.close();
    },
  };
}

/** An error nobody handles must not be lost: it surfaces as an uncaught exception. */
function rethrow(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

function snapshot(store: Store, entry: Entry): EntrySnapshot {
  return {
    dn: entry.dn,
    attributes: new Map(entry.names().map((name) => [store.spelling(name), [...entry.get(name)]])),
  };
}

/** The listening socket with its connections; it can close and open again on the same port. */
class Listener {
  port: number;
  private server: Server | undefined;
  private readonly host: string;
  private readonly connections = new Set<Connection>();
  private readonly service: Service;
  private readonly options: EmbeddedDirectoryOptions;
  private readonly mode: 'plain' | 'ldaps' | 'start-tls';

  constructor(service: Service, options: EmbeddedDirectoryOptions, mode: 'plain' | 'ldaps' | 'start-tls') {
    this.service = service;
    this.options = options;
    this.mode = mode;
    this.host = options.host ?? '127.0.0.1';
    this.port = options.port ?? 0;
  }

  get url(): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return `${this.mode === 'ldaps' ? 'ldaps' : 'ldap'}://${host}:${this.port}`;
  }

  async open(): Promise<void> {
    if (this.server) return;
    const server = this.createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        const message = `cannot start the embedded directory on ${this.host}:${this.port}: ${cause.message}`;
        reject(new DirectoryError('embedded-directory', message, { cause }));
      });
      server.listen(this.port, this.host, resolve);
    });
    const address = server.address();
    if (address && typeof address === 'object') this.port = address.port;
    this.server = server;
  }

  /** Finds a free port to refuse connections on. */
  async reserve(): Promise<void> {
    await this.open();
    await this.close();
  }

  close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    return new Promise((resolve) => {
      if (server) server.close(() => resolve());
      else resolve();
    });
  }

  cut(): void {
    for (const connection of this.connections) connection.destroy();
  }

  private createServer(): Server {
    // Answers are many small writes: with Nagle's algorithm each search would wait for a delayed acknowledgement.
    if (this.mode !== 'ldaps') {
      const context = this.mode === 'start-tls' && this.options.tls ? createSecureContext(this.options.tls) : undefined;
      return createTcpServer({ noDelay: true }, (socket) => this.accept(socket, context));
    }
    const server = createTlsServer({ ...this.options.tls, noDelay: true }, (socket) => this.accept(socket, undefined));
    server.on('tlsClientError', () => {
      this.service.stats.protocolErrors += 1;
    });
    return server;
  }

  private accept(socket: Socket, context: ReturnType<typeof createSecureContext> | undefined): void {
    const { stats, limits, faults } = this.service;
    stats.connections += 1;
    if (faults.dead || this.connections.size >= limits.maxConnections) {
      socket.destroy();
      return;
    }
    stats.openConnections += 1;
    const connection: Connection = new Connection(socket, this.service, context, () => {
      this.connections.delete(connection);
      stats.openConnections -= 1;
    });
    this.connections.add(connection);
  }
}
