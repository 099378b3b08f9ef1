// LDIF (RFC 2849): content records (the demo organisation, test directories) and change records (what an administrator's
// command prints before it writes, and applies). Pure. Values are bytes; `texts` and `text` read them as UTF-8.
import { DirectoryError } from './errors.ts';

/** One attribute with its values in file order, name as written. Options (`;binary`) stay part of the name. */
export type LdifAttribute = { readonly name: string; readonly values: readonly Buffer[] };

/** A content record: an entry as it stands. */
export type LdifRecord = { readonly dn: string; readonly attributes: readonly LdifAttribute[] };

/** One step of a modify: `add` needs values; `delete` and `replace` without values mean the whole attribute. */
export type LdifModification = {
  readonly operation: 'add' | 'delete' | 'replace';
  readonly name: string;
  readonly values: readonly Buffer[];
};

/** A change record (RFC 2849 `changetype:`); `modrdn` stands for `moddn` too. */
export type LdifChange =
  | { readonly change: 'add'; readonly dn: string; readonly attributes: readonly LdifAttribute[] }
  | { readonly change: 'modify'; readonly dn: string; readonly modifications: readonly LdifModification[] }
  | { readonly change: 'delete'; readonly dn: string }
  | {
      readonly change: 'modrdn';
      readonly dn: string;
      readonly newRdn: string;
      readonly deleteOldRdn: boolean;
      readonly newSuperior?: string;
    };

/** Bounds of the reader; beyond one the file is refused with `limit-exceeded` and the line. */
export const LDIF_LIMITS = {
  /** UTF-16 code units of the whole file. */
  characters: 256 * 1024 * 1024,
  /** Code units of one line after unfolding. */
  lineCharacters: 16 * 1024 * 1024,
  records: 2_000_000,
  /** Attribute lines of one record. */
  linesPerRecord: 1_000_000,
} as const;

export type LdifLimits = { readonly [name in keyof typeof LDIF_LIMITS]: number };

/** The values of a record's attribute as UTF-8 text; empty when the record lacks it. Names match case-blind. */
export function texts(record: { readonly attributes: readonly LdifAttribute[] }, name: string): string[] {
  return bytes(record, name).map((value) => value.toString('utf8'));
}

/** The first value of a record's attribute as UTF-8 text. */
export function text(record: { readonly attributes: readonly LdifAttribute[] }, name: string): string | undefined {
  return bytes(record, name)[0]?.toString('utf8');
}

/** The values of a record's attribute as bytes; empty when the record lacks it. */
export function bytes(record: { readonly attributes: readonly LdifAttribute[] }, name: string): readonly Buffer[] {
  const wanted = name.toLowerCase();
  return record.attributes.find((attribute) => attribute.name.toLowerCase() === wanted)?.values ?? [];
}

/** Reads a file of content records. @throws DirectoryError `ldif-syntax` or `limit-exceeded`, naming the line. */
export function parseLdif(source: string | Buffer, limits: LdifLimits = LDIF_LIMITS): LdifRecord[] {
  return [...readGroups(source, limits)].map((group) => {
    const { dn, rest } = nameOf(group);
    const change = rest.find(({ name }) => isKeyword(name, 'changetype'));
    if (change) throw fault(change.line, 'a change record in a file of entries');
    if (rest.length === 0) throw fault(group[0]?.line ?? 0, `entry '${dn}' has no attributes`);
    return { dn, attributes: gather(rest) };
  });
}

/** Reads a file of change records; a record without `changetype:` counts as an add, as other tools read it. */
export function parseLdifChanges(source: string | Buffer, limits: LdifLimits = LDIF_LIMITS): LdifChange[] {
  return [...readGroups(source, limits)].map(toChange);
}

type Line =
  | { readonly line: number; readonly name: string; readonly value: Buffer }
  | { line: number; name: '-'; value?: never };

function toChange(group: readonly Line[]): LdifChange {
  const { dn, rest, line } = nameOf(group);
  const [first, ...body] = rest;
  if (!first) throw fault(line, `record '${dn}' is empty`);
  if (isKeyword(first.name, 'control')) throw fault(first.line, 'controls in change records are not supported');
  if (!isKeyword(first.name, 'changetype')) return { change: 'add', dn, attributes: gather(rest) };
  const kind = first.value?.toString('utf8').trim().toLowerCase();
  switch (kind) {
    case 'add':
      if (body.length === 0) throw fault(first.line, `the new entry '${dn}' has no attributes`);
      return { change: 'add', dn, attributes: gather(body) };
    case 'delete':
      if (body[0]) throw fault(body[0].line, 'text after changetype: delete');
      return { change: 'delete', dn };
    case 'modify':
      return { change: 'modify', dn, modifications: modifications(body, first.line) };
    case 'modrdn':
    case 'moddn':
      return newName(dn, body, first.line);
    default:
      throw fault(first.line, `changetype '${kind}' is none of add, delete, modify, modrdn`);
  }
}

function modifications(body: readonly Line[], line: number): LdifModification[] {
  const found: LdifModification[] = [];
  let at = 0;
  while (at < body.length) {
    const head = body[at] as Line;
    const operation = head.name.toLowerCase();
    if (operation !== 'add' && operation !== 'delete' && operation !== 'replace') {
      throw fault(head.line, `expected add:, delete: or replace:, got '${head.name}'`);
    }
    const name = head.value?.toString('utf8') ?? '';
    checkName(name, head.line);
    const values: Buffer[] = [];
    for (at += 1; at < body.length && body[at]?.name !== '-'; at++) {
      const { name: given, value, line: where } = body[at] as Line;
      if (given.toLowerCase() !== name.toLowerCase()) {
        throw fault(where, `value of '${given}' inside the change of '${name}' (is a '-' line missing?)`);
      }
      values.push(value as Buffer);
    }
    at += 1;
    if (operation === 'add' && values.length === 0) throw fault(head.line, `add: ${name} without values`);
    found.push({ operation, name, values });
  }
  if (found.length === 0) throw fault(line, 'changetype: modify without changes');
  return found;
}

function newName(dn: string, body: readonly Line[], line: number): LdifChange {
  const fields = new Map<string, string>();
  for (const { name, value, line: where } of body) {
    const key = name.toLowerCase();
    if (key !== 'newrdn' && key !== 'deleteoldrdn' && key !== 'newsuperior') throw fault(where, `unexpected '${name}'`);
    if (fields.has(key)) throw fault(where, `${name} is given twice`);
    fields.set(key, decode(value as Buffer, where));
  }
  const newRdn = fields.get('newrdn');
  const old = fields.get('deleteoldrdn');
  const newSuperior = fields.get('newsuperior');
  if (!newRdn) throw fault(line, 'newrdn: is missing');
  if (old !== '0' && old !== '1') throw fault(line, 'deleteoldrdn: must be 0 or 1');
  return {
    change: 'modrdn',
    dn,
    newRdn,
    deleteOldRdn: old === '1',
    ...(newSuperior === undefined ? {} : { newSuperior }),
  };
}

function nameOf(group: readonly Line[]): { dn: string; rest: readonly Line[]; line: number } {
  const [first, ...rest] = group;
  if (!first?.value || !isKeyword(first.name, 'dn')) {
    throw fault(first?.line ?? 0, `a record must begin with dn:, not '${first?.name}'`);
  }
  return { dn: decode(first.value, first.line), rest, line: first.line };
}

function gather(lines: readonly Line[]): LdifAttribute[] {
  const found = new Map<string, { name: string; values: Buffer[] }>();
  for (const { name, value, line } of lines) {
    if (value === undefined) throw fault(line, "a '-' line outside changetype: modify");
    const key = name.toLowerCase();
    if (key === 'dn') throw fault(line, 'a second dn: in one record (is an empty line missing?)');
    const known = found.get(key);
    if (known) known.values.push(value);
    else found.set(key, { name, values: [value] });
  }
  return [...found.values()];
}

const isKeyword = (name: string, keyword: string): boolean => name.toLowerCase() === keyword;

/** Groups of unfolded, decoded lines between blank lines, without comments and the version line. */
function* readGroups(source: string | Buffer, limits: LdifLimits): Generator<readonly Line[]> {
  let group: Line[] = [];
  let records = 0;
  let first = true;
  for (const { line, content } of unfold(source, limits)) {
    if (content === '') {
      if (group.length > 0) yield group;
      group = [];
      continue;
    }
    const parsed = parseLine(content, line);
    if (first && isKeyword(parsed.name, 'version')) {
      if (parsed.value?.toString() !== '1') throw fault(line, 'only version 1 of LDIF is read');
      first = false;
      continue;
    }
    first = false;
    if (group.length === 0) records += 1;
    if (records > limits.records) throw tooMuch(line, `more than ${limits.records} records`);
    group.push(parsed);
    if (group.length > limits.linesPerRecord)
      throw tooMuch(line, `a record of more than ${limits.linesPerRecord} lines`);
  }
  if (group.length > 0) yield group;
}

/** Logical lines with the number of their first physical line; a blank line comes as ''. Comments are dropped with their folds. */
function* unfold(source: string | Buffer, limits: LdifLimits): Generator<{ line: number; content: string }> {
  const whole = (typeof source === 'string' ? source : decode(source, 0)).replace(/^\uFEFF/, '');
  if (whole.length > limits.characters) throw tooMuch(0, `more than ${limits.characters} characters`);
  let number = 0;
  let pending: { line: number; parts: string[]; size: number } | undefined;
  for (const raw of linesOf(whole)) {
    number += 1;
    if (raw.startsWith(' ')) {
      if (!pending) throw fault(number, 'a continuation line with nothing to continue');
      pending.parts.push(raw.slice(1));
      pending.size += raw.length;
      if (pending.size > limits.lineCharacters)
        throw tooMuch(pending.line, `a line of more than ${limits.lineCharacters} characters`);
      continue;
    }
    if (pending) yield* finished(pending);
    pending = undefined;
    if (raw === '') yield { line: number, content: '' };
    else if (raw.length > limits.lineCharacters)
      throw tooMuch(number, `a line of more than ${limits.lineCharacters} characters`);
    else pending = { line: number, parts: [raw], size: raw.length };
  }
  if (pending) yield* finished(pending);
}

function* finished({ line, parts }: { line: number; parts: string[] }): Generator<{ line: number; content: string }> {
  const content = parts.length === 1 ? (parts[0] as string) : parts.join('');
  if (!content.startsWith('#')) yield { line, content };
}

function* linesOf(whole: string): Generator<string> {
  let at = 0;
  while (at < whole.length) {
    const end = whole.indexOf('\n', at);
    const stop = end < 0 ? whole.length : end;
    yield whole.slice(at, whole[stop - 1] === '\r' && stop > at ? stop - 1 : stop);
    at = stop + 1;
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const NAME = /^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)(?:;[A-Za-z0-9=-]+)*$/;

function parseLine(content: string, line: number): Line {
  if (content === '-') return { line, name: '-' };
  const colon = content.indexOf(':');
  if (colon < 0) throw fault(line, `expected 'name: value', got '${content.slice(0, 40)}'`);
  const name = content.slice(0, colon);
  checkName(name, line);
  const marker = content[colon + 1];
  if (marker === '<') throw fault(line, `${name}: values by URL are not read`);
  if (marker === ':') {
    const encoded = content.slice(colon + 2).trim();
    if (!BASE64.test(encoded)) throw fault(line, `${name}: not base64`);
    return { line, name, value: Buffer.from(encoded, 'base64') };
  }
  return { line, name, value: Buffer.from(content.slice(colon + 1).replace(/^ +/, ''), 'utf8') };
}

function checkName(name: string, line: number): void {
  if (!NAME.test(name)) throw fault(line, `'${name.slice(0, 40)}' is no attribute name`);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(value: Buffer, line: number): string {
  try {
    return decoder.decode(value);
  } catch (cause) {
    throw new DirectoryError('ldif-syntax', `${where(line)}not UTF-8`, { cause });
  }
}

const where = (line: number): string => (line > 0 ? `LDIF line ${line}: ` : 'LDIF: ');
const fault = (line: number, why: string): DirectoryError => new DirectoryError('ldif-syntax', where(line) + why);
const tooMuch = (line: number, why: string): DirectoryError => new DirectoryError('limit-exceeded', where(line) + why);

/** Prints content records as a file: version line, one blank line between records, lines folded at 76 bytes. */
export function formatLdif(records: Iterable<LdifRecord>): string {
  const out = ['version: 1\n'];
  for (const { dn, attributes } of records) {
    out.push('\n', formatLdifLine('dn', dn), ...attributeLines(attributes));
  }
  return out.join('');
}

/** Prints change records as a file that `parseLdifChanges` and `ldapmodify` read. */
export function formatLdifChanges(changes: Iterable<LdifChange>): string {
  const out = ['version: 1\n'];
  for (const change of changes) out.push('\n', ...changeLines(change));
  return out.join('');
}

function changeLines(change: LdifChange): string[] {
  const head = [formatLdifLine('dn', change.dn), `changetype: ${change.change}\n`];
  switch (change.change) {
    case 'add':
      return [...head, ...attributeLines(change.attributes)];
    case 'delete':
      return head;
    case 'modify':
      return [
        ...head,
        ...change.modifications.flatMap(({ operation, name, values }) => [
          `${operation}: ${name}\n`,
          ...values.map((value) => formatLdifLine(name, value)),
          '-\n',
        ]),
      ];
    case 'modrdn':
      return [
        ...head,
        formatLdifLine('newrdn', change.newRdn),
        `deleteoldrdn: ${change.deleteOldRdn ? 1 : 0}\n`,
        ...(change.newSuperior === undefined ? [] : [formatLdifLine('newsuperior', change.newSuperior)]),
      ];
  }
}

function attributeLines(attributes: readonly LdifAttribute[]): string[] {
  return attributes.flatMap(({ name, values }) => values.map((value) => formatLdifLine(name, value)));
}

// RFC 2849 SAFE-STRING: ASCII without NUL, CR, LF; not beginning with space, colon or less-than. A trailing space is legal
// but easily lost in an editor, so it is encoded too (RFC 2849, note 8).
function isSafe(data: Buffer): boolean {
  if (data.length === 0) return true;
  if (' :<'.includes(String.fromCharCode(data[0] as number)) || data.at(-1) === 0x20) return false;
  return data.every((byte) => byte > 0 && byte < 0x80 && byte !== 0x0a && byte !== 0x0d);
}

/** Prints one `name: value` line (base64 where needed), folded at 76 bytes, with its line feed. */
export function formatLdifLine(name: string, value: string | Buffer): string {
  const data = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  const plain = data.toString('latin1');
  const line = isSafe(data) ? `${name}:${plain === '' ? '' : ` ${plain}`}` : `${name}:: ${data.toString('base64')}`;
  let out = line.slice(0, 76);
  for (let at = 76; at < line.length; at += 75) out += `\n ${line.slice(at, at + 75)}`;
  return `${out}\n`;
}
