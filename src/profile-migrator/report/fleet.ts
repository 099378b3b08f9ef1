// The fleet: the newest result of every profile on every computer and in every hive, added up. Fed line by line; what is kept of a
// line is what the report shows.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { RegistryError } from '../errors.ts';
import { RESULT_OUTCOMES, RESULT_VERSION, type ResultOutcome } from '../result-line.ts';
import { type RawLine, REPORT_LIMITS } from './result-files.ts';

/** The part of a result line that a report needs; values and their bytes are not looked at. */
const reportLineSchema = z.object({
  time: z.string(),
  command: z.enum(['inspect', 'plan', 'apply', 'rollback']),
  computer: z.string().nullable(),
  source: z.object({ kind: z.string(), name: z.string(), label: z.string() }),
  root: z.string().nullable(),
  user: z.string().nullable(),
  profile: z.object({ name: z.string(), key: z.string(), outlook: z.string() }).nullable(),
  outcome: z.enum(RESULT_OUTCOMES),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  arrays: z.array(z.string()),
  refusals: z.array(z.string()),
  attention: z.array(z.string()),
});

/** What is known of one profile, or of a source that holds none or could not be read. */
export interface FleetEntry {
  readonly time: string;
  readonly command: string;
  readonly computer: string;
  readonly source: string;
  readonly user: string;
  /** Empty for a source as a whole. */
  readonly profile: string;
  /** Office version, such as `14.0`; empty for a source as a whole. */
  readonly outlook: string;
  readonly outcome: ResultOutcome;
  readonly arrays: readonly string[];
  /** Reasons of refusal, and the code of an error. */
  readonly reasons: readonly string[];
  readonly attention: readonly string[];
}

/** Without a number it is about the file, or folder, as a whole. */
export interface LineProblem {
  readonly file: string;
  readonly number?: number;
  readonly problem: string;
}

/** Where it is, for people. */
export function placeOf({ file, number }: LineProblem): string {
  return number === undefined ? file : `${file}, line ${number}`;
}

export interface Fleet {
  /** The newest result of each profile. Of sources as a whole only those without any profile result. */
  readonly entries: readonly FleetEntry[];
  readonly files: number;
  readonly lines: number;
  /** Lines of `inspect`, which decide nothing. */
  readonly inspections: number;
  /** The first of them; `unreadable` counts all. */
  readonly problems: readonly LineProblem[];
  readonly unreadable: number;
}

const ATTENTION_TEXTS = 4;
const ATTENTION_LENGTH = 300;

interface Kept {
  readonly sourceId: string;
  readonly entry: FleetEntry;
}

export class FleetBuilder {
  readonly #entries = new Map<string, Kept>();
  readonly #problems: LineProblem[] = [];
  /** Strings that occur again and again are kept once. */
  readonly #strings = new Map<string, string>();
  #unreadable = 0;
  #files = 0;
  #lines = 0;
  #inspections = 0;

  countFile(): void {
    this.#files++;
  }

  /** A file or folder of which nothing, or not everything, could be read. */
  addUnreadable(file: string, problem: string): void {
    this.#reject({ file, problem });
  }

  /** Never throws for a bad line: it is counted. @throws RegistryError `reg-limit` when there are too many profiles. */
  add(raw: RawLine): void {
    this.#lines++;
    if (raw.text === undefined) {
      this.#rejectLine(raw, `longer than ${REPORT_LIMITS.lineBytes} characters`);
      return;
    }
    let data: unknown;
    try {
      data = parseWithoutValues(raw.text);
    } catch {
      this.#rejectLine(raw, 'no JSON');
      return;
    }
    const version = typeof data === 'object' && data !== null && 'version' in data ? data.version : undefined;
    if (version !== RESULT_VERSION) {
      this.#rejectLine(raw, `version ${String(version)}, this program reads ${RESULT_VERSION}`);
      return;
    }
    const parsed = reportLineSchema.safeParse(data);
    if (parsed.success) this.#keep(parsed.data);
    else this.#rejectLine(raw, z.prettifyError(parsed.error).replaceAll('\n', ' '));
  }

  finish(): Fleet {
    const withProfiles = new Set<string>();
    const newest = new Map<string, string>();
    for (const { entry, sourceId } of this.#entries.values()) {
      if (entry.profile !== '' && entry.outcome !== 'failed') withProfiles.add(sourceId);
      if (entry.time > (newest.get(sourceId) ?? '')) newest.set(sourceId, entry.time);
    }
    // A source as a whole counts while nothing is known of its profiles, or when its newest run went wrong.
    const counts = ({ entry: { profile, time, outcome }, sourceId }: Kept) =>
      profile !== '' || !withProfiles.has(sourceId) || (time === newest.get(sourceId) && outcome !== 'nothing-to-do');
    const entries = [...this.#entries.values()].filter(counts).map(({ entry }) => entry);
    entries.sort(
      (a, b) => compare(a.computer, b.computer) || compare(a.source, b.source) || compare(a.profile, b.profile),
    );
    return {
      entries,
      files: this.#files,
      lines: this.#lines,
      inspections: this.#inspections,
      problems: this.#problems,
      unreadable: this.#unreadable,
    };
  }

  #keep(line: z.infer<typeof reportLineSchema>): void {
    if (line.command === 'inspect') {
      this.#inspections++;
      return;
    }
    const computer = line.computer ?? '';
    const { kind, label } = line.source;
    const sourceId = digest([computer, kind, label]);
    const id =
      line.profile === null
        ? sourceId
        : digest([computer, kind, label, line.root ?? '', line.profile.key.toUpperCase()]);
    const known = this.#entries.get(id);
    if (known !== undefined && known.entry.time > line.time) return;
    if (known === undefined && this.#entries.size >= REPORT_LIMITS.profiles) {
      throw new RegistryError('reg-limit', `more than ${REPORT_LIMITS.profiles} profiles: make several reports`);
    }
    const own = (text: string): string => this.#intern(text);
    const reasons = new Set([...line.refusals, ...(line.error ? [line.error.code] : [])]);
    const entry: FleetEntry = {
      time: line.time,
      command: line.command,
      computer: own(computer),
      source: label,
      user: line.user ?? '',
      profile: line.profile === null ? '' : own(line.profile.name),
      outlook: line.profile === null ? '' : own(line.profile.outlook),
      outcome: line.outcome,
      arrays: line.arrays.map((name) => own(name.toLowerCase())),
      reasons: [...reasons].map(own),
      attention: line.attention.slice(0, ATTENTION_TEXTS).map((text) => own(clip(text))),
    };
    this.#entries.set(id, { sourceId, entry });
  }

  #intern(text: string): string {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    if (this.#strings.size < 50_000) this.#strings.set(text, text);
    return text;
  }

  #rejectLine({ file, number }: RawLine, problem: string): void {
    this.#reject({ file, number, problem });
  }

  #reject(found: LineProblem): void {
    this.#unreadable++;
    if (this.#problems.length < REPORT_LIMITS.problems) this.#problems.push({ ...found, problem: clip(found.problem) });
  }
}

/**
 * Nine tenths of a line are the values and their bytes, which a report does not need. They come last, and their name cannot stand
 * in a string with its quotes unescaped, so the line is cut before them. A line of any other shape is parsed whole; one that has them
 * twice is a line that was cut off, and the next one.
 */
function parseWithoutValues(text: string): unknown {
  const at = text.indexOf(VALUES);
  if (at > 0 && text.endsWith(']}') && !text.includes(VALUES, at + VALUES.length)) {
    try {
      return JSON.parse(`${text.slice(0, at)}}`);
    } catch {
      // Not ours, or broken: the whole line tells.
    }
  }
  return JSON.parse(text);
}

const VALUES = ',"values":[';

function clip(text: string): string {
  return text.length <= ATTENTION_LENGTH ? text : `${text.slice(0, ATTENTION_LENGTH - 1)}…`;
}

function digest(parts: readonly string[]): string {
  return createHash('sha1').update(parts.join('\0')).digest('base64');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
