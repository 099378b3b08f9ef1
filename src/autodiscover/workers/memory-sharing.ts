// What one worker does not know in an outage another may: each has a memory of its own, and connections come to any of them. A worker asks
// the primary, which asks all others at once and passes on the youngest answer. Nobody asks while a directory answers, and nothing becomes
// younger by being told: ages travel with the answers, and the time of the question is added to them.
//
// A credential is asked about by its digest under a secret that the primary makes for its workers. Whoever has both could try passwords on
// it, so a digest goes nowhere but through the channels between these processes, which each could have been given the password itself.

import type { Aged } from '../../ldap/aged-cache.ts';
import type { ExchangeOrganization } from '../../ldap/exchange-organization.ts';
import { FORMS, type RecallQuestion } from '../../ldap/recalled.ts';
import type { Account } from '../../ldap/recipient.ts';
import type { CredentialQuestion } from '../server/authentication/basic.ts';
import { within } from '../server/within.ts';
import type { Channel } from './channel.ts';
import type { RecallBudget } from './recall-budget.ts';

/**
 * What came of a question: somebody knows, nobody does, somebody took too long and no other knows, too much was being asked already, or
 * (of credentials) too many that nobody knew were asked about for this name or from this address.
 */
export type RecallOutcome = 'known' | 'unknown' | 'late' | 'crowded' | 'spent';

/** The primary's answer to a worker. */
type Told = ({ readonly outcome: 'known' } & Aged<unknown>) | { readonly outcome: Exclude<RecallOutcome, 'known'> };

/** Milliseconds that the others get, the primary with them, and others whom a worker asks that starts: much, and with time. */
const PATIENCE = { othersMs: 200, primaryMs: 250, startMs: 5000 } as const;
/** Questions of one worker that are under way. */
const MAX_RUNNING = 256;

/** Asks other workers, in the primary. */
export class RecallRelay {
  /** Workers that can be asked, also while they leave, and how many answers each owes for too long. */
  readonly #owed = new Map<Channel, number>();
  readonly #budget: RecallBudget;

  constructor(budget: RecallBudget) {
    this.#budget = budget;
  }

  /** Answers one worker's questions, and asks it when it can answer. */
  serve(channel: Channel): void {
    channel.on('remembers', () => this.#owed.set(channel, 0));
    channel.onClose(() => this.#owed.delete(channel));
    channel.on('recall', (question: RecallQuestion) => this.#askOthers(channel, 'recall', question));
    channel.on('recall-credential', (question: CredentialQuestion) => this.#askForCredential(channel, question));
  }

  /** The Exchange organisation as it was read last by any worker; undefined when none tells soon. */
  async organization(): Promise<Aged<ExchangeOrganization> | undefined> {
    const told = await this.#askOthers(undefined, 'recall-organization', undefined, PATIENCE.startMs);
    return told.outcome === 'known' ? (told as Aged<ExchangeOrganization>) : undefined;
  }

  async #askForCredential(asking: Channel, { digest, name, address }: CredentialQuestion): Promise<Told> {
    const leave = await this.#budget.enter(name, address);
    if (!leave) return { outcome: 'spent' };
    const told = await this.#askOthers(asking, 'recall-credential', digest);
    leave(told.outcome === 'known' && told.value !== undefined);
    return told;
  }

  /** Of all others: an older answer may have been overtaken by a younger one. */
  async #askOthers(
    asking: Channel | undefined,
    name: string,
    question: unknown,
    patienceMs: number = PATIENCE.othersMs,
  ): Promise<Told> {
    const others = [...this.#owed].filter(([channel]) => channel !== asking);
    const answers = await Promise.all(
      // Whoever hangs is waited for once, and then passed over until he has answered.
      others.map(([channel, owed]) => (owed > 0 ? 'late' : this.#ask(channel, name, question, patienceMs))),
    );
    const known = answers.filter((answer) => typeof answer === 'object').sort((a, b) => a.ageMs - b.ageMs);
    if (known[0]) return { outcome: 'known', value: known[0].value, ageMs: known[0].ageMs };
    return { outcome: answers.includes('late') ? 'late' : 'unknown' };
  }

  /** One that fails, or goes before it has answered, knew nothing. */
  async #ask(
    channel: Channel,
    name: string,
    question: unknown,
    patienceMs: number,
  ): Promise<Aged<unknown> | undefined | 'late'> {
    const answer = channel.ask<Aged<unknown> | undefined>(name, question).catch(() => undefined);
    const told = await within(patienceMs, answer);
    if (told === 'late') {
      this.#owes(channel, 1);
      void answer.then(() => this.#owes(channel, -1));
    }
    return told;
  }

  #owes(channel: Channel, change: number): void {
    const owed = this.#owed.get(channel);
    if (owed !== undefined) this.#owed.set(channel, owed + change);
  }
}

/** What a worker remembers. */
export interface OwnMemory {
  recall(question: RecallQuestion): Aged<unknown> | undefined;
  recallCredential(digest: string): Aged<Account | undefined> | undefined;
  /** Throws when it is too old. */
  recallOrganization(): Aged<ExchangeOrganization>;
}

/** Lets the other workers ask this one. */
export function answerRecall(channel: Channel, memory: OwnMemory): void {
  channel.on('recall', (question: RecallQuestion) => memory.recall(question));
  channel.on('recall-credential', (digest: string) =>
    memory.recallCredential(Buffer.from(digest, 'hex').toString('latin1')),
  );
  channel.on('recall-organization', () => memory.recallOrganization());
  channel.tell('remembers');
}

/** What the other workers remember, for one worker. */
export class OtherMemories {
  /** Questions since the start, by what came of them. */
  readonly outcomes: Record<RecallOutcome, number> = { known: 0, unknown: 0, late: 0, crowded: 0, spent: 0 };
  readonly #channel: Channel;
  readonly #now: () => number;
  readonly #running = new Map<string, Promise<Aged<unknown> | undefined>>();

  /** `now` is a clock in milliseconds. */
  constructor(channel: Channel, now: () => number) {
    this.#channel = channel;
    this.#now = now;
  }

  /** What the youngest memory says, undefined when there is none or nobody answers soon; whoever asks the same meanwhile is told the same. */
  recall(question: RecallQuestion): Promise<Aged<unknown> | undefined> {
    return this.#shared(`${question.memory} ${question.key}`, 'recall', question);
  }

  /** The same about a credential, for the Basic scheme. */
  async recallCredential({ digest, ...whose }: CredentialQuestion): Promise<Aged<Account | undefined> | undefined> {
    const hex = Buffer.from(digest, 'latin1').toString('hex');
    const told = await this.#shared(`credential ${hex}`, 'recall-credential', { digest: hex, ...whose });
    const read = told && FORMS.accounts.read(told.value);
    return read && { value: read.value, ageMs: told.ageMs };
  }

  /** The Exchange organisation, for a worker that starts; undefined when it is to read it or not to start. */
  async organization(): Promise<Aged<ExchangeOrganization> | undefined> {
    const began = this.#now();
    const told = await this.#channel.ask<Aged<ExchangeOrganization> | undefined>('inherit').catch(() => undefined);
    return told && { value: told.value, ageMs: told.ageMs + this.#now() - began };
  }

  #shared(key: string, name: string, question: unknown): Promise<Aged<unknown> | undefined> {
    const running = this.#running.get(key);
    if (running) return running;
    const asked = this.#ask(name, question).finally(() => this.#running.delete(key));
    this.#running.set(key, asked);
    return asked;
  }

  async #ask(name: string, question: unknown): Promise<Aged<unknown> | undefined> {
    const began = this.#now();
    const told = this.#running.size < MAX_RUNNING ? await this.#told(name, question) : CROWDED;
    this.outcomes[told.outcome] += 1;
    return told.outcome === 'known' ? { value: told.value, ageMs: told.ageMs + this.#now() - began } : undefined;
  }

  async #told(name: string, question: unknown): Promise<Told> {
    const answer = this.#channel.ask<Told>(name, question).catch(() => LATE);
    const told = await within(PATIENCE.primaryMs, answer);
    return told === 'late' ? LATE : told;
  }
}

const LATE: Told = { outcome: 'late' };
const CROWDED: Told = { outcome: 'crowded' };
