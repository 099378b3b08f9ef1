// HAProxy's configuration as lines and sections: what a file says, before anybody asks what it means. Pure.
// HAProxy Configuration Manual, 2.1 "Configuration file format" and 2.2 "Quoting and escaping".

import { BalancerError } from './errors.ts';

/** A balancer of a large organisation has a few thousand lines. */
export const HAPROXY_LIMITS = { bytes: 1024 * 1024, lines: 20_000, words: 256 } as const;

/** One line that says something. `number` counts from 1. */
export interface ConfigLine {
  readonly number: number;
  readonly words: readonly string[];
}

/** A section with its lines. `from` is the `defaults` section that it names. */
export interface ConfigSection {
  readonly kind: string;
  readonly name: string;
  readonly from: string | undefined;
  readonly line: number;
  readonly lines: readonly ConfigLine[];
}

const SECTIONS: ReadonlySet<string> = new Set([
  ...['global', 'defaults', 'frontend', 'backend', 'listen', 'resolvers', 'peers', 'userlist', 'mailers', 'program'],
  ...['cache', 'http-errors', 'ring', 'log-forward', 'log-profile', 'fcgi-app', 'crt-store', 'traces', 'acme'],
]);

/** Reads a configuration. Throws BalancerError `configuration` that names the line. Environment variables stay as they are written. */
export function parseHaproxy(text: string): readonly ConfigSection[] {
  if (Buffer.byteLength(text) > HAPROXY_LIMITS.bytes)
    throw new BalancerError('configuration', `the configuration is larger than ${HAPROXY_LIMITS.bytes} bytes`);
  const lines = text.split('\n');
  if (lines.length > HAPROXY_LIMITS.lines)
    throw new BalancerError('configuration', `the configuration has more than ${HAPROXY_LIMITS.lines} lines`);
  const sections: (ConfigSection & { readonly lines: ConfigLine[] })[] = [];
  for (const [at, line] of lines.entries()) {
    const number = at + 1;
    const words = wordsOf(line.replace(/\r$/, ''), number);
    const [kind, name = ''] = words;
    if (kind === undefined) continue;
    if (/^\.(?:if|elif|else|endif)$/.test(kind))
      throw refused(number, `${kind}: conditional blocks are not read; check what is left when they are decided`);
    if (kind.startsWith('.')) continue; // .notice, .warning and their like say nothing about proxies
    if (SECTIONS.has(kind)) {
      const at = words.indexOf('from', 1);
      const from = at < 0 ? undefined : words[at + 1];
      sections.push({ kind, name: at === 1 ? '' : name, from, line: number, lines: [] });
      continue;
    }
    const section = sections.at(-1);
    if (section === undefined)
      throw refused(number, `${JSON.stringify(kind.slice(0, 40))} in front of the first section`);
    section.lines.push({ number, words });
  }
  return sections;
}

/** An error about one line. */
export function refused(line: number, reason: string): BalancerError {
  return new BalancerError('configuration', `line ${line}: ${reason}`);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** An escape, a text in either quotes, plain signs, blanks, a comment. A # begins a comment wherever it is not quoted. */
const PIECE = /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s\\"'#]+)|(\s+)|(#.*)/sy;

/** The words of a line: pieces that touch make one word. */
function wordsOf(line: string, number: number): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < line.length) {
    const rest = line.slice(PIECE.lastIndex, PIECE.lastIndex + 20);
    const found = PIECE.exec(line);
    if (found === null) throw refused(number, `${JSON.stringify(rest)} is not closed`);
    const [, escaped, weak, strong, plain, blank, comment] = found;
    if (comment !== undefined) break;
    if (blank === undefined) word = (word ?? '') + (plain ?? strong ?? unescaped(weak ?? `\\${escaped}`));
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (word !== undefined) words.push(word);
  if (words.length > HAPROXY_LIMITS.words) throw refused(number, `more than ${HAPROXY_LIMITS.words} words`);
  if (words.some((one) => one.includes('\u0000'))) throw refused(number, 'a NUL character');
  return words;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (_, sign: string) => ESCAPES[sign] ?? sign);
}
