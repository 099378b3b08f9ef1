// docs/conformance.md as text, from what a test run recorded and what the source cites. Pure, and the same for the same run: no
// times, no versions of installed programs.
import { type CitedLine, citationsOf, clauseOf, type SpecDocument } from './citations.ts';
import type { CellRecord, ConformanceRecord, TestRecord } from './records.ts';

export interface PageInput {
  readonly records: readonly ConformanceRecord[];
  /** Lines of the source that cite. */
  readonly source: readonly CitedLine[];
  readonly documents: Readonly<Record<string, SpecDocument>>;
}

/** Why the records must not become the page: something failed, did not run, or is missing. Empty when they may. */
export function objections(records: readonly ConformanceRecord[]): readonly string[] {
  const tests = records.filter((fact) => fact.kind === 'test');
  const cells = records.filter((fact) => fact.kind === 'cell');
  const holes = clientsOf(cells).flatMap((client) =>
    unique(cells, 'case').flatMap((name) =>
      unique(cells, 'offer')
        .filter((offer) => cellOf(cells, client, name, offer) === undefined)
        .map((offer) => `${client}: nothing reported for ${name}, offered ${offer}`),
    ),
  );
  return [
    ...(tests.length === 0 ? ['no test that cites a clause was run'] : []),
    ...(cells.length === 0 ? ['the client matrix was not run'] : []),
    ...tests
      .filter(({ result }) => result !== 'passed')
      .map(({ path, file, result }) => `${result}: ${path.join(' > ')} (${file})`),
    ...cells
      .filter(({ expected, reported }) => expected !== reported)
      .map((cell) => `${cell.client}, ${cell.case}, offered ${cell.offer}: ${cell.reported}, not ${cell.expected}`),
    ...holes,
  ];
}

export function conformancePage({ records, source, documents }: PageInput): string {
  const tests = records.filter((fact) => fact.kind === 'test');
  const cells = records.filter((fact) => fact.kind === 'cell');
  return [
    '# Conformance',
    '',
    'Written by `npm run conformance` from a run of all tests; do not edit. The first part names, for each clause that the code or a test',
    'cites, the files that implement it and the tests that prove it; the second what real client programs reported.',
    '',
    '## Clauses',
    '',
    ...clauseTables(tests, source, documents),
    '## Clients',
    '',
    'Each program ran in a network of its own against the service on a Samba domain with the demo organisation. "As expected" means that',
    'it reported exactly the expected text, which is what it reports when Exchange answers; a text of its own follows what the client',
    'itself gets wrong or cannot do. In brackets: the authentication schemes by which the service let it in.',
    '',
    ...clientsOf(cells).flatMap((client) => clientTable(client, cells)),
  ].join('\n');
}

interface Clause {
  readonly document: string;
  readonly section: string;
  readonly element: string;
  readonly files: Set<string>;
  readonly tests: TestRecord[];
}

function clauseTables(
  tests: readonly TestRecord[],
  source: readonly CitedLine[],
  documents: PageInput['documents'],
): readonly string[] {
  const clauses = collect(tests, source);
  return Object.entries(documents).flatMap(([key, { title, revision, url }]) => {
    const own = clauses.filter(({ document }) => document === key).sort(bySection);
    if (own.length === 0) return [];
    return [
      `### ${key}`,
      '',
      `[${title}](${url}), ${revision}.`,
      '',
      ...table(['clause', 'code', 'test', 'result'], own.flatMap(clauseRows)),
    ];
  });
}

function collect(tests: readonly TestRecord[], source: readonly CitedLine[]): readonly Clause[] {
  const clauses = new Map<string, Clause>();
  const clauseFor = (citation: ReturnType<typeof citationsOf>[number]): Clause => {
    const key = clauseOf(citation);
    const known = clauses.get(key) ?? { ...citation, files: new Set(), tests: [] };
    clauses.set(key, known);
    return known;
  };
  for (const { file, text } of source) for (const found of citationsOf(text)) clauseFor(found).files.add(file);
  for (const test of tests) for (const found of citationsOf(test.path.join('\n'))) clauseFor(found).tests.push(test);
  return [...clauses.values()];
}

function clauseRows({ section, element, files, tests }: Clause): readonly string[][] {
  const code = [...files].sort().map(fileLink).join('<br>') || '-';
  const first = `${section} ${element}`;
  if (tests.length === 0) return [[first, code, 'none', '-']];
  const rows = tests
    .map((test) => [`${inCell(withoutCitations(test.path))} (${fileLink(test.file)})`, test.result])
    .sort(([one = ''], [other = '']) => compare(one, other));
  return rows.map((row, index) => (index === 0 ? [first, code, ...row] : ['', '', ...row]));
}

/** A test's name without the clauses, which stand before it in the table. */
function withoutCitations(path: readonly string[]): string {
  return path
    .map((name) =>
      citationsOf(name)
        .reduce((text, citation) => text.replaceAll(clauseOf(citation), ''), name)
        .replace(/\((?:[\s,;]|and)*\)/g, '')
        .replace(/^[\s:,]+|[\s:,]+$/g, ''),
    )
    .filter((name) => name !== '')
    .join(': ');
}

function clientTable(client: string, cells: readonly CellRecord[]): readonly string[] {
  const offers = unique(cells, 'offer');
  const notes = [...new Set(cells.filter((cell) => cell.client === client).map(({ peculiarity }) => peculiarity))];
  const known = notes.filter((note) => note !== undefined);
  const rows = unique(cells, 'case').map((name) => {
    const own = offers.map((offer) => cellOf(cells, client, name, offer));
    const expected = own.find((cell) => cell !== undefined);
    const note = expected?.peculiarity === undefined ? '' : ` <sup>${known.indexOf(expected.peculiarity) + 1}</sup>`;
    const reported = own.map((cell) => (cell === undefined ? '-' : reportText(cell)));
    return [name, `${inCell(expected?.expected ?? '-')}${note}`, ...reported];
  });
  return [
    `### ${client}`,
    '',
    ...table(['case', 'expected', ...offers.map((offer) => `offered ${offer}`)], rows),
    ...known.flatMap((note, index) => [`${index + 1}. ${note}`]),
    ...(known.length > 0 ? [''] : []),
  ];
}

function reportText({ expected, reported, schemes }: CellRecord): string {
  const by = schemes.length === 0 ? '' : ` (${schemes.join(', ')})`;
  return `${reported === expected ? 'as expected' : inCell(reported)}${by}`;
}

function cellOf(cells: readonly CellRecord[], client: string, name: string, offer: string): CellRecord | undefined {
  return cells.find((cell) => cell.client === client && cell.case === name && cell.offer === offer);
}

const clientsOf = (cells: readonly CellRecord[]): readonly string[] => unique(cells, 'client');

function unique(cells: readonly CellRecord[], field: 'client' | 'case' | 'offer'): readonly string[] {
  return [...new Set(cells.map((cell) => cell[field]))];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line), ''];
}

/** The folder `src` or `test` is known from the column, and the program in most cases. */
const fileLink = (file: string): string => `[${file.replace(/^(?:src|test)\/(?:autodiscover\/)?/, '')}](../${file})`;

/** Text that a cell of a table shows as it is. */
function inCell(text: string): string {
  return text
    .replace(/[\\`*_|[\]]/g, String.raw`\$&`)
    .replaceAll('<', '&lt;')
    .replaceAll('\n', ' ');
}

function bySection(one: Clause, other: Clause): number {
  return one.section.localeCompare(other.section, 'en', { numeric: true }) || compare(one.element, other.element);
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
