// What the commands need from outside, built once by the program and by each test.
import type { ProtocolStep } from '../apply/protocol.ts';
import type { Config } from '../config.ts';
import type { Source } from './source.ts';

/** A stream that may be a terminal. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The Server and ServerDN of an Autodiscover answer. */
export interface DiscoveredServer {
  readonly server: string;
  readonly serverDn: string | undefined;
}

export type DiscoverAnswer =
  | ({ readonly kind: 'server' } & DiscoveredServer)
  | { readonly kind: 'none'; readonly detail: string };

/** Asks Autodiscover for an e-mail address. */
export type Discover = (address: string) => Promise<DiscoverAnswer>;

export interface AutodiscoverOptions {
  /** The one server to ask, instead of searching. */
  readonly server: string | undefined;
  /** Logs on with a password as this user; with the own Kerberos ticket when absent. */
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
  /** PEM file of certificates to trust. */
  readonly ca: string | undefined;
  /** Hosts and domains outside the mail domain that may be asked. */
  readonly trust: readonly string[];
}

export interface LiveSelection {
  /** SID of one user with a loaded hive. */
  readonly user: string | undefined;
  readonly allUsers: boolean;
}

export interface EndpointAnswer {
  readonly answers: boolean;
  /** What was found or what went wrong, for people. */
  readonly detail: string;
}

export interface MigratorDeps {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly config: Config;
  readonly program: string;
  readonly now: () => Date;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** The live registry; absent where there is none. */
  readonly openLive?: (selection: LiveSelection) => Promise<Source[]>;
  /** The Autodiscover client. */
  readonly openAutodiscover?: (options: AutodiscoverOptions) => Promise<Discover>;
  /** A saved Autodiscover answer. @throws UsageError `settings-file`. */
  readonly readSettings?: (path: string) => Promise<DiscoveredServer>;
  /** Called between the steps of the apply protocol. */
  readonly step?: (step: ProtocolStep) => void;
  /** Whether a host answers on the RPC endpoint mapper for Exchange's interface. */
  readonly checkEndpoint?: (host: string) => Promise<EndpointAnswer>;
}
