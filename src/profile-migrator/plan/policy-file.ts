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

/** Characters; thousands of servers fit. */
const POLICY_LIMIT = 1024 * 1024;

/** @throws UsageError `policy-file` or `target`, naming every problem of the file. */
export function parsePolicy(content: Buffer | string, path: string): Policy {
  const text = textOf(content).replace(/^\uFEFF/, '');
  if (text.length > POLICY_LIMIT)
    throw new UsageError('policy-file', `cannot read policy ${path}: longer than ${POLICY_LIMIT} characters`);
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new UsageError('policy-file', `cannot read policy ${path}: ${(cause as Error).message}`, { cause });
  }
  const twice = repeatedKey(text);
  if (twice !== undefined)
    throw new UsageError('policy-file', `cannot read policy ${path}: ${JSON.stringify(twice)} is there twice`);
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

/** Windows PowerShell's redirection writes UTF-16 with a byte order mark. */
function textOf(content: Buffer | string): string {
  if (typeof content === 'string') return content;
  return content.toString(content[0] === 0xff && content[1] === 0xfe ? 'utf16le' : 'utf8');
}

/** A key that an object of this well-formed JSON has twice: the parser would take the last and move nothing of the others. */
function repeatedKey(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (const [token, colon] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (colon !== undefined) {
      const key: string = JSON.parse(token.slice(0, -colon.length));
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
