// A small pool of bound connections over an ordered list of domain controllers. Reads fail over to the next controller and return to
// the first when it is back; a refused credential is never tried on another controller, because every try counts towards lock-out.

import {
  ControllerConnection,
  type ControllerOptions,
  failureKind,
  failureText,
  rejectedReason,
  serviceAccountRejected,
} from './controller.ts';
import { currentRequest } from './correlation.ts';
import type { EntryReader } from './entry.ts';
import { DirectoryError } from './errors.ts';
import { PasswordConnections } from './password-connections.ts';
import { type SearchRequest, searchOn } from './search.ts';

export interface PoolOptions {
  readonly controllers: readonly ControllerOptions[];
  readonly bindName: string;
  /** Read at each new connection, so that a changed password file is honoured. */
  readonly readPassword: () => Promise<string>;
  /** Connections kept to the controller in use; requests are pipelined on them. */
  readonly connections: number;
  /** Milliseconds between two tries of a controller that is down: at first, and after many; DEFAULT_RETRY when absent. */
  readonly retry?: RetryIntervals;
  /** Milliseconds for which a connection that checked a password is kept for the next one; 30 seconds when absent. */
  readonly passwordIdleMs?: number;
  readonly onEvent?: (event: PoolEvent) => void;
  readonly onOperation?: (operation: PoolOperation) => void;
}

export interface RetryIntervals {
  readonly firstMs: number;
  readonly longestMs: number;
}

export type PoolEvent =
  | { readonly type: 'controller-down'; readonly url: string; readonly reason: string; readonly retryInMs: number }
  | { readonly type: 'controller-up'; readonly url: string };

/** A search or password check that is over. */
export interface PoolOperation {
  readonly url: string;
  readonly operation: 'search' | 'password-check';
  /** `refused`: the controller answered no; `failed`: it did not answer. */
  readonly outcome: 'done' | 'refused' | 'failed';
  readonly ms: number;
  /** The request's id, when there is one. */
  readonly id: string | undefined;
}

/** A controller and why it does not answer; `failure` is undefined when it does. */
export interface ControllerCheck {
  readonly url: string;
  readonly failure: string | undefined;
}

/** The outcome of checking somebody's password. */
export type PasswordCheck =
  | { readonly outcome: 'accepted' }
  /** `reason` is the sub-code of the refusal, for the log only. */
  | { readonly outcome: 'rejected'; readonly reason: string };

interface ControllerState {
  readonly options: ControllerOptions;
  readonly connections: (Promise<ControllerConnection> | undefined)[];
  readonly forPasswords: PasswordConnections;
  turn: number;
  /** Operations it has not answered, and when it was last heard of, or first asked since. */
  pending: number;
  heardAt: number;
  /** Undefined while the controller is thought to be well. */
  retryAfterMs: number | undefined;
  /** Why it was last given up. */
  failure: string;
  retryTimer: NodeJS.Timeout | undefined;
}

/** An operation that is under way at a controller. */
interface Observation {
  readonly state: ControllerState;
  readonly operation: PoolOperation['operation'];
  readonly began: number;
}

export const DEFAULT_RETRY: RetryIntervals = { firstMs: 1_000, longestMs: 60_000 };
const REFUSED_PAUSE_MS = 60_000;
/** Milliseconds without any answer after which another controller is asked first. */
const SILENT_MS = 1_000;

export class ControllerPool {
  readonly #options: PoolOptions;
  readonly #controllers: readonly ControllerState[];
  readonly #retry: RetryIntervals;
  #closed = false;
  /** The service account's refused password: not tried again, on any controller, before the pause is over or it was changed. */
  #refusal: { readonly password: string; readonly until: number; readonly error: DirectoryError } | undefined;
  /** The service account's password that last worked, and the running first try of another one. */
  #accepted: string | undefined;
  #trial: Promise<ControllerConnection> | undefined;

  constructor(options: PoolOptions) {
    if (options.controllers.length === 0) {
      throw new DirectoryError('configuration', 'no domain controller is configured: give directory.servers');
    }
    this.#options = options;
    this.#retry = options.retry ?? DEFAULT_RETRY;
    this.#controllers = options.controllers.map((controller) => ({
      options: controller,
      connections: new Array(options.connections).fill(undefined),
      forPasswords: new PasswordConnections(controller, options.passwordIdleMs),
      turn: 0,
      pending: 0,
      heardAt: 0,
      retryAfterMs: undefined,
      failure: '',
      retryTimer: undefined,
    }));
  }

  /** Each controller and whether it is thought to be well, in the configured order. */
  status(): { readonly url: string; readonly up: boolean }[] {
    return this.#controllers.map((c) => ({ url: c.options.url, up: c.retryAfterMs === undefined }));
  }

  /**
   * Asks every configured controller now, side by side and on connections of their own, for its root DSE: TCP, TLS and an answer,
   * without credentials. A search alone would never touch a controller that stands behind a good one.
   */
  checkControllers(): Promise<readonly ControllerCheck[]> {
    return Promise.all(
      this.#controllers.map(async ({ options }) => {
        const connection = new ControllerConnection(options);
        try {
          await connection.readRootDse();
          return { url: options.url, failure: undefined };
        } catch (error) {
          return { url: options.url, failure: failureText(error) };
        } finally {
          connection.close();
        }
      }),
    );
  }

  /** False from the moment the service account was refused until it is let in again. */
  get accountAccepted(): boolean {
    return this.#refusal === undefined;
  }

  /** Searches on the first controller that answers. Throws DirectoryError `unreachable` when none does. */
  async search(request: SearchRequest): Promise<EntryReader[]> {
    return this.#onOneController('searching the directory', (connection) => searchOn(connection.client, request));
  }

  /** Runs several searches on one controller, so that their answers belong together. */
  async withOneController<T>(
    task: (search: (request: SearchRequest) => Promise<EntryReader[]>) => Promise<T>,
  ): Promise<T> {
    return this.#onOneController('reading the directory', (connection) =>
      task((request) => searchOn(connection.client, request)),
    );
  }

  /**
   * Checks a password by binding, on a connection where nothing else happens. The next controller is tried only while nothing was sent:
   * the moment a connection stood, the credential may have been seen, and a failure is final. Throws DirectoryError `unreachable`.
   */
  async checkPassword(bindName: string, password: string): Promise<PasswordCheck> {
    const failures = new Map<string, string>();
    for (const state of this.#usable()) {
      const connection = await state.forPasswords.take();
      const observation = this.#observe(state, 'password-check');
      let answered = false;
      try {
        await connection.bind(bindName, password);
        this.#tell(observation, 'done');
        answered = true;
        return { outcome: 'accepted' };
      } catch (error) {
        this.#tellFailure(observation, error);
        const reason = rejectedReason(error);
        answered = reason !== undefined;
        if (reason !== undefined) return { outcome: 'rejected', reason };
        if (error instanceof DirectoryError) throw error;
        failures.set(state.options.url, failureText(error));
        if (failureKind(error) === 'transport') this.#markDown(state, error);
        if (connection.established) break;
      } finally {
        if (answered) state.forPasswords.giveBack(connection);
        else connection.close();
      }
    }
    throw this.#unreachable('checking a password', failures);
  }

  close(): void {
    this.#closed = true;
    for (const state of this.#controllers) {
      clearTimeout(state.retryTimer);
      state.forPasswords.close();
      for (const connection of state.connections.splice(0)) {
        connection?.then((open) => open.close()).catch(() => undefined);
      }
    }
  }

  async #onOneController<T>(doing: string, task: (connection: ControllerConnection) => Promise<T>): Promise<T> {
    const failures = new Map<string, string>();
    for (const state of this.#usable()) {
      const slot = state.turn;
      state.turn = (slot + 1) % this.#options.connections;
      const observation = this.#observe(state, 'search');
      try {
        const answer = await task(await this.#connection(state, slot));
        this.#tell(observation, 'done');
        return answer;
      } catch (error) {
        this.#tellFailure(observation, error);
        if (error instanceof DirectoryError || failureKind(error) === 'refused') throw error;
        failures.set(state.options.url, failureText(error));
        this.#discard(state, slot);
        this.#markDown(state, error);
      }
    }
    throw this.#unreachable(doing, failures);
  }

  #observe(state: ControllerState, operation: PoolOperation['operation']): Observation {
    const began = performance.now();
    if (state.pending === 0) state.heardAt = began;
    state.pending += 1;
    return { state, operation, began };
  }

  /** Keeps what an operation's end tells of the controller, and tells of it. */
  #tell({ state, operation, began }: Observation, outcome: PoolOperation['outcome']): void {
    const ended = performance.now();
    state.pending -= 1;
    if (outcome !== 'failed') state.heardAt = ended;
    const ms = Math.round((ended - began) * 10) / 10;
    this.#options.onOperation?.({ url: state.options.url, operation, outcome, ms, id: currentRequest() });
  }

  #tellFailure(observation: Observation, error: unknown): void {
    this.#tell(observation, failureKind(error) === 'refused' ? 'refused' : 'failed');
  }

  /**
   * Controllers thought to be well, in the order they are asked. One that owes answers and has been silent for a while comes last: what
   * it already has waits for the time-out, but nothing new shall, above all no password, which could not be tried elsewhere after that.
   */
  #usable(): ControllerState[] {
    const well = this.#controllers.filter((state) => state.retryAfterMs === undefined);
    if (well.length < 2 || !well.some(({ pending }) => pending > 0)) return well;
    const since = performance.now() - SILENT_MS;
    const isSilent = ({ pending, heardAt }: ControllerState) => pending > 0 && heardAt < since;
    return [...well.filter((state) => !isSilent(state)), ...well.filter(isSilent)];
  }

  #isAnyUp(): boolean {
    return this.#controllers.some((state) => state.retryAfterMs === undefined);
  }

  /** The open connection in a slot, or a new one; callers that come while it opens share it. */
  #connection(state: ControllerState, slot: number): Promise<ControllerConnection> {
    const current = state.connections[slot];
    if (current) {
      return current.then((open) => {
        if (open.client.isBound && open.isOpen) return open;
        if (state.connections[slot] === current) state.connections[slot] = undefined;
        return this.#connection(state, slot);
      });
    }
    const opening = this.#open(state);
    state.connections[slot] = opening;
    opening.catch(() => {
      if (state.connections[slot] === opening) state.connections[slot] = undefined;
    });
    return opening;
  }

  async #open(state: ControllerState): Promise<ControllerConnection> {
    if (this.#closed) throw new DirectoryError('unreachable', 'the connection pool is closed');
    const password = await this.#readPassword();
    // A password that never worked is tried by one connection first: several refusals at a time could lock the account out.
    if (this.#accepted !== password && this.#trial) await this.#trial.catch(() => undefined);
    const refusal = this.#refusal;
    if (refusal && refusal.password === password && Date.now() < refusal.until) throw refusal.error;
    const opening = this.#bind(state, password);
    if (this.#accepted === password) return opening;
    this.#trial = opening;
    return opening.finally(() => {
      if (this.#trial === opening) this.#trial = undefined;
    });
  }

  async #bind(state: ControllerState, password: string): Promise<ControllerConnection> {
    const connection = new ControllerConnection(state.options);
    try {
      await connection.bind(this.#options.bindName, password);
      this.#accepted = password;
      this.#refusal = undefined;
      return connection;
    } catch (error) {
      connection.close();
      const reason = rejectedReason(error);
      if (reason === undefined) throw error;
      const rejected = serviceAccountRejected(this.#options.bindName, state.options.url, reason, error);
      this.#accepted = undefined;
      this.#refusal = { password, until: Date.now() + REFUSED_PAUSE_MS, error: rejected };
      throw rejected;
    }
  }

  async #readPassword(): Promise<string> {
    let password: string;
    try {
      password = await this.#options.readPassword();
    } catch (error) {
      throw new DirectoryError('configuration', `reading the service account's password: ${failureText(error)}`, {
        cause: error,
      });
    }
    if (password === '') throw new DirectoryError('configuration', 'the file of directory.passwordFile is empty');
    return password;
  }

  #discard(state: ControllerState, slot: number): void {
    const connection = state.connections[slot];
    state.connections[slot] = undefined;
    connection?.then((open) => open.close()).catch(() => undefined);
  }

  #markDown(state: ControllerState, error: unknown): void {
    if (this.#closed || state.retryAfterMs !== undefined) return;
    state.forPasswords.drop();
    state.failure = failureText(error);
    this.#scheduleProbe(state, this.#retry.firstMs, state.failure);
    if (this.#isAnyUp()) return;
    // Nobody is left to answer: those given up for long are asked soon.
    for (const other of this.#controllers) {
      if (other === state || (other.retryAfterMs ?? 0) <= this.#retry.firstMs) continue;
      // Without a timer its try is running, and will see by itself that nobody is left.
      if (!other.retryTimer) continue;
      clearTimeout(other.retryTimer);
      this.#scheduleProbe(other, this.#retry.firstMs, 'no other controller answers');
    }
  }

  #scheduleProbe(state: ControllerState, delayMs: number, reason: string): void {
    state.retryAfterMs = delayMs;
    this.#options.onEvent?.({ type: 'controller-down', url: state.options.url, reason, retryInMs: delayMs });
    state.retryTimer = setTimeout(() => void this.#probe(state, delayMs), delayMs);
    state.retryTimer.unref();
  }

  /** Tries a controller that was down; while every controller is down it is tried often, else at growing intervals. */
  async #probe(state: ControllerState, lastDelayMs: number): Promise<void> {
    state.retryTimer = undefined;
    try {
      const connection = await this.#open(state);
      if (this.#closed) return connection.close();
      // What is left of the time before the outage is not to be trusted: a silent connection would cost a time-out each.
      for (let slot = 0; slot < state.connections.length; slot++) this.#discard(state, slot);
      state.connections[0] = Promise.resolve(connection);
      state.retryAfterMs = undefined;
      this.#options.onEvent?.({ type: 'controller-up', url: state.options.url });
    } catch (error) {
      if (this.#closed) return;
      const delay = !this.#isAnyUp() ? this.#retry.firstMs : Math.min(lastDelayMs * 2, this.#retry.longestMs);
      state.failure = failureText(error);
      this.#scheduleProbe(state, delay, state.failure);
    }
  }

  #unreachable(doing: string, failures: ReadonlyMap<string, string>): DirectoryError {
    // Those that were not asked now are down since before, and their reason is told too.
    const before = this.#controllers.filter((c) => c.retryAfterMs !== undefined && !failures.has(c.options.url));
    const told = [...failures, ...before.map((c) => [c.options.url, c.failure] as const)];
    const why = told.map(([url, failure]) => `${url}: ${failure}`);
    return new DirectoryError('unreachable', `${doing}: no domain controller answered: ${why.join('; ')}`);
  }
}
