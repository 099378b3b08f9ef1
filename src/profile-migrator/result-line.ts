// The result of one profile as one line of JSON: what `--json` prints, `.result.jsonl` keeps, rollback works from and the fleet
// report adds up. The format is versioned; a reader refuses versions it does not know.
import { z } from 'zod';
import { RegistryError } from './errors.ts';

export const RESULT_VERSION = 1;

export const RESULT_OUTCOMES = [
  'planned', // plan: values would change
  'deferred', // apply on .reg: the change was written down for somebody to import
  'changed', // apply: done and proved by reading again
  'restored', // rollback: done and proved by reading again
  'nothing-to-do', // no Exchange account, or none that names a server to be replaced
  'left', // left as it is by rule
  'refused', // no value was changed because a rule forbids it
  'failed', // nothing changed or changed back, see `error`
] as const;

export type ResultOutcome = (typeof RESULT_OUTCOMES)[number];

const registryData = z.strictObject({
  type: z.int().min(0).max(0xffffffff),
  /** The bytes, in hexadecimal digits. */
  data: z.string().regex(/^(?:[0-9a-f]{2})*$/),
});

const resultValue = z.strictObject({
  /** Path of the key below the user's root. */
  key: z.string(),
  name: z.string(),
  property: z.string(),
  role: z.string(),
  action: z.enum(['rewrite', 'rewrite-dn', 'rewrite-list', 'delete', 'leave', 'report', 'refuse', 'restore', 'keep']),
  reason: z.string(),
  old: z.string(),
  new: z.string().optional(),
  /** Present on changes only; null where the value does not exist. */
  before: registryData.nullable().optional(),
  after: registryData.nullable().optional(),
});

const resultAccount = z.strictObject({
  address: z.string().nullable(),
  /** Name of the account's service section: unique in its profile. */
  service: z.string(),
  outcome: z.enum(['migrate', 'leave', 'refuse']),
  /** Why it was left or refused. */
  reason: z.string().nullable(),
  detail: z.string(),
  /** Old names that still need a `--from` of their own. */
  missing: z.array(z.string()),
  cachedMode: z.boolean(),
  rpcOverHttp: z.boolean(),
});

export const resultLineSchema = z.strictObject({
  version: z.literal(RESULT_VERSION),
  time: z.iso.datetime(),
  program: z.string(),
  command: z.enum(['inspect', 'plan', 'apply', 'rollback']),
  computer: z.string().nullable(),
  source: z.strictObject({ kind: z.enum(['reg', 'live', 'hive']), name: z.string(), label: z.string() }),
  /** The user's root as the source spells it. */
  root: z.string().nullable(),
  /** SID, where the source tells. */
  user: z.string().nullable(),
  /** Null on a line about a source as a whole: it holds no profile, or could not be read. */
  profile: z.strictObject({ name: z.string(), key: z.string(), outlook: z.string(), default: z.boolean() }).nullable(),
  outcome: z.enum(RESULT_OUTCOMES),
  /** Code and text of what went wrong. */
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  /** FQDNs of the arrays the profile moves to, or already uses. */
  arrays: z.array(z.string()),
  accounts: z.array(resultAccount),
  /** Reasons of refused accounts, one for each. */
  refusals: z.array(z.string()),
  /** What somebody has to look at, in sentences. */
  attention: z.array(z.string()),
  counts: z.record(z.string(), z.int()),
  values: z.array(resultValue),
});

export type ResultLine = z.infer<typeof resultLineSchema>;
export type ResultValue = z.infer<typeof resultValue>;
export type RegistryData = z.infer<typeof registryData>;

export function renderResultLine(line: ResultLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** @throws RegistryError `journal-invalid`, naming `where` and what is wrong with the line. */
export function parseResultLine(text: string, where: string): ResultLine {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new RegistryError('journal-invalid', `cannot read ${where}: it is no JSON`, { cause });
  }
  const version = typeof data === 'object' && data !== null && 'version' in data ? data.version : undefined;
  if (version !== RESULT_VERSION) {
    throw new RegistryError(
      'journal-invalid',
      `cannot read ${where}: version ${String(version)}, expected ${RESULT_VERSION}`,
    );
  }
  const parsed = resultLineSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new RegistryError('journal-invalid', `cannot read ${where}: ${z.prettifyError(parsed.error)}`);
}
