// The reasons behind an answer, in the order they arose. Logs print them now; an administrator's explain command prints them too.

export interface TraceStep {
  /** `warning` marks what an administrator should mend. */
  readonly level: 'info' | 'warning';
  readonly text: string;
}

export class Trace {
  readonly #steps: TraceStep[] = [];

  info(text: string): void {
    this.#steps.push({ level: 'info', text });
  }

  warn(text: string): void {
    this.#steps.push({ level: 'warning', text });
  }

  /** Takes over steps that were found elsewhere. */
  add(steps: readonly TraceStep[]): void {
    this.#steps.push(...steps);
  }

  get steps(): readonly TraceStep[] {
    return this.#steps;
  }

  get warnings(): readonly string[] {
    return this.#steps.filter((step) => step.level === 'warning').map((step) => step.text);
  }
}
