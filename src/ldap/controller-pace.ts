// How fast one domain controller answers: the last few answers, and what it still owes.

/** What a controller is asked. Only the first two are measured; how long `reading` takes depends on how much there is to read. */
export type Work = 'look-up' | 'password-check' | 'reading';
const MEASURED = ['look-up', 'password-check'] as const satisfies readonly Work[];
type Measured = (typeof MEASURED)[number];

export interface PaceLimits {
  /** Milliseconds up to which an answer is never late, however fast others are. */
  readonly lateMs: number;
  /** How many times slower than another a controller must be to be passed over for it. */
  readonly timesSlower: number;
  /** Milliseconds without any answer from a controller that owes one, after which it gets nothing new and look-ups are asked elsewhere too. */
  readonly patienceMs: number;
  /** Milliseconds of the same silence after which the controller is given up with all it owes, while another answers. */
  readonly giveUpMs: number;
}

export const DEFAULT_PACE: PaceLimits = { lateMs: 200, timesSlower: 3, patienceMs: 250, giveUpMs: 3_000 };

/** The newest answers that count, how many of them must have the same fault, and for how long they tell anything. */
const NEWEST = 5;
const MOST = 3;
const MEMORY_MS = 600_000;
/** Milliseconds for which reading much may keep a controller silent. */
const READING_MS = 1_000;

/** Something that was asked and is not answered yet. */
export interface Asked {
  readonly work: Work;
  readonly at: number;
  /** To be called, once, when it takes unusually long. */
  hurry: (() => void) | undefined;
}

interface Answer {
  readonly ms: number;
  readonly at: number;
}

export class ControllerPace {
  readonly #lateMs: number;
  readonly #owed = new Set<Asked>();
  /** Of `#owed`, those that are no reading, and since when there are any. */
  #quick = 0;
  #quickSince = 0;
  #heardAt = 0;
  #answers: Record<Measured, Answer[]> = { 'look-up': [], 'password-check': [] };

  constructor(lateMs: number) {
    this.#lateMs = lateMs;
  }

  get owes(): boolean {
    return this.#owed.size > 0;
  }

  began(work: Work, now: number, hurry?: () => void): Asked {
    if (this.#owed.size === 0) this.#heardAt = now;
    const asked = { work, at: now, hurry };
    this.#owed.add(asked);
    if (work !== 'reading') {
      if (this.#quick === 0) this.#quickSince = now;
      this.#quick += 1;
    }
    return asked;
  }

  /** `answered` is false when the controller failed; that is no measure of its pace. */
  ended(asked: Asked, answered: boolean, now: number): void {
    this.#owed.delete(asked);
    if (asked.work !== 'reading') this.#quick -= 1;
    if (!answered) return;
    this.#heardAt = now;
    if (asked.work === 'reading') return;
    asked.hurry = undefined;
    const answers = this.#answers[asked.work];
    answers.push({ ms: now - asked.at, at: now });
    if (answers.length > NEWEST) answers.shift();
  }

  /** It has answered something that was not asked here. */
  heard(now: number): void {
    this.#heardAt = now;
  }

  /** True when it owes answers and has given none for this long. A search that reads much is given more time. */
  isSilent(patienceMs: number, now: number): boolean {
    if (this.#owed.size === 0) return false;
    const silentMs = now - this.#heardAt;
    if (silentMs > Math.max(patienceMs, READING_MS)) return true;
    return this.#quick > 0 && Math.min(silentMs, now - this.#quickSince) > patienceMs;
  }

  /** Milliseconds for which the oldest of what it owes has been owed; 0 when there is none. */
  owedMs(now: number): number {
    for (const { at } of this.#owed) return now - at;
    return 0;
  }

  /**
   * The median of the newest answers in milliseconds; what is owed for so long that it is late counts with the time until now. Undefined
   * when there are too few to tell.
   */
  typicalMs(work: Measured, now: number): number | undefined {
    const late: number[] = [];
    for (const { work: of, at } of this.#owed) {
      if (late.length === NEWEST || now - at <= this.#lateMs) break;
      if (of === work) late.push(now - at);
    }
    return this.#median(work, now, late);
  }

  #median(work: Measured, now: number, newest: number[]): number | undefined {
    for (const { ms, at } of this.#answers[work].toReversed()) {
      if (newest.length === NEWEST || now - at > MEMORY_MS) break;
      newest.push(ms);
    }
    return newest.length < MOST ? undefined : newest.sort((a, b) => a - b)[(newest.length - 1) >> 1];
  }

  /** Hurries what is owed for so long, unless that is usual here. */
  hurry(patienceMs: number, now: number): void {
    let isUsual: boolean | undefined;
    for (const asked of this.#owed) {
      if (now - asked.at <= patienceMs) return;
      if (!asked.hurry) continue;
      isUsual ??= (this.#median('look-up', now, []) ?? 0) >= patienceMs;
      if (isUsual) return;
      const { hurry } = asked;
      asked.hurry = undefined;
      hurry();
    }
  }

  /** The kinds of work that are typically late, with their time. */
  late(now: number): { readonly work: Measured; readonly ms: number }[] {
    return MEASURED.flatMap((work) => {
      const ms = this.typicalMs(work, now);
      return ms !== undefined && ms > this.#lateMs ? [{ work, ms }] : [];
    });
  }

  /** Answers of before tell nothing any more. */
  forget(): void {
    this.#answers = { 'look-up': [], 'password-check': [] };
  }
}
