// Citations as the project writes them, in comments of the source and in names of tests alike: document in brackets, section,
// element. `[MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode`. spec-documents.json lists the documents and the revision each was read in.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** What is cited, by its key in brackets. `pages`: sections are names of pages instead of numbers. */
export interface SpecDocument {
  readonly title: string;
  readonly revision: string;
  readonly url: string;
  readonly pages?: true;
}

export const SPEC_DOCUMENTS: Readonly<Record<string, SpecDocument>> = JSON.parse(
  readFileSync(join(ROOT, 'test', 'spec-documents.json'), 'utf8'),
);

export interface Citation {
  readonly document: string;
  /** `2.2.4.1.1.3.2`, `appendix O`, or the name of a page. */
  readonly section: string;
  /** The element, field, or a word of the heading. */
  readonly element: string;
}

const SECTION = /(?<section>\d+(?:\.\d+)*|appendix [A-Z]|[a-z0-9]+(?:-[a-z0-9]+)+)/.source;
/** No element is called so: a sentence goes on after a bare section. */
const ELEMENT = /(?!(?:and|or|of|the|for|as|in|is|with)\b)(?<element>[A-Za-z][\w-]*)/.source;
const CITATION = new RegExp(String.raw`\[(?<document>[A-Z][A-Z0-9-]*(?: \d+)?)\] ${SECTION} ${ELEMENT}`, 'g');
/** Anything that looks like the key of a document in brackets. */
const MENTION = /\[(?<document>(?:MS|RFC)[- ][A-Z0-9-]+|C706|WSREF)\](?<rest>[^[]*)/g;

/** All well-formed citations of a text, in its order, each once. */
export function citationsOf(text: string): readonly Citation[] {
  const found = new Map<string, Citation>();
  for (const { groups } of text.matchAll(CITATION)) {
    const { document = '', section = '', element = '' } = groups ?? {};
    if (!(document in SPEC_DOCUMENTS)) continue;
    found.set(clauseOf({ document, section, element }), { document, section, element });
  }
  return [...found.values()];
}

export const clauseOf = ({ document, section, element }: Citation): string => `[${document}] ${section} ${element}`;

/** What is wrong with the citations of a line; empty when nothing is. */
export function faultsOf(line: string): readonly string[] {
  return [...line.matchAll(MENTION)].flatMap(({ groups }) => {
    const { document = '', rest = '' } = groups ?? {};
    const known = SPEC_DOCUMENTS[document];
    if (known === undefined) return [`[${document}] is not in test/spec-documents.json`];
    // A list of documents, as in "numbers from [MS-OXCRPC], [MS-OXNSPI]", or one at the end of a sentence, cites no clause.
    if (!/^ (?:\d|appendix [A-Z]\b)/.test(rest) && known.pages === undefined) return [];
    const [first] = citationsOf(`[${document}]${rest}`);
    return first === undefined ? [`[${document}] needs section and element, as in [${document}] 1.2.3 Element`] : [];
  });
}

export interface CitedLine {
  /** Relative to the project. */
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** Every line of TypeScript below `folders` that names a document in brackets. */
export function citedLines(...folders: readonly string[]): readonly CitedLine[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .sort()
      .flatMap((file) =>
        readFileSync(join(ROOT, file), 'utf8')
          .split('\n')
          .flatMap((text, index) => (text.search(MENTION) < 0 ? [] : [{ file, line: index + 1, text }])),
      ),
  );
}
