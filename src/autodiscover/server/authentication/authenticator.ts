// From an Authorization header to a caller, through the configured schemes in their order. Whatever is wrong with the credentials, the
// client sees the same 401; the reason is for the log. Faults of ours are no 401: a client would drop a good password.

import type { Socket } from 'node:net';
import type { Account } from '../../../ldap/recipient.ts';

export interface Caller {
  /** The name as the client gave it, for the log. */
  readonly name: string;
  readonly account: Account;
}

export type AuthenticationOutcome =
  | { readonly outcome: 'caller'; readonly caller: Caller; readonly header?: string }
  /** 401. `header` replaces the scheme's bare challenge in a handshake of several legs. */
  | { readonly outcome: 'challenge'; readonly reason: string; readonly name?: string; readonly header?: string }
  /** 503: the credentials could not be judged. */
  | { readonly outcome: 'unavailable'; readonly reason: string; readonly name?: string };

export interface AuthenticationScheme {
  /** As in the header: `Basic`, `Negotiate`, `NTLM`. */
  readonly name: string;
  /** The bare challenge: a whole WWW-Authenticate value. */
  readonly challenge: string;
  /** `credentials` is what follows the scheme's name. Never rejects. */
  authenticate(credentials: string, socket: Socket): Promise<AuthenticationOutcome>;
}

/** Longest Authorization header that is looked at, in characters; Kerberos tickets with many groups reach 48 KiB. */
export const MAX_AUTHORIZATION = 65_536;

export class Authenticator {
  readonly #schemes: readonly AuthenticationScheme[];

  constructor(schemes: readonly AuthenticationScheme[]) {
    this.#schemes = schemes;
  }

  /** The WWW-Authenticate values of a 401, strongest first; a handshake's own header takes its scheme's place. */
  challenges(handshake?: string): string[] {
    if (handshake === undefined) return this.#schemes.map((scheme) => scheme.challenge);
    return [handshake];
  }

  async authenticate(header: string | undefined, socket: Socket): Promise<AuthenticationOutcome> {
    if (header === undefined) return { outcome: 'challenge', reason: 'no credentials' };
    if (header.length > MAX_AUTHORIZATION) return { outcome: 'challenge', reason: 'Authorization header too long' };
    const [, name = '', credentials = ''] = /^\s*([A-Za-z][\w-]*)\s*(.*)$/s.exec(header) ?? [];
    const scheme = this.#schemes.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
    if (!scheme) return { outcome: 'challenge', reason: 'a scheme that is not offered' };
    return scheme.authenticate(credentials.trim(), socket);
  }
}
