// The demo organisation for tests: its entries, changed by a small change LDIF where a test asks for it, served by an embedded
// domain controller, and opened the way the service opens its directory.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControllerOptions } from '../../src/ldap/controller.ts';
import type { DirectoryOptions } from '../../src/ldap/directory.ts';
import { dnKey, parseDn } from '../../src/ldap/distinguished-name.ts';
import {
  type EmbeddedDirectory,
  type EmbeddedDirectoryOptions,
  startEmbeddedDirectory,
} from '../../src/ldap/embedded/server.ts';
import {
  type LdifAttribute,
  type LdifModification,
  type LdifRecord,
  parseLdif,
  parseLdifChanges,
} from '../../src/ldap/ldif.ts';

export const DEMO_LDIF = join(import.meta.dirname, '..', '..', 'demo', 'contoso.ldif');
export const DOMAIN = 'DC=contoso,DC=test';
export const ORGANIZATION = `CN=Contoso,CN=Microsoft Exchange,CN=Services,CN=Configuration,${DOMAIN}`;
export const GROUP = `CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups,${ORGANIZATION}`;
export const LEGACY_GROUP = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)';
/** The service's own account, an account that may write the organisation, and somebody without rights on it. */
export const READER = `CN=svc-autodiscover,OU=Service Accounts,${DOMAIN}`;
export const WRITER = `CN=svc-exchadmin,OU=Service Accounts,${DOMAIN}`;
export const ORDINARY = `CN=Bob Baker,OU=Staff,${DOMAIN}`;
/** Password of every enabled account. */
export const PASSWORD = 'Demo-Passw0rd!';

export const databaseDn = (name: string): string => `CN=${name},CN=Databases,${GROUP}`;
export const serverDn = (name: string): string => `CN=${name},CN=Servers,${GROUP}`;
export const staffDn = (name: string): string => `CN=${name},OU=Staff,${DOMAIN}`;

let entries: readonly LdifRecord[] | undefined;
/** Several controllers are usually given the same changes. */
let lastChanged: { readonly changes: string; readonly entries: readonly LdifRecord[] } | undefined;

/** The demo's entries, with the changes of a change LDIF applied. A change that fits nothing is an error of the test. */
export function demoEntries(changes = ''): readonly LdifRecord[] {
  entries ??= parseLdif(readFileSync(DEMO_LDIF, 'utf8'));
  if (changes === '') return entries;
  if (lastChanged?.changes !== changes) lastChanged = { changes, entries: changedEntries(entries, changes) };
  return lastChanged.entries;
}

function changedEntries(entries: readonly LdifRecord[], changes: string): readonly LdifRecord[] {
  const byName = new Map(entries.map((record) => [dnKey(parseDn(record.dn)), record]));
  for (const change of parseLdifChanges(changes)) {
    const key = dnKey(parseDn(change.dn));
    const known = byName.get(key);
    if ((change.change === 'add') === (known !== undefined)) throw new Error(`the change of ${change.dn} does not fit`);
    if (change.change === 'add') byName.set(key, change);
    else if (change.change === 'delete') byName.delete(key);
    else if (change.change === 'modify' && known) byName.set(key, modified(known, change.modifications));
    else throw new Error(`a ${change.change} cannot be applied to entries`);
  }
  return [...byName.values()];
}

function modified(record: LdifRecord, modifications: readonly LdifModification[]): LdifRecord {
  let attributes: readonly LdifAttribute[] = record.attributes;
  for (const { operation, name, values } of modifications) {
    const same = (attribute: LdifAttribute) => attribute.name.toLowerCase() === name.toLowerCase();
    const old = attributes.find(same)?.values ?? [];
    const removed = operation === 'replace' || values.length === 0 ? old : operation === 'delete' ? values : [];
    const left = old.filter((value) => !removed.some((gone) => gone.equals(value)));
    const next = operation === 'delete' ? left : [...left, ...values];
    const others = attributes.filter((attribute) => !same(attribute));
    attributes = next.length === 0 ? others : [...others, { name, values: next }];
  }
  return { dn: record.dn, attributes };
}

export type ControllerSettings = Omit<EmbeddedDirectoryOptions, 'entries'> & { readonly changes?: string };

/** An embedded domain controller over the demo organisation, with the rights the service account needs. */
export function startController(settings: ControllerSettings = {}): Promise<EmbeddedDirectory> {
  const { changes, ...options } = settings;
  return startEmbeddedDirectory({
    access: { readers: [READER], writers: [WRITER] },
    ...options,
    entries: demoEntries(changes),
  });
}

/** How a controller is reached, with time-outs that keep fault tests short. */
export function controllerAt(url: string, options: Partial<ControllerOptions> = {}): ControllerOptions {
  return {
    url,
    startTls: false,
    ca: undefined,
    tlsServerName: undefined,
    connectTimeoutMs: 2_000,
    operationTimeoutMs: 2_000,
    ...options,
  };
}

/** The service's directory over these controllers. */
export function directoryOptions(
  controllers: readonly (EmbeddedDirectory | ControllerOptions)[],
  options: Partial<DirectoryOptions> = {},
): DirectoryOptions {
  return {
    controllers: controllers.map((one) => ('stats' in one ? controllerAt(one.url) : one)),
    bindName: READER,
    readPassword: async () => PASSWORD,
    connections: 2,
    refreshIntervalMs: 3_600_000,
    searchBase: undefined,
    ...options,
  };
}

/** Waits until the condition holds; fails with `what` after ten seconds. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
