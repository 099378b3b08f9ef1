// A saved report and what changed since: checks that came, went, or came to something else. Pure; files are the command's business.

import type { Check, CheckOutcome } from './check.ts';

/** One difference between two reports of the same things. */
export interface Change {
  readonly subject: string;
  readonly check: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** True when something that was well is so no longer. */
  readonly worse: boolean;
}

const FORMAT = 'exchange-autodiscover verify 1';
const OUTCOMES: readonly string[] = ['passed', 'failed', 'warning', 'skipped'] satisfies CheckOutcome[];

/** The text of a baseline file. */
export function renderBaseline(checks: readonly Check[]): string {
  return `${JSON.stringify({ format: FORMAT, checks }, undefined, 2)}\n`;
}

/** Reads a baseline file, or says why it is none. */
export function parseBaseline(text: string): readonly Check[] | { readonly reason: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { reason: (error as Error).message };
  }
  const { format, checks } = (value ?? {}) as { format?: unknown; checks?: unknown };
  if (format !== FORMAT || !Array.isArray(checks)) return { reason: `it does not say "${FORMAT}"` };
  const wrong = checks.findIndex((check) => !isCheck(check));
  return wrong < 0 ? (checks as Check[]) : { reason: `checks.${wrong} is no check` };
}

function isCheck(value: unknown): value is Check {
  if (typeof value !== 'object' || value === null) return false;
  const { subject, check, outcome, detail } = value as Record<string, unknown>;
  return [subject, check, detail].every((text) => typeof text === 'string') && OUTCOMES.includes(outcome as string);
}

/** What changed, in the order of the newer report, then what is in it no longer. */
export function compareChecks(before: readonly Check[], after: readonly Check[]): readonly Change[] {
  const key = ({ subject, check }: Check) => `${subject}\n${check}`;
  const old = new Map(before.map((check) => [key(check), check]));
  const kept = new Set(after.map(key));
  const changed = after.flatMap((now): Change[] => {
    const then = old.get(key(now));
    if (then !== undefined && text(then) === text(now)) return [];
    const worse = now.outcome === 'failed' && then?.outcome !== 'failed';
    return [{ subject: now.subject, check: now.check, before: then && text(then), after: text(now), worse }];
  });
  const gone = before
    .filter((then) => !kept.has(key(then)))
    .map((then) => ({ subject: then.subject, check: then.check, before: text(then), after: undefined, worse: false }));
  return [...changed, ...gone];
}

function text({ outcome, detail, served }: Check): string {
  return `${outcome}: ${served ?? detail}`;
}
