// The arguments of `npm run bench`, which every part gets alike.

import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Fewer and shorter rounds: to see that everything runs, not to compare figures. */
  readonly quick: boolean;
  /** Rounds of each case; the case's own number when undefined. */
  readonly rounds: number | undefined;
  /** How long the soak lasts. */
  readonly minutes: number;
  /** Only cases whose name contains this. */
  readonly only: string | undefined;
  /** Print the functions in which the measured processes spend their time. */
  readonly profile: boolean;
  /** Where the parts make their temporary folders. */
  readonly folder: string | undefined;
}

export interface BenchCommand {
  readonly parts: readonly string[];
  readonly options: BenchOptions;
  /** File that gets the figures of all parts as JSON. */
  readonly jsonFile: string | undefined;
}

const FLAGS = {
  quick: { type: 'boolean', default: false },
  profile: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  minutes: { type: 'string', default: '30' },
  only: { type: 'string' },
  json: { type: 'string' },
  folder: { type: 'string' },
} as const;

/** Arguments that the bench does not have, or not so. */
export class UsageError extends Error {}

/** Throws UsageError, whose message says which argument is wrong. */
export function readCommandLine(arguments_: readonly string[]): BenchCommand {
  const { values, positionals } = parse(arguments_);
  return {
    parts: positionals,
    jsonFile: values.json,
    options: {
      quick: values.quick,
      profile: values.profile,
      rounds: values.rounds === undefined ? undefined : positive('--rounds', values.rounds),
      minutes: positive('--minutes', values.minutes),
      only: values.only,
      folder: values.folder,
    },
  };
}

function parse(arguments_: readonly string[]) {
  try {
    return parseArgs({ args: [...arguments_], allowPositionals: true, options: FLAGS });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0 && number <= 10_000)) throw new UsageError(`${name} must be a number above 0, not "${text}"`);
  return number;
}
