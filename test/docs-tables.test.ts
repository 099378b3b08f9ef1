// Names that the documents list or mention, compared with the code that has them: configuration keys, metrics, codes, log lines, files.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parse } from 'yaml';
import { exampleConfig } from '../src/autodiscover/config-example.ts';
import { REFUSALS } from '../src/autodiscover/server/authentication/refusal.ts';
import { REFUSED_REQUESTS } from '../src/autodiscover/server/refused-requests.ts';
import { RESULT_OUTCOMES, resultLineSchema } from '../src/profile-migrator/result-line.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');
const PAGES = ['README.md', 'CHANGELOG.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith('.md') && name !== 'docs/conformance.md',
);
const files = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`);
const SOURCES = files('src')
  .filter((name) => name.endsWith('.ts'))
  .map(read)
  .join('\n');
const backticked = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

/** Dotted paths of all keys of the configuration, as the example prints them, commented out or not. */
function configurationKeys(): Set<string> {
  const path: string[] = [];
  const keys = new Set<string>();
  for (const line of exampleConfig().split('\n')) {
    const [, blanks = '', name] = /^( *)(?:#|- )?([a-zA-Z]+):/.exec(line) ?? [];
    if (name === undefined) continue;
    path.splice(blanks.length / 2, path.length, name);
    keys.add(path.join('.'));
  }
  return keys;
}

const KEYS = configurationKeys();
const SECTIONS = sorted([...KEYS].flatMap((key) => (key.includes('.') ? [key.split('.')[0] ?? ''] : [])));
/** Members of a list, of which the example shows one. */
const OF_A_CERTIFICATE = ['keyFile', 'pfxFile', 'passphraseFile'].map((key) => `tls.certificates.${key}`);

function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => pathsOf(each, path));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, path === '' ? key : `${path}.${key}`));
}

for (const page of PAGES) {
  test(`${page}: configuration keys and files that it names exist`, () => {
    const text = read(page);
    const blocks = [...text.matchAll(/^ *```yaml\n([\s\S]*?)^ *```/gm)].map((match) => parse(match[1] ?? '') as object);
    const printed = blocks
      .filter((block) => Object.keys(block).some((key) => SECTIONS.includes(key)))
      .flatMap((block) => pathsOf(block));
    const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, '');
    const named = backticked(prose).filter((each) => new RegExp(`^(?:${SECTIONS.join('|')})\\.[\\w.]+$`).test(each));
    const unknown = [...printed, ...named].filter(
      (key) => !KEYS.has(key) && !OF_A_CERTIFICATE.includes(key) && !/\.(?:ts|pem|key)$/.test(key),
    );
    const paths = backticked(prose).filter((each) =>
      /^(?:src|test|docs|contrib|scripts|windows|demo)\/[\w./-]+$/.test(each),
    );
    assert.deepEqual([...unknown, ...paths.filter((path) => !existsSync(join(ROOT, path)))], []);
  });
}

test('docs/flow.md names files that exist', () => {
  const known = files('src');
  const named = backticked(read('docs/flow.md')).filter((each) => each.endsWith('.ts'));
  assert.ok(named.length > 40);
  assert.deepEqual(
    named.filter((name) => !existsSync(join(ROOT, name)) && !known.some((path) => path.endsWith(`/${name}`))),
    [],
  );
});

test('docs/operations.md lists every metric, and no other; what else names one names one that exists', () => {
  const metrics = sorted(SOURCES.match(/\bautodiscover_[a-z_]+/g) ?? []);
  const page = read('docs/operations.md');
  const rows = [...page.matchAll(/^\| (`autodiscover_[^|]*)\|/gm)].map((match) => backticked(match[1] ?? ''));
  // `…_slow` behind `autodiscover_ldap_controller_up` shares the longest beginning that makes it a metric.
  const full = (first: string, name: string): string => {
    const words = first.split('_');
    const beginnings = words.map((_, at) => words.slice(0, words.length - at).join('_'));
    return beginnings.map((beginning) => name.replace('…', beginning)).find((each) => metrics.includes(each)) ?? name;
  };
  const listed = rows.flatMap(([first = '', ...more]) => [first, ...more.map((name) => full(first, name))]);
  assert.deepEqual(sorted(listed), metrics);
  for (const name of ['docs/deployment.md', 'docs/performance.md', 'docs/active-directory.md', 'CHANGELOG.md']) {
    const other = (read(name).match(/\bautodiscover_[a-z_]+/g) ?? []).filter((each) => !metrics.includes(each));
    assert.deepEqual(other, [], name);
  }
});

test('docs/operations.md lists the codes of refusals', () => {
  const page = read('docs/operations.md');
  const ofCredentials = /^`refusal` is one of ([\s\S]*?)\. These codes/m.exec(page)?.[1] ?? '';
  assert.deepEqual(sorted(backticked(ofCredentials)), sorted(REFUSALS));
  const table = /\| `refusal` \| `status` \| \|\n([\s\S]*?)\n\n/.exec(page)?.[1] ?? '';
  const codes = [...table.matchAll(/^\| ([^|]*)\|/gm)].flatMap((match) => backticked(match[1] ?? ''));
  assert.deepEqual(sorted(codes), sorted(REFUSED_REQUESTS));
});

test('docs/operations.md prints log lines as they are written', () => {
  const table = /\| `msg` \| when \| fields \|\n([\s\S]*?)\n\n/.exec(read('docs/operations.md'))?.[1] ?? '';
  const messages = [...table.matchAll(/^\| ([^|]*)\|/gm)].flatMap((match) => backticked(match[1] ?? ''));
  assert.ok(messages.length > 15);
  // Of certificates the log puts together which one it is and what is wrong with it.
  const parts = messages.flatMap((message) => message.split(/…|^the certificate /)).map((part) => part.trim());
  assert.deepEqual(
    parts.filter((part) => part !== '' && !SOURCES.includes(part)),
    [],
  );
});

test('docs/profile-migrator.md lists the fields and outcomes of a result line', () => {
  const table = /\| field +\| content +\|\n([\s\S]*?)(?:\n\n|$)/.exec(read('docs/profile-migrator.md'))?.[1] ?? '';
  const rows = [...table.matchAll(/^\| ([^|]*)\|([^|]*)\|/gm)].slice(1);
  const fields = rows.flatMap(([, names = '']) => backticked(names));
  assert.deepEqual(sorted(fields), sorted(Object.keys(resultLineSchema.shape)));
  const [, , outcomes = ''] = rows.find(([, names]) => names?.includes('`outcome`')) ?? [];
  assert.deepEqual(sorted(backticked(outcomes)), sorted(RESULT_OUTCOMES));
});
