// Look-ups over one snapshot of the Exchange organisation: by DN, by legacyExchangeDN, by site. DNs are compared through their key,
// never as strings: directories differ in case, spacing and escapes.

import { dnKey, tryParseDn } from './distinguished-name.ts';
import type {
  ClientAccessArray,
  ExchangeOrganization,
  ExchangeServer,
  ForestDomain,
  MailboxDatabase,
  OfflineAddressBook,
  OutlookProvider,
  PublicFolderDatabase,
  RpcEndpoint,
  Site,
  VirtualDirectory,
} from './exchange-organization.ts';
import { legacyDnKey } from './legacy-dn.ts';

/** The key a DN's text is compared by; a text that is no DN compares as itself, and so equals nothing else. */
export function dnTextKey(text: string): string {
  const parsed = tryParseDn(text);
  return parsed ? dnKey(parsed) : text;
}

/** A map by DN. Almost every DN that is looked up is spelled as the snapshot spells it, so that the parser is rarely needed. */
class DnMap<T> {
  readonly #bySpelling = new Map<string, T>();
  readonly #byKey = new Map<string, T>();

  constructor(items: Iterable<readonly [dn: string, value: T]>) {
    for (const [dn, value] of items) {
      this.#bySpelling.set(dn, value);
      this.#byKey.set(dnTextKey(dn), value);
    }
  }

  static of<T extends { readonly distinguishedName: string }>(items: readonly T[]): DnMap<T> {
    return new DnMap(items.map((item) => [item.distinguishedName, item]));
  }

  /** Groups by a DN that the items refer to. */
  static grouped<T>(items: readonly T[], reference: (item: T) => string | undefined): DnMap<readonly T[]> {
    const groups = Map.groupBy(items, (item) => dnTextKey(reference(item) ?? ''));
    return new DnMap([...groups.values()].map((group) => [reference(group[0] as T) ?? '', group]));
  }

  get(dn: string | undefined): T | undefined {
    return dn === undefined ? undefined : (this.#bySpelling.get(dn) ?? this.#byKey.get(dnTextKey(dn)));
  }
}

export class OrganizationIndex {
  readonly organization: ExchangeOrganization;
  readonly #servers: DnMap<ExchangeServer>;
  readonly #endpoints: ReadonlyMap<string, RpcEndpoint>;
  readonly #databases: DnMap<MailboxDatabase>;
  readonly #publicDatabases: DnMap<PublicFolderDatabase>;
  readonly #books: DnMap<OfflineAddressBook>;
  readonly #sites: DnMap<Site>;
  readonly #arraysBySite: DnMap<readonly ClientAccessArray[]>;
  readonly #serversBySite: DnMap<readonly ExchangeServer[]>;
  readonly #directoriesByServer: DnMap<readonly VirtualDirectory[]>;

  constructor(organization: ExchangeOrganization) {
    this.organization = organization;
    this.#servers = DnMap.of(organization.servers);
    this.#endpoints = new Map(
      [...organization.servers, ...organization.arrays].flatMap((endpoint): [string, RpcEndpoint][] =>
        endpoint.legacyDn ? [[legacyDnKey(endpoint.legacyDn), endpoint]] : [],
      ),
    );
    this.#databases = DnMap.of(organization.databases);
    this.#publicDatabases = DnMap.of(organization.publicDatabases);
    this.#books = DnMap.of(organization.offlineAddressBooks);
    this.#sites = DnMap.of(organization.sites);
    this.#arraysBySite = DnMap.grouped(organization.arrays, (array) => array.siteDn);
    this.#serversBySite = DnMap.grouped(organization.servers, (server) => server.siteDn);
    this.#directoriesByServer = DnMap.grouped(organization.virtualDirectories, (vdir) => vdir.serverDn);
  }

  server(dn: string | undefined): ExchangeServer | undefined {
    return this.#servers.get(dn);
  }

  /** The array or server that a legacyExchangeDN names. */
  endpoint(legacyDn: string): RpcEndpoint | undefined {
    return this.#endpoints.get(legacyDnKey(legacyDn));
  }

  database(dn: string): MailboxDatabase | undefined {
    return this.#databases.get(dn);
  }

  publicDatabase(dn: string | undefined): PublicFolderDatabase | undefined {
    return this.#publicDatabases.get(dn);
  }

  /** The named offline address book, else the organisation's default one. */
  offlineAddressBook(dn: string | undefined): OfflineAddressBook | undefined {
    const named = this.#books.get(dn);
    return named ?? this.organization.offlineAddressBooks.find((book) => book.isDefault);
  }

  site(dn: string | undefined): Site | undefined {
    return this.#sites.get(dn);
  }

  siteNamed(name: string): Site | undefined {
    return this.organization.sites.find((site) => site.name.toLowerCase() === name.toLowerCase());
  }

  /** Arrays of a site, by name. More than one is a fault that Exchange's own tools prevent. */
  arraysIn(siteDn: string | undefined): readonly ClientAccessArray[] {
    return this.#arraysBySite.get(siteDn) ?? [];
  }

  /** Servers of a site, by name. */
  serversIn(siteDn: string | undefined): readonly ExchangeServer[] {
    return this.#serversBySite.get(siteDn) ?? [];
  }

  virtualDirectoriesOf(server: ExchangeServer): readonly VirtualDirectory[] {
    return this.#directoriesByServer.get(server.distinguishedName) ?? [];
  }

  outlookProvider(name: 'EXCH' | 'EXPR' | 'WEB'): OutlookProvider | undefined {
    return this.organization.outlookProviders.find((provider) => provider.name.toUpperCase() === name);
  }

  /** The domain of a NetBIOS or DNS name. */
  domain(name: string): ForestDomain | undefined {
    const wanted = name.toLowerCase();
    return this.organization.domains.find(
      (domain) => domain.netbiosName.toLowerCase() === wanted || domain.dnsName?.toLowerCase() === wanted,
    );
  }
}
