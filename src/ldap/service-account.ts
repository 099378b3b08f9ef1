// Connections bound as the service account. A password of it that is refused is not tried again for a while, on any controller, because
// every try counts towards lock-out.

import {
  ControllerConnection,
  type ControllerOptions,
  failureText,
  rejectedReason,
  serviceAccountRejected,
} from './controller.ts';
import { DirectoryError } from './errors.ts';

const REFUSED_PAUSE_MS = 60_000;
/** A controller that does not answer the first try of a password keeps it from the others for so long. */
const TRIAL_MS = 3_000;

export class ServiceAccount {
  readonly #bindName: string;
  readonly #read: () => Promise<string>;
  /** The refused password: not tried again, on any controller, before the pause is over or it was changed. */
  #refusal: { readonly password: string; readonly until: number; readonly error: DirectoryError } | undefined;
  /** The password that last worked, and the running first try of another one. */
  #accepted: string | undefined;
  #trial: Promise<void> | undefined;
  readonly #trialMs: number;

  /** `readPassword` is called for each new connection. */
  constructor(bindName: string, readPassword: () => Promise<string>, trialMs: number = TRIAL_MS) {
    this.#bindName = bindName;
    this.#read = readPassword;
    this.#trialMs = trialMs;
  }

  /** False from the moment the account was refused until it is let in again. */
  get isAccepted(): boolean {
    return this.#refusal === undefined;
  }

  /** A new bound connection. Throws DirectoryError `service-account-rejected` or `configuration`, or what the connection throws. */
  async open(controller: ControllerOptions): Promise<ControllerConnection> {
    const password = await this.#readPassword();
    // A password that never worked is tried by one connection first: several refusals at a time could lock the account out.
    while (this.#accepted !== password && this.#trial) await this.#trial;
    const refusal = this.#refusal;
    if (refusal && refusal.password === password && performance.now() < refusal.until) throw refusal.error;
    const opening = this.#bind(controller, password);
    if (this.#accepted === password) return opening;
    const { promise: trial, resolve } = Promise.withResolvers<void>();
    const end = () => {
      clearTimeout(timer);
      if (this.#trial === trial) this.#trial = undefined;
      resolve();
    };
    const timer = setTimeout(end, this.#trialMs).unref();
    this.#trial = trial;
    return opening.finally(end);
  }

  async #bind(controller: ControllerOptions, password: string): Promise<ControllerConnection> {
    const connection = new ControllerConnection(controller);
    try {
      await connection.bind(this.#bindName, password);
      this.#accepted = password;
      this.#refusal = undefined;
      return connection;
    } catch (error) {
      connection.close();
      const reason = rejectedReason(error);
      if (reason === undefined) throw error;
      const rejected = serviceAccountRejected(this.#bindName, controller.url, reason, error);
      this.#accepted = undefined;
      this.#refusal = { password, until: performance.now() + REFUSED_PAUSE_MS, error: rejected };
      throw rejected;
    }
  }

  async #readPassword(): Promise<string> {
    let password: string;
    try {
      password = await this.#read();
    } catch (error) {
      throw new DirectoryError('configuration', `reading the service account's password: ${failureText(error)}`, {
        cause: error,
      });
    }
    if (password === '') throw new DirectoryError('configuration', 'the file of directory.passwordFile is empty');
    return password;
  }
}
