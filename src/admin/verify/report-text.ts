// A verification as text for people: what is not well as a table, then the counts.

import { printable, printableLines } from '../../autodiscover/printable.ts';
import type { Change } from './baseline.ts';
import { type Check, summarize } from './check.ts';

/** Rows of a table: outcome, subject, check, detail. `everything` keeps what passed. */
export function checkRows(checks: readonly Check[], everything: boolean): readonly (readonly string[])[] {
  return checks
    .filter(({ outcome }) => everything || outcome !== 'passed')
    .map(({ outcome, subject, check, detail, expected, served }) => {
      const differs = expected !== served && (expected !== undefined || served !== undefined);
      const values = differs ? `\nexpected ${expected ?? '-'}\nserved   ${served ?? '-'}` : '';
      return [outcome, subject, check, `${detail}${values}`].map(printableLines);
    });
}

/** Lines of at most `width` characters: broken between words, and within those that are longer than a line, as names in a directory. */
export function wrapped(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const broken: string[] = [];
      let rest = line;
      while (rest.length > width) {
        const blank = rest.lastIndexOf(' ', width);
        const at = blank > 0 ? blank : width;
        broken.push(rest.slice(0, at));
        rest = rest.slice(blank > 0 ? at + 1 : at);
      }
      return [...broken, rest];
    })
    .join('\n');
}

/** One line per change. */
export function changeLines(changes: readonly Change[]): readonly string[] {
  return changes.map(({ subject, check, before, after, worse }) =>
    printable(`${worse ? 'worse  ' : 'changed'}  ${subject}  ${check}: ${before ?? '(new)'} -> ${after ?? '(gone)'}`),
  );
}

export function summaryLine(checks: readonly Check[]): string {
  const { passed, failed, warning, skipped } = summarize(checks);
  return `${checks.length} checks: ${passed} passed, ${failed} failed, ${warning} to look at, ${skipped} skipped`;
}
