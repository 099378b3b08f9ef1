// A small pool of bound connections over an ordered list of domain controllers. Reads fail over to the next controller and return to
// the first when it is back; a refused credential is never tried on another controller, because every try counts towards lock-out.

import {
  type ControllerConnection,
  type ControllerOptions,
  declines,
  failureKind,
  failureText,
  refers,
  rejectedReason,
} from './controller.ts';
import { type ControllerCheck, checkController } from './controller-check.ts';
import { ControllerOrder } from './controller-order.ts';
import { ControllerOutages } from './controller-outages.ts';
import { type Asked, DEFAULT_PACE, type PaceLimits, type Work } from './controller-pace.ts';
import { currentRequest } from './correlation.ts';
import type { EntryReader } from './entry.ts';
import { DirectoryError } from './errors.ts';
import { firstAnswer, type Meaning } from './first-answer.ts';
import { PasswordConnections } from './password-connections.ts';
import {
  type ControllerStatus,
  DEFAULT_RETRY,
  type PasswordCheck,
  type PoolEvent,
  type PoolOperation,
  type PoolOptions,
} from './pool-options.ts';
import { ROOT_DSE, type Search, type SearchRequest, searchOn } from './search.ts';
import { SearchConnections } from './search-connections.ts';
import { ServiceAccount } from './service-account.ts';

interface ControllerState {
  /** Place in the configured order. */
  readonly at: number;
  readonly options: ControllerOptions;
  readonly forSearches: SearchConnections;
  readonly forPasswords: PasswordConnections;
  /** Connections on which a password is being checked. */
  readonly checking: Set<ControllerConnection>;
}

/** An operation that is under way at a controller; `asked` where its pace is measured as a whole. */
interface Observation {
  readonly state: ControllerState;
  readonly operation: PoolOperation['operation'];
  readonly began: number;
  readonly asked: Asked | undefined;
}

export class ControllerPool {
  readonly #options: PoolOptions;
  readonly #controllers: readonly ControllerState[];
  readonly #pace: PaceLimits;
  readonly #order: ControllerOrder;
  readonly #outages: ControllerOutages;
  /** What a slow controller is tried with: what is asked of it is the measure. */
  #lastLookUp: SearchRequest = ROOT_DSE;
  readonly #account: ServiceAccount;
  #closed = false;

  constructor(options: PoolOptions) {
    if (options.controllers.length === 0) {
      throw new DirectoryError('configuration', 'no domain controller is configured: give directory.servers');
    }
    this.#options = options;
    const { retry = DEFAULT_RETRY } = options;
    const urls = options.controllers.map(({ url }) => url);
    const onEvent = (event: PoolEvent) => options.onEvent?.(event);
    this.#pace = options.pace ?? DEFAULT_PACE;
    this.#account = new ServiceAccount(options.bindName, options.readPassword);
    this.#controllers = options.controllers.map((controller, at) => ({
      at,
      options: controller,
      forSearches: new SearchConnections(options.connections, () => this.#open(controller)),
      forPasswords: new PasswordConnections(controller, options.passwordIdleMs),
      checking: new Set(),
    }));
    this.#order = new ControllerOrder({
      urls,
      limits: this.#pace,
      retry,
      trial: (at) => this.#trialOf(this.#state(at)),
      giveUp: (at) => this.#giveUp(this.#state(at)),
      onEvent,
      now: () => performance.now(),
    });
    this.#outages = new ControllerOutages({
      urls,
      retry,
      open: (at) => this.#open(this.#state(at).options),
      left: (at) => {
        this.#state(at).forPasswords.drop();
        this.#order.left(at);
      },
      returned: (at, connection) => {
        // What is left of the time before the outage is not to be trusted: a silent connection would cost a time-out each.
        this.#state(at).forSearches.startWith(connection);
        this.#order.returned(at);
      },
      opened: (at, openingMs) => this.#order.opened(at, openingMs),
      onEvent,
    });
  }

  /** Each controller and how it is thought to be, in the configured order. */
  status(): ControllerStatus[] {
    return this.#controllers.map((c) => ({
      url: c.options.url,
      up: this.#outages.isUp(c.at),
      slow: this.#order.isSlow(c.at),
    }));
  }

  /**
   * Has every configured controller look something up now, side by side and on connections of their own, and takes the time. A search of
   * the pool would never touch a controller that stands behind a good one, and one that refuses the service account must not keep the pool
   * from opening connections to the others.
   */
  checkControllers(lookUp: SearchRequest): Promise<readonly ControllerCheck[]> {
    const { bindName, readPassword } = this.#options;
    const check = ({ options }: ControllerState) =>
      checkController(options, new ServiceAccount(bindName, readPassword), lookUp);
    return Promise.all(this.#controllers.map(check));
  }

  /** False from the moment the service account was refused until it is let in again. */
  get accountAccepted(): boolean {
    return this.#account.isAccepted;
  }

  /**
   * Searches on the first controller that answers. What one has not answered for long the next one is asked as well: reading twice does no
   * harm. Throws DirectoryError `unreachable` when none answers.
   */
  search(request: SearchRequest): Promise<EntryReader[]> {
    if (request.paged || request.first !== undefined) return this.withOneController((search) => search(request));
    this.#lastLookUp = request;
    return this.#onOneController('searching the directory', 'look-up', (connection) =>
      searchOn(connection.client, request),
    );
  }

  /** Runs several searches on one controller, so that their answers belong together. */
  withOneController<T>(task: (search: Search) => Promise<T>): Promise<T> {
    return this.#onOneController('reading the directory', 'reading', (connection, at) =>
      task((request) => this.#read(at, () => searchOn(connection.client, request))),
    );
  }

  /**
   * Checks a password by binding, on a connection where nothing else happens. The next controller is given it only if this one has certainly
   * not judged it: it was not sent, or the controller declined to look at it. Any other failure is final, because the check may have counted
   * towards lock-out. Throws DirectoryError `unreachable`.
   */
  async checkPassword(bindName: string, password: string): Promise<PasswordCheck> {
    const failures = new Map<string, string>();
    const referrers: ControllerState[] = [];
    let order = await this.#upBut([]);
    for (let asked = order; order.length > 0; asked = [...asked, ...order]) {
      for (const at of order) {
        const check = await this.#checkAt(this.#state(at), { bindName, password }, failures, referrers);
        if (!check) continue;
        this.#blame(referrers);
        return check;
      }
      order = await this.#upBut(asked);
    }
    throw this.#unreachable('checking a password', failures);
  }

  /** Undefined where the controller certainly has not judged it, so that the next one may. Throws where it may have. */
  async #checkAt(
    state: ControllerState,
    { bindName, password }: { readonly bindName: string; readonly password: string },
    failures: Map<string, string>,
    referrers: ControllerState[],
  ): Promise<PasswordCheck | undefined> {
    const connection = await state.forPasswords.take();
    const observation = this.#observe(state, 'password-check', 'password-check');
    let answered = false;
    state.checking.add(connection);
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
      this.#failed(observation, error, failures, referrers);
      if (connection.sent && !declines(error)) throw this.#unreachable('checking a password', failures);
      return undefined;
    } finally {
      state.checking.delete(connection);
      if (answered) state.forPasswords.giveBack(connection);
      else connection.close();
    }
  }

  close(): void {
    this.#closed = true;
    this.#order.close();
    this.#outages.close();
    for (const state of this.#controllers) {
      state.forPasswords.close();
      state.forSearches.discardAll();
    }
  }

  async #onOneController<T>(
    doing: string,
    work: 'look-up' | 'reading',
    task: (connection: ControllerConnection, at: number) => Promise<T>,
  ): Promise<T> {
    const failures = new Map<string, string>();
    const referrers: ControllerState[] = [];
    const ask = async (at: number, hurry: () => void, again?: number): Promise<T> => {
      const state = this.#state(at);
      const slot = again ?? state.forSearches.nextSlot();
      const observation = this.#observe(state, 'search', work === 'look-up' ? work : undefined, hurry);
      let connection: ControllerConnection | undefined;
      try {
        connection = await this.#connection(state, slot, work);
        const value = await task(connection, at);
        this.#tell(observation, 'done');
        return value;
      } catch (error) {
        this.#tellFailure(observation, error);
        if (meaningOf(error) === 'next') {
          // In the same place, where a new one is opened: others may have been cut as well.
          if (again === undefined && this.#isOfBefore(state, observation.began, connection))
            return ask(at, hurry, slot);
          this.#discard(state, slot, connection, error);
          this.#failed(observation, error, failures, referrers);
        }
        throw error;
      }
    };
    const ranked = this.#order.ranked();
    let order = 'then' in ranked ? await ranked : ranked;
    let answer = await firstAnswer(order, { ask, meaning: meaningOf });
    for (let asked = order; !answer; asked = [...asked, ...order]) {
      order = await this.#upBut(asked);
      if (order.length === 0) throw this.#unreachable(doing, failures);
      answer = await firstAnswer(order, { ask, meaning: meaningOf });
    }
    this.#blame(referrers);
    return answer.value;
  }

  /** The controllers that are up now, but for some: one that was down when the asking began may be back at its end, or in a moment. */
  async #upBut(asked: readonly number[]): Promise<readonly number[]> {
    const up = async () => (await this.#order.ranked()).filter((at) => !asked.includes(at));
    const others = await up();
    return others.length > 0 || !(await this.#outages.rescue()) ? others : up();
  }

  /**
   * True where a failure tells nothing of a controller that is up: it has come back since it was asked, or the connection was cut, as
   * firewalls and restarted controllers do with those that stand for long. On a new one it may answer.
   */
  #isOfBefore(state: ControllerState, began: number, connection: ControllerConnection | undefined): boolean {
    if (!this.#outages.isUp(state.at)) return false;
    return began < this.#outages.returnedAt(state.at) || connection?.wasCut === true;
  }

  /** One that has ended is replaced at its next turn, and one that carries answers may yet carry those of others. */
  #discard(state: ControllerState, slot: number, connection: ControllerConnection | undefined, error: unknown): void {
    if (connection?.isOpen && !declines(error)) state.forSearches.discard(slot);
  }

  /** What takes long to read is watched search by search, and so is whether a connection comes about for it. */
  #connection(state: ControllerState, slot: number, work: 'look-up' | 'reading'): Promise<ControllerConnection> {
    const take = () => state.forSearches.take(slot);
    return work === 'look-up' ? take() : this.#read(state.at, take);
  }

  async #read<T>(at: number, task: () => Promise<T>): Promise<T> {
    const asked = this.#order.began(at, 'reading', performance.now());
    try {
      const value = await task();
      this.#order.ended(at, asked, true, performance.now());
      return value;
    } catch (error) {
      this.#order.ended(at, asked, failureKind(error) === 'refused', performance.now());
      throw error;
    }
  }

  #observe(
    state: ControllerState,
    operation: PoolOperation['operation'],
    work: Work | undefined,
    hurry?: () => void,
  ): Observation {
    const began = performance.now();
    return { state, operation, began, asked: work && this.#order.began(state.at, work, began, hurry) };
  }

  /** Keeps what an operation's end tells of the controller, and tells of it. */
  #tell({ state, operation, began, asked }: Observation, outcome: PoolOperation['outcome']): void {
    const ended = performance.now();
    if (asked) this.#order.ended(state.at, asked, outcome !== 'failed', ended);
    const ms = Math.round((ended - began) * 10) / 10;
    this.#options.onOperation?.({ url: state.options.url, operation, outcome, ms, id: currentRequest() });
  }

  #tellFailure(observation: Observation, error: unknown): void {
    this.#tell(observation, failureKind(error) === 'refused' ? 'refused' : 'failed');
  }

  #state(at: number): ControllerState {
    return this.#controllers[at] as ControllerState;
  }

  /** See OrderParts.trial. */
  async #trialOf(state: ControllerState): Promise<number> {
    const asked = performance.now();
    let began = asked;
    let connection: ControllerConnection | undefined;
    try {
      connection = await state.forSearches.take(0);
      began = performance.now();
      await searchOn(connection.client, this.#lastLookUp);
    } catch (error) {
      if (error instanceof DirectoryError) throw error;
      // A refusal is an answer too.
      if (failureKind(error) === 'transport') {
        if (this.#isOfBefore(state, asked, connection)) throw error;
        this.#discard(state, 0, connection, error);
        this.#outages.begin(state.at, error);
        throw error;
      }
    }
    return performance.now() - began;
  }

  /** Ends everything on a controller that answers nothing: look-ups go elsewhere, and nobody else waits behind passwords it keeps. */
  #giveUp(state: ControllerState): void {
    this.#outages.begin(state.at, new Error(`no answer to anything for ${this.#pace.giveUpMs / 1000} s`));
    state.forSearches.discardAll();
    for (const connection of state.checking) connection.close();
  }

  #failed(
    { state, began }: Observation,
    error: unknown,
    failures: Map<string, string>,
    referrers: ControllerState[],
  ): void {
    failures.set(state.options.url, failureText(error));
    if (failureKind(error) !== 'transport' || began < this.#outages.returnedAt(state.at)) return;
    if (refers(error)) referrers.push(state);
    else this.#outages.begin(state.at, error);
  }

  /** Controllers that sent the client elsewhere with something that another one answered. What all of them refer is nobody's fault. */
  #blame(referrers: readonly ControllerState[]): void {
    for (const state of referrers)
      this.#outages.begin(state.at, new Error('it refers to other servers what another controller answers'));
  }

  async #open(controller: ControllerOptions): Promise<ControllerConnection> {
    if (this.#closed) throw new DirectoryError('unreachable', 'the connection pool is closed');
    return this.#account.open(controller);
  }

  #unreachable(doing: string, failures: ReadonlyMap<string, string>): DirectoryError {
    // Those that were not asked now are down since before, and their reason is told too.
    const before = this.#outages.failures().filter(([url]) => !failures.has(url));
    const why = [...failures, ...before].map(([url, failure]) => `${url}: ${failure}`);
    return new DirectoryError('unreachable', `${doing}: no domain controller answered: ${why.join('; ')}`);
  }
}

/** A refusal is what another controller would say as well; what keeps a connection from being opened there keeps it anywhere. */
function meaningOf(error: unknown): Meaning {
  if (error instanceof DirectoryError) return 'vain';
  return failureKind(error) === 'refused' ? 'answer' : 'next';
}
