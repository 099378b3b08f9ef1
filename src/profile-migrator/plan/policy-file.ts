// The policy file: the operator's targets as JSON, for roll-outs. Strict, because a misspelt field would silently move nothing.
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { type ArrayTarget, checkTargets, proxiesOf, type Targets } from './targets.ts';

export interface Policy {
  readonly targets: Targets;
  /** After this day `apply` does nothing: a logon entry that repeats comes to rest by itself. */
  readonly until: Date | undefined;
}

const must = (be: string) => (issue: { readonly input: unknown }) =>
  issue.input === undefined ? 'is missing' : `must be ${be}`;
const name = z.string({ error: must('text') });
const array = z.strictObject(
  {
    fqdn: name,
    serverDn: name.optional(),
    replaces: z.array(name, { error: must('a list of names') }).min(1, 'must have a name at least'),
  },
  { error: must('an object') },
);
const policySchema = z.strictObject(
  {
    version: z.literal(1, { error: must('1') }),
    until: z.iso.date({ error: must('a day, as "2027-03-31"') }).optional(),
    arrays: z.array(array, { error: must('a list') }).min(1, 'must have an array at least'),
    proxies: z.record(z.string(), name, { error: must('an object of old and new names') }).optional(),
    publicFolders: name.optional(),
  },
  { error: must('an object') },
);

function faultLines(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${[...issue.path, key].join('.')}: unknown field`);
  return [`${at === '' ? '(the whole)' : at}: ${issue.message}`];
}

/** What the file looks like, for `--help`. */
export const POLICY_EXAMPLE = `{
  "version": 1,
  "until": "2027-03-31",
  "arrays": [
    {
      "fqdn": "outlook.contoso.test",
      "serverDn": "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Configuration/cn=Servers/cn=outlook.contoso.test",
      "replaces": ["CAS01", "cas01.contoso.test", "CAS02", "cas02.contoso.test"]
    }
  ],
  "proxies": { "owa.contoso.test": "mail.contoso.test" },
  "publicFolders": "mbx01.contoso.test"
}`;

/** @throws UsageError `policy-file` or `target`, naming every problem of the file. */
export function parsePolicy(text: string, path: string): Policy {
  let data: unknown;
  try {
    data = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new UsageError('policy-file', `cannot read policy ${path}: ${(cause as Error).message}`, { cause });
  }
  const parsed = policySchema.safeParse(data);
  if (!parsed.success) {
    const lines = parsed.error.issues.flatMap(faultLines).map((line) => `\n  - ${line}`);
    throw new UsageError('policy-file', `cannot read policy ${path}:${lines.join('')}`);
  }
  const { arrays, proxies, publicFolders, until } = parsed.data;
  const targets: Targets = {
    arrays: arrays.map(
      ({ serverDn, ...array }): ArrayTarget => (serverDn === undefined ? array : { ...array, serverDn }),
    ),
    proxies: proxiesOf(Object.entries(proxies ?? {})),
    ...(publicFolders === undefined ? {} : { publicFolders }),
  };
  return { targets: checkTargets(targets), until: until === undefined ? undefined : new Date(`${until}T23:59:59Z`) };
}
