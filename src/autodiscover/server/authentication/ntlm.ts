// NTLM over HTTP, verified by winbind's ntlm_auth: three legs on one TCP connection, whose state belongs to the socket. Serves the NTLM
// scheme with raw messages, and Negotiate with NTLM inside SPNEGO. No part of NTLM is computed here.

import type { Socket } from 'node:net';
import { failureText } from '../../../ldap/controller.ts';
import type { Directory } from '../../../ldap/directory.ts';
import type { Account } from '../../../ldap/recipient.ts';
import type { AuthenticationOutcome, AuthenticationScheme } from './authenticator.ts';
import type { Guard } from './guard.ts';
import type { HelperPool } from './helper-pool.ts';
import { HelperFailure, type HelperProcess } from './helper-process.ts';
import { type Attempt, unavailable } from './logon-guard.ts';
import { claimedName, settlesOnUnicode } from './ntlm-name.ts';
import { refusalOfStatus } from './refusal.ts';

/** A first message as clients send it ([MS-NLMP] 2.2.1.1 NEGOTIATE_MESSAGE): signature, type 1, Unicode + NTLM flags, no names. */
export const PROBE_MESSAGE = Buffer.concat([
  Buffer.from('NTLMSSP\0', 'latin1'),
  Buffer.from('0100000007820800', 'hex'),
  Buffer.alloc(16),
]).toString('base64');

/** Milliseconds a client may take between its two legs. */
const HANDSHAKE_MS = 30_000;
const MAX_HANDSHAKES = 2_000;

interface Handshake {
  readonly helper: HelperProcess;
  readonly finish: (clean: boolean) => void;
  /** What the challenge settled on, once there is one. */
  unicode: boolean | undefined;
}

/** The handshake over a pool of helpers, for one scheme name. */
export class NtlmHandshakes {
  readonly #pool: HelperPool;
  readonly #directory: Directory;
  readonly #scheme: string;
  readonly #guard: Guard;
  readonly #running = new Map<Socket, Handshake>();
  /** Connections of which a leg is under way. */
  readonly #stepping = new WeakSet<Socket>();

  constructor(pool: HelperPool, directory: Directory, guard: Guard, scheme: 'NTLM' | 'Negotiate') {
    this.#pool = pool;
    this.#directory = directory;
    this.#guard = guard;
    this.#scheme = scheme;
  }

  get available(): boolean {
    return this.#pool.open;
  }

  /** One leg. `token` is base64, already checked to be so. Never rejects. */
  async step(token: string, socket: Socket, address: string): Promise<AuthenticationOutcome> {
    // Each leg answers the one before. Several at once would take a helper each, of which only the last would be given back.
    if (this.#stepping.has(socket))
      return { outcome: 'challenge', reason: 'a leg that did not wait for the one before' };
    this.#stepping.add(socket);
    try {
      return await this.#step(token, socket, address);
    } finally {
      this.#stepping.delete(socket);
    }
  }

  async #step(token: string, socket: Socket, address: string): Promise<AuthenticationOutcome> {
    const current = this.#running.get(socket);
    if (current) return this.#lastLeg(current, token, socket, address);
    if (this.#running.size >= MAX_HANDSHAKES) return { outcome: 'unavailable', reason: 'too many NTLM handshakes' };
    const helper = await this.#pool.take();
    if (!helper) return { outcome: 'unavailable', reason: 'no NTLM helper process is free' };
    if (socket.destroyed) {
      this.#pool.release(helper, true);
      return { outcome: 'challenge', reason: 'the client went away' };
    }
    return this.#answer(this.#begin(helper, socket), `YR ${token}`, socket);
  }

  #begin(helper: HelperProcess, socket: Socket): Handshake {
    const abandon = () => handshake.finish(false);
    const timer = setTimeout(abandon, HANDSHAKE_MS);
    timer.unref();
    socket.once('close', abandon);
    const handshake: Handshake = {
      helper,
      unicode: undefined,
      finish: (clean) => {
        if (this.#running.get(socket) !== handshake) return;
        this.#running.delete(socket);
        clearTimeout(timer);
        socket.off('close', abandon);
        this.#pool.release(helper, clean);
      },
    };
    this.#running.set(socket, handshake);
    return handshake;
  }

  /** The leg that carries the proof of the password, and the name it is for: counted like any other password. */
  async #lastLeg(handshake: Handshake, token: string, socket: Socket, address: string): Promise<AuthenticationOutcome> {
    const name = claimedName(Buffer.from(token, 'base64'), handshake.unicode) ?? '';
    const attempts: Attempt[] = [];
    let settled: 'failed' | 'succeeded' | 'unjudged' = 'unjudged';
    try {
      const refused = await this.#guard.refusal(name, address);
      const attempt = refused ?? (await this.#guard.beginName(name, address));
      if ('refusal' in attempt) {
        handshake.finish(false);
        return unavailable(attempt, name);
      }
      attempts.push(attempt);
      if (name === '') {
        // Counted for no account, it would come on top of what that may fail.
        handshake.finish(false);
        settled = 'failed';
        return { outcome: 'challenge', reason: 'no readable name in the NTLM message', refusal: 'refused' };
      }
      const account = await this.#accountOf(name);
      const atAccount = account && (await this.#guard.beginAccount(account.distinguishedName, name, address));
      if (account && !atAccount) {
        handshake.finish(false);
        settled = 'failed';
        return { outcome: 'challenge', reason: 'failed too often to be tried', refusal: 'account-budget', name };
      }
      if (atAccount) attempts.push(atAccount);
      const outcome = await this.#answer(handshake, `KK ${token}`, socket);
      if (outcome.outcome === 'caller') settled = 'succeeded';
      else if (outcome.outcome === 'challenge' && outcome.refusal !== undefined) settled = 'failed';
      return outcome.outcome === 'caller' ? outcome : { ...outcome, name };
    } catch (error) {
      handshake.finish(false);
      return { outcome: 'unavailable', reason: `NTLM: ${failureText(error)}`, name };
    } finally {
      for (const attempt of attempts) attempt.settle(settled);
    }
  }

  /** The account whose password the last leg may be about: winbind may try a name of a domain that the forest does not have in its own. */
  async #accountOf(name: string): Promise<Account | undefined> {
    const account = await this.#directory.findWindowsAccount(name);
    const backslash = name.indexOf('\\');
    if (account || backslash < 0) return account;
    const bare = name.slice(backslash + 1);
    return bare === '' ? undefined : this.#directory.findWindowsAccount(bare);
  }

  async #answer(handshake: Handshake, line: string, socket: Socket): Promise<AuthenticationOutcome> {
    try {
      return await this.#judge(await handshake.helper.ask(line), handshake);
    } catch (error) {
      handshake.finish(false);
      if (error instanceof HelperFailure && !socket.destroyed) this.#pool.report(error);
      return { outcome: 'unavailable', reason: `NTLM: ${failureText(error)}` };
    }
  }

  /** `TT token` goes on; `AF [token] DOMAIN\user` is in; `NA` is refused; `BH` is trouble of the helper's. */
  async #judge(answer: string, handshake: Handshake): Promise<AuthenticationOutcome> {
    const [verdict, ...rest] = answer.split(' ');
    if (verdict === 'TT' && rest[0]) {
      handshake.unicode ??= settlesOnUnicode(Buffer.from(rest[0], 'base64'));
      return { outcome: 'challenge', reason: 'handshake', header: `${this.#scheme} ${rest[0]}` };
    }
    // Only a whole handshake shows that helpers work: one that dies at every second leg is of no use.
    this.#pool.report('answered');
    handshake.finish(true);
    if (verdict === 'AF') return this.#accepted(rest);
    if (verdict === 'NA') {
      const status = rest.filter((word) => word !== '*').join(' ');
      return { outcome: 'challenge', reason: `NTLM refused: ${status}`, refusal: refusalOfStatus(status) };
    }
    return { outcome: 'challenge', reason: `NTLM helper: ${answer.slice(0, 200)}` };
  }

  async #accepted(rest: readonly string[]): Promise<AuthenticationOutcome> {
    const token = this.#scheme === 'Negotiate' ? rest[0] : undefined;
    const name = rest.slice(token === undefined ? 0 : 1).join(' ');
    const account = await this.#directory.findWindowsAccount(name);
    if (!account) return { outcome: 'challenge', reason: 'authenticated, but no such account in the directory', name };
    return {
      outcome: 'caller',
      caller: { name, account, scheme: this.#scheme },
      // An NTLM client authenticates its connection once and sends nothing with later requests.
      keepsConnection: true,
      ...(token !== undefined && token !== '*' ? { header: `${this.#scheme} ${token}` } : {}),
    };
  }
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The `NTLM` scheme. */
export function ntlmScheme(handshakes: NtlmHandshakes): AuthenticationScheme {
  return {
    name: 'NTLM',
    challenge: 'NTLM',
    get available() {
      return handshakes.available;
    },
    async authenticate(credentials, socket, address) {
      if (credentials === '') return { outcome: 'challenge', reason: 'empty NTLM header' };
      if (!BASE64.test(credentials) || !isNtlmMessage(credentials))
        return { outcome: 'challenge', reason: 'not an NTLM message' };
      return handshakes.step(credentials, socket, address);
    },
  };
}

/** True when base64 text decodes to a raw NTLM message. */
function isNtlmMessage(token: string): boolean {
  return Buffer.from(token, 'base64').subarray(0, 8).equals(Buffer.from('NTLMSSP\0', 'latin1'));
}
