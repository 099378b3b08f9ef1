// A report in the JUnit form that build servers read: a suite per subject, a case per check. Without times, so that it can be compared.

import { type Check, summarize } from './check.ts';

/** The report as XML text. Warnings pass, with their text as output. */
export function renderJunit(name: string, checks: readonly Check[]): string {
  const subjects = Map.groupBy(checks, ({ subject }) => subject);
  const suites = [...subjects].map(([subject, cases]) => {
    const body = cases.map(testCase).join('');
    return `  <testsuite name="${xmlText(subject)}" ${counts(cases)}>\n${body}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${xmlText(name)}" ${counts(checks)}>\n${suites.join('')}</testsuites>\n`;
}

function counts(checks: readonly Check[]): string {
  const { failed, skipped } = summarize(checks);
  return `tests="${checks.length}" failures="${failed}" errors="0" skipped="${skipped}"`;
}

function testCase({ subject, check, outcome, detail, expected, served }: Check): string {
  const open = `    <testcase classname="${xmlText(subject)}" name="${xmlText(check)}"`;
  switch (outcome) {
    case 'passed':
      return `${open}/>\n`;
    case 'skipped':
      return `${open}><skipped message="${xmlText(detail)}"/></testcase>\n`;
    case 'warning':
      return `${open}><system-out>${xmlText(`warning: ${detail}`)}</system-out></testcase>\n`;
    case 'failed': {
      const values =
        expected === undefined && served === undefined ? '' : `expected: ${expected ?? '-'}\nserved: ${served ?? '-'}`;
      return `${open}><failure message="${xmlText(detail)}">${xmlText(values)}</failure></testcase>\n`;
    }
  }
}

/** Escapes for text and attributes; characters that XML 1.0 cannot hold become a replacement character. */
function xmlText(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
}
