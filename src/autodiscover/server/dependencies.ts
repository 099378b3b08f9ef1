// What the HTTP face is built from; made once by the serve command, and by tests.

import type { Directory } from '../../ldap/directory.ts';
import type { Logger } from '../log.ts';
import type { ResolveOptions } from '../settings/resolve.ts';
import type { Authenticator } from './authentication/authenticator.ts';
import type { MailboxAccess } from './mailbox-access.ts';
import type { ServiceMetrics } from './metrics.ts';

export interface AppDependencies {
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  readonly resolveOptions: ResolveOptions;
  /** Holds callers to their own mailboxes; undefined where they may ask for everybody's. */
  readonly mailboxAccess?: MailboxAccess | undefined;
  /** The service's own https origin, as clients reach it. */
  readonly publicUrl: string;
  /** Mail domains served; empty for the DNS domains of the forest. */
  readonly domains: readonly string[];
  readonly log: Logger;
  readonly clock: () => Date;
  /** A constant per server, printed as the Id of error answers: an unsigned 32-bit number. */
  readonly serverId: number;
  /** Largest accepted request body in bytes, after decompression. */
  readonly maxBodyBytes: number;
  /** A snapshot older than this makes the service not ready, in milliseconds. */
  readonly maxSnapshotAgeMs: number;
  /** True once the service was told to stop. */
  readonly stopping?: () => boolean;
  /** Log the headers and the beginning of each request. */
  readonly logRequests?: boolean;
  readonly metrics?: ServiceMetrics | undefined;
}
