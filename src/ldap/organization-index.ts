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

export class OrganizationIndex {
  readonly organization: ExchangeOrganization;
  readonly #servers: ReadonlyMap<string, ExchangeServer>;
  readonly #endpoints: ReadonlyMap<string, RpcEndpoint>;
  readonly #databases: ReadonlyMap<string, MailboxDatabase>;
  readonly #publicDatabases: ReadonlyMap<string, PublicFolderDatabase>;
  readonly #books: ReadonlyMap<string, OfflineAddressBook>;
  readonly #sites: ReadonlyMap<string, Site>;
  readonly #arraysBySite: ReadonlyMap<string, readonly ClientAccessArray[]>;
  readonly #serversBySite: ReadonlyMap<string, readonly ExchangeServer[]>;
  readonly #directoriesByServer: ReadonlyMap<string, readonly VirtualDirectory[]>;

  constructor(organization: ExchangeOrganization) {
    const byDn = <T extends { readonly distinguishedName: string }>(items: readonly T[]) =>
      new Map(items.map((item) => [dnTextKey(item.distinguishedName), item]));
    const siteKey = (item: { readonly siteDn: string | undefined }) => (item.siteDn ? dnTextKey(item.siteDn) : '');
    this.organization = organization;
    this.#servers = byDn(organization.servers);
    this.#endpoints = new Map(
      [...organization.servers, ...organization.arrays].flatMap((endpoint): [string, RpcEndpoint][] =>
        endpoint.legacyDn ? [[legacyDnKey(endpoint.legacyDn), endpoint]] : [],
      ),
    );
    this.#databases = byDn(organization.databases);
    this.#publicDatabases = byDn(organization.publicDatabases);
    this.#books = byDn(organization.offlineAddressBooks);
    this.#sites = byDn(organization.sites);
    this.#arraysBySite = Map.groupBy(organization.arrays, siteKey);
    this.#serversBySite = Map.groupBy(organization.servers, siteKey);
    this.#directoriesByServer = Map.groupBy(organization.virtualDirectories, (vdir) => dnTextKey(vdir.serverDn));
  }

  server(dn: string | undefined): ExchangeServer | undefined {
    return dn === undefined ? undefined : this.#servers.get(dnTextKey(dn));
  }

  /** The array or server that a legacyExchangeDN names. */
  endpoint(legacyDn: string): RpcEndpoint | undefined {
    return this.#endpoints.get(legacyDnKey(legacyDn));
  }

  database(dn: string): MailboxDatabase | undefined {
    return this.#databases.get(dnTextKey(dn));
  }

  publicDatabase(dn: string | undefined): PublicFolderDatabase | undefined {
    return dn === undefined ? undefined : this.#publicDatabases.get(dnTextKey(dn));
  }

  /** The named offline address book, else the organisation's default one. */
  offlineAddressBook(dn: string | undefined): OfflineAddressBook | undefined {
    const named = dn === undefined ? undefined : this.#books.get(dnTextKey(dn));
    return named ?? this.organization.offlineAddressBooks.find((book) => book.isDefault);
  }

  site(dn: string | undefined): Site | undefined {
    return dn === undefined ? undefined : this.#sites.get(dnTextKey(dn));
  }

  siteNamed(name: string): Site | undefined {
    return this.organization.sites.find((site) => site.name.toLowerCase() === name.toLowerCase());
  }

  /** Arrays of a site, by name. More than one is a fault that Exchange's own tools prevent. */
  arraysIn(siteDn: string | undefined): readonly ClientAccessArray[] {
    return siteDn === undefined ? [] : (this.#arraysBySite.get(dnTextKey(siteDn)) ?? []);
  }

  /** Servers of a site, by name. */
  serversIn(siteDn: string | undefined): readonly ExchangeServer[] {
    return siteDn === undefined ? [] : (this.#serversBySite.get(dnTextKey(siteDn)) ?? []);
  }

  virtualDirectoriesOf(server: ExchangeServer): readonly VirtualDirectory[] {
    return this.#directoriesByServer.get(dnTextKey(server.distinguishedName)) ?? [];
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
