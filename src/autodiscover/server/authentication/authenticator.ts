// From an Authorization header to a caller, through the configured schemes in their order. Whatever is wrong with the credentials, the
// client sees the same 401; the reason is for the log. Faults of ours are no 401: a client would drop a good password.

import type { Socket } from 'node:net';
import type { Account } from '../../../ldap/recipient.ts';
import type { Refusal } from './refusal.ts';

export interface Caller {
  /** The name as the client gave it, for the log. */
  readonly name: string;
  readonly account: Account;
  /** The scheme by which he logged on, as in the header. */
  readonly scheme: string;
}

export type AuthenticationOutcome =
  /** `keepsConnection`: later requests of this connection without credentials are this caller's. */
  | {
      readonly outcome: 'caller';
      readonly caller: Caller;
      readonly header?: string;
      readonly keepsConnection?: boolean;
    }
  /**
   * 401. `header` replaces the scheme's bare challenge in a handshake of several legs. `refusal` is there when credentials were judged
   * and not good; `repeated` when they were the same wrong ones as a moment ago.
   */
  | {
      readonly outcome: 'challenge';
      readonly reason: string;
      readonly name?: string;
      readonly header?: string;
      readonly refusal?: Refusal;
      readonly repeated?: boolean;
    }
  /** 503: the credentials could not be judged. `refusal` is there when they were not looked at because too many failed before. */
  | {
      readonly outcome: 'unavailable';
      readonly reason: string;
      readonly name?: string;
      readonly refusal?: Refusal;
      readonly retryAfterSeconds?: number;
      /** The directory could not be asked. */
      readonly isOutage?: boolean;
    };

export interface AuthenticationScheme {
  /** As in the header: `Basic`, `Negotiate`, `NTLM`. */
  readonly name: string;
  /** The bare challenge: a whole WWW-Authenticate value. */
  readonly challenge: string;
  /** False while the scheme could not complete: it is then not offered. */
  readonly available: boolean;
  /** `credentials` is what follows the scheme's name; `address` is the client's, as it is counted. Never rejects. */
  authenticate(credentials: string, socket: Socket, address: string): Promise<AuthenticationOutcome>;
}

/** Longest Authorization header that is looked at, in characters; Kerberos tickets with many groups reach 48 KiB. */
const MAX_AUTHORIZATION = 65_536;

export class Authenticator {
  readonly #schemes: readonly AuthenticationScheme[];
  /** By the name in small letters. */
  readonly #byName: ReadonlyMap<string, AuthenticationScheme>;
  readonly #connections = new WeakMap<Socket, { readonly caller: Caller; readonly address: string }>();

  constructor(schemes: readonly AuthenticationScheme[]) {
    this.#schemes = schemes;
    this.#byName = new Map(schemes.map((scheme) => [scheme.name.toLowerCase(), scheme]));
  }

  /** The WWW-Authenticate values of a 401, in the configured order; in the middle of a handshake only its own. */
  challenges(handshake?: string): string[] {
    if (handshake !== undefined) return [handshake];
    return this.#schemes.filter((scheme) => scheme.available).map((scheme) => scheme.challenge);
  }

  async authenticate(header: string | undefined, socket: Socket, address: string): Promise<AuthenticationOutcome> {
    if (header === undefined) {
      const known = this.#connections.get(socket);
      // A proxy that sends several clients over one connection must not lend one's name to another.
      if (known?.address === address) return { outcome: 'caller', caller: known.caller };
      return { outcome: 'challenge', reason: known ? 'another client on the same connection' : 'no credentials' };
    }
    // New credentials replace those the connection had, whatever becomes of them.
    this.#connections.delete(socket);
    if (header.length > MAX_AUTHORIZATION) return { outcome: 'challenge', reason: 'Authorization header too long' };
    // A name, then spaces (RFC 9110 11.4), or tabs as some write, then what the scheme reads.
    const end = header.search(/[ \t]/);
    const scheme = this.#byName.get((end < 0 ? header : header.slice(0, end)).toLowerCase());
    if (!scheme?.available) return { outcome: 'challenge', reason: 'a scheme that is not offered' };
    const outcome = await scheme.authenticate(end < 0 ? '' : header.slice(end).trim(), socket, address);
    if (outcome.outcome === 'caller' && outcome.keepsConnection)
      this.#connections.set(socket, { caller: outcome.caller, address });
    return outcome;
  }
}
