// The only reader of the configuration file. Everything is checked at once, and every fault is told with its path in the file.

import { X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { faultLines } from './config-faults.ts';
import { type Config, configSchema } from './config-schema.ts';
import { AutodiscoverError } from './errors.ts';

const MAX_FILE_BYTES = 1_048_576;
const SYNTAX_FAULTS = 5;
const SYNTAX_CHARACTERS = 100;

/** Reads and checks a configuration file. Throws AutodiscoverError `configuration`. */
export function readConfig(path: string): Config {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AutodiscoverError('configuration', `reading the configuration ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return parseConfig(text, path);
}

/** Checks the text of a configuration file; `path` is only for messages. */
export function parseConfig(text: string, path: string): Config {
  if (text.length > MAX_FILE_BYTES) throw faults(path, [`the file is larger than ${MAX_FILE_BYTES} bytes`]);
  const document = parseDocument(text, { uniqueKeys: true, stringKeys: true });
  if (document.errors.length > 0) throw faults(path, syntaxFaults(document.errors));
  const raw = withoutEmptyKeys(contentOf(document, path) ?? {});
  const parsed = configSchema.safeParse(raw);
  // What goes beyond the form is looked at in a malformed file too, so that one run tells everything.
  const unusable = [...plainTextFaults(raw), ...unreadableFiles(raw), ...caFaults(raw)];
  if (!parsed.success) throw faults(path, [...parsed.error.issues.flatMap(faultLines), ...unusable]);
  if (unusable.length > 0) throw faults(path, unusable);
  return deepFreeze(parsed.data);
}

/** Behind a slip in YAML most further faults are its consequences; and what is no YAML, as a key file, shall not be quoted at length. */
function syntaxFaults(errors: readonly { readonly message: string }[]): string[] {
  const first = errors.slice(0, SYNTAX_FAULTS).map(({ message }) => {
    const [line = ''] = message.split('\n');
    const where = / at line \d+, column \d+:?$/.exec(line)?.[0] ?? '';
    const what = line.slice(0, line.length - where.length);
    return what.length <= SYNTAX_CHARACTERS ? line : `${what.slice(0, SYNTAX_CHARACTERS)}…${where}`;
  });
  const more = errors.length - first.length;
  return more > 0 ? [...first, `and ${more} more behind these: is it YAML?`] : first;
}

/** The document's value. Aliases are not resolved: a configuration needs none, and they can be made to expand without end. */
function contentOf(document: ReturnType<typeof parseDocument>, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw faults(path, [`aliases (*name) cannot be used here: ${(error as Error).message}`]);
  }
}

/** A key whose lines are all commented out reads as null; it means the same as no key. */
function withoutEmptyKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyKeys);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutEmptyKeys(member)]));
}

function faults(path: string, lines: readonly string[]): AutodiscoverError {
  const list = lines.map((line) => `  - ${line}`).join('\n');
  return new AutodiscoverError(
    'configuration',
    `the configuration ${path} cannot be used:\n${list}\nSee: autodiscover config print-example`,
  );
}

/** A member of something that may not be what it should be. */
function member(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
    value,
  );
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function plainTextFaults(raw: unknown): string[] {
  const directory = member(raw, 'directory');
  if (member(directory, 'allowPlainText') === true || member(directory, 'startTls') === true) return [];
  return listOf(member(directory, 'servers')).flatMap((url, at) =>
    typeof url === 'string' && url.toLowerCase().startsWith('ldap:')
      ? [
          `directory.servers.${at}: ${url} would send passwords in clear text: use ldaps://, startTls, or allowPlainText`,
        ]
      : [],
  );
}

function unreadableFiles(raw: unknown): string[] {
  const named: [string, unknown][] = [
    ...['directory.caFile', 'directory.passwordFile', 'authentication.keytabFile', 'tls.ticketKeyFile'].map(
      (key): [string, unknown] => [key, member(raw, ...key.split('.'))],
    ),
    ...listOf(member(raw, 'tls', 'certificates')).flatMap((certificate, at) =>
      ['certificateFile', 'keyFile', 'pfxFile', 'passphraseFile'].map((key): [string, unknown] => [
        `tls.certificates.${at}.${key}`,
        member(certificate, key),
      ]),
    ),
  ];
  return named.flatMap(([key, path]) => (typeof path === 'string' && path !== '' ? unreadable(key, path) : []));
}

function unreadable(key: string, path: string): string[] {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isDirectory() ? [`${key}: ${path} is a folder, not a file`] : [];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return [`${key}: ${path} ${code === 'ENOENT' ? 'does not exist' : 'cannot be read by this account'}`];
  }
}

/** node:tls passes over what is no PEM, and would trust nobody. Windows exports the binary form (DER) unless asked for Base-64. */
function caFaults(raw: unknown): string[] {
  const path = member(raw, 'directory', 'caFile');
  if (typeof path !== 'string' || path === '' || unreadable('', path).length > 0) return [];
  const content = readFileSync(path);
  const isPem = content.includes('-----BEGIN CERTIFICATE-----');
  try {
    new X509Certificate(content);
    if (isPem) return [];
    return [
      `directory.caFile: ${path} is a certificate in binary form; make a PEM file of it: openssl x509 -inform der -in ${path} -out FILE`,
    ];
  } catch (error) {
    const why = isPem
      ? `holds a certificate that cannot be read: ${(error as Error).message}`
      : 'holds no PEM certificate';
    return [`directory.caFile: ${path} ${why}`];
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}

/** The process's environment, for commands that read a variable; nothing else in the program looks at it. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** Tells MIT Kerberos, which looks at the environment, where the service's keys are. */
export function useKeytab(file: string): void {
  process.env.KRB5_KTNAME = `FILE:${file}`;
}
