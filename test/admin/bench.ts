// A directory with the demo organisation, a configuration for it, and a way to run commands that write.
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Attribute, Change } from 'ldapts';
import type { EmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { type LdifRecord, parseLdif } from '../../src/ldap/ldif.ts';
import {
  ADMIN_GROUP,
  connect,
  DEMO_LDIF,
  LEGACY_ADMIN_GROUP,
  PASSWORD,
  start,
  WRITER,
} from '../ldap/embedded/demo-directory.ts';
import { type Run, type RunOptions, run, type Workplace, workplace } from './run-command.ts';

export interface Bench {
  readonly directory: EmbeddedDirectory;
  readonly place: Workplace;
  /** Runs a command as the account that may write; --yes unless somebody answers. */
  write(args: readonly string[], undo: string, options?: RunOptions): Promise<Run>;
}

export async function bench(t: TestContext, entries: Iterable<LdifRecord> = parseLdif(DEMO_LDIF)): Promise<Bench> {
  const directory = await start(t, { entries });
  const place = await workplace(t, { servers: [directory.url], password: PASSWORD });
  const write = (args: readonly string[], undo: string, options: RunOptions = {}) => {
    const account = ['--config', place.config, '--user', WRITER, '--password-file', place.passwordFile];
    return run([...args, ...account, '--undo-file', place.path(undo), ...(options.answer ? [] : ['--yes'])], options);
  };
  return { directory, place, write };
}

/** Does something as soon as the next write has reached the directory. */
export async function onNextWrite(directory: EmbeddedDirectory, action: () => Promise<void>): Promise<void> {
  const before = directory.stats.writes;
  for (let n = 0; directory.stats.writes === before; n++) {
    if (n > 10_000) throw new Error('nothing was written');
    await setTimeout(1);
  }
  await action();
}

/** Somebody else gives a database, by name, another legacyExchangeDN. */
export async function changeDatabase(
  t: TestContext,
  directory: EmbeddedDirectory,
  name: string,
  to: string,
): Promise<void> {
  const other = await connect(t, directory, WRITER);
  const modification = new Attribute({ type: 'legacyExchangeDN', values: [to] });
  await other.modify(databaseDn(name), new Change({ operation: 'replace', modification }));
}

/** Values of an entry's attribute as they stand in the directory. */
export const attribute = (directory: EmbeddedDirectory, dn: string, name: string) =>
  directory.findEntry(dn)?.attributes.get(name)?.map(String);

export const databaseDn = (name: string) => `CN=${name},CN=Databases,${ADMIN_GROUP}`;

/** The legacyExchangeDN of a database whose users are told this server or array. */
export const mdb = (server: string) =>
  `${LEGACY_ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=${server}/cn=Microsoft Private MDB`;

/** A change that is allowed, and what it changes. */
export const SET = ['database', 'set', 'SEA-DB02', '--rpc-client-access-server', 'outlook-sea.contoso.test'];
export const legacyDnNow = (directory: EmbeddedDirectory, name = 'SEA-DB02') =>
  attribute(directory, databaseDn(name), 'legacyExchangeDN')?.[0];
