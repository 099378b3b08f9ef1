// From the profile's service table to its Exchange services and the names of the sections each of them owns.
import { findKey, foldName, type RegistryKey } from '../registry/registry.ts';
import { isSectionName, splitUids, WELL_KNOWN_SECTIONS } from './profile-section.ts';
import {
  ACCOUNT_SECTION as A,
  PROVIDER_SECTION as P,
  PROFILE_TABLES,
  SERVICE_SECTION as S,
  valueNameOf,
} from './property-tags.ts';
import { binaryIn, booleanIn, textIn } from './property-value.ts';

export interface ExchangeService {
  /** Section name of the service, lower case. */
  readonly name: string;
  /** Sections holding account-wide values (Outlook 2010 and later). */
  readonly accountSections: readonly string[];
  /** Whether the profile's global Exchange section holds this account's values, alone or as a second copy. */
  readonly usesGlobalSection: boolean;
  readonly stores: readonly string[];
  readonly addressBookProviders: readonly string[];
  readonly transports: readonly string[];
}

export interface ServiceTable {
  readonly services: readonly ExchangeService[];
  /** Folded names of all sections some service owns, Exchange or not. */
  readonly claimed: ReadonlySet<string>;
  readonly problems: readonly string[];
}

const EXCHANGE_SERVICE = 'MSEMS';

export function findExchangeServices(profile: RegistryKey): ServiceTable {
  const problems: string[] = [];
  const claimed = new Set<string>();
  const table = findKey(profile, WELL_KNOWN_SECTIONS.profileTables);
  const listed = readUids(table, PROFILE_TABLES.PR_SERVICE_UIDS, 'the service table', problems);
  const services: ExchangeService[] = [];
  for (const name of new Set(listed)) {
    const key = findKey(profile, name);
    if (!key) {
      problems.push(`the service table names section ${name}, which does not exist`);
      continue;
    }
    const service = readService(profile, name, key, problems);
    const exchange = isExchange(key, name, problems);
    if (exchange) services.push(service);
    for (const owned of ownedSections(profile, key, service, exchange)) claimed.add(foldName(owned));
  }
  claimProvidersByBackPointer(profile, listed, claimed);
  return { services: withGlobalSection(profile, services, claimed), claimed, problems };
}

function readService(profile: RegistryKey, name: string, key: RegistryKey, problems: string[]): ExchangeService {
  const what = `service ${name}`;
  const exists = (uid: string): boolean => {
    const found = findKey(profile, uid) !== undefined;
    if (!found) problems.push(`${what} names section ${uid}, which does not exist`);
    return found;
  };
  const providers = (tag: typeof S.PR_STORE_PROVIDERS): string[] =>
    readUids(key, tag, what, problems).filter((uid) => {
      if (!exists(uid)) return false;
      const provider = findKey(profile, uid);
      const owner = splitUids(binaryIn(provider, P.PR_SERVICE_UID)) ?? [];
      const agrees = owner.length === 0 || owner.includes(name);
      if (!agrees) problems.push(`section ${uid} is listed by ${what} but says it belongs to ${owner.join(', ')}`);
      return agrees;
    });
  const named = readUids(key, S.PR_EMSMDB_SECTION_UID, what, problems).filter(exists);
  const extra = named.length > 0 ? [] : readUids(key, S.PR_SERVICE_EXTRA_UIDS, what, problems);
  const looksLikeAccount = (uid: string): boolean => {
    const section = findKey(profile, uid);
    const marks = [A.PR_PROFILE_HOME_SERVER, A.PR_PROFILE_USER, A.PR_PROFILE_VERSION];
    return section !== undefined && marks.some((mark) => section.values.has(foldName(valueNameOf(mark))));
  };
  return {
    name,
    accountSections: named.length > 0 ? named : extra.filter(looksLikeAccount),
    usesGlobalSection: false,
    stores: providers(S.PR_STORE_PROVIDERS),
    addressBookProviders: providers(S.PR_AB_PROVIDERS),
    transports: providers(S.PR_TRANSPORT_PROVIDERS),
  };
}

function isExchange(key: RegistryKey, name: string, problems: string[]): boolean {
  const service = textIn(key, S.PR_SERVICE_NAME_W, S.PR_SERVICE_NAME_A);
  if (service !== undefined) return service.toUpperCase() === EXCHANGE_SERVICE;
  const dll = textIn(key, S.PR_SERVICE_DLL_NAME_W, S.PR_SERVICE_DLL_NAME_A) ?? '';
  const exchange = /^ems(?:ui|mdb)/i.test(dll);
  if (exchange) problems.push(`service ${name} has no name; taken for Exchange because of its library ${dll}`);
  return exchange;
}

/**
 * Until Outlook 2007 the one account keeps its values in the global section. Since 2010 that section is redirected to the account
 * marked as legacy, and may still hold a copy of its values.
 */
function withGlobalSection(profile: RegistryKey, services: ExchangeService[], claimed: Set<string>): ExchangeService[] {
  const global = findKey(profile, WELL_KNOWN_SECTIONS.exchangeGlobal);
  if (!global || global.values.size === 0) return services;
  const legacy = (service: ExchangeService): boolean =>
    booleanIn(findKey(profile, service.name), S.PR_EMSMDB_LEGACY) ||
    service.accountSections.some((name) => booleanIn(findKey(profile, name), S.PR_EMSMDB_LEGACY));
  const withoutOwn = services.filter((service) => service.accountSections.length === 0);
  const owner = services.find(legacy) ?? (withoutOwn.length === 1 ? withoutOwn[0] : undefined);
  if (!owner) return services;
  claimed.add(foldName(WELL_KNOWN_SECTIONS.exchangeGlobal));
  return services.map((service) => (service === owner ? { ...service, usesGlobalSection: true } : service));
}

function ownedSections(profile: RegistryKey, key: RegistryKey, service: ExchangeService, exchange: boolean): string[] {
  const extra = exchange ? [] : (splitUids(binaryIn(key, S.PR_SERVICE_EXTRA_UIDS)) ?? []);
  const books = service.accountSections.flatMap(
    (name) => splitUids(binaryIn(findKey(profile, name), A.PR_EMSABP_USER_UID)) ?? [],
  );
  const { name, accountSections, stores, addressBookProviders, transports } = service;
  return [name, ...accountSections, ...stores, ...addressBookProviders, ...transports, ...extra, ...books];
}

/** A provider that points back to a listed service is that service's, even when the service does not list it. */
function claimProvidersByBackPointer(profile: RegistryKey, listed: readonly string[], claimed: Set<string>): void {
  for (const key of profile.subkeys.values()) {
    if (!isSectionName(key.name)) continue;
    const owners = splitUids(binaryIn(key, P.PR_SERVICE_UID)) ?? [];
    if (owners.some((owner) => listed.includes(owner))) claimed.add(foldName(key.name));
  }
}

function readUids(
  key: RegistryKey | undefined,
  tag: { type: number; id: number; name: string },
  what: string,
  problems: string[],
): string[] {
  const uids = splitUids(binaryIn(key, tag));
  if (!uids) problems.push(`${what}: ${tag.name} is no list of section names`);
  return uids ?? [];
}
