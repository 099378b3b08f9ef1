// legacyExchangeDNs of servers: taken apart, derived for an array, and rewritten. A server's DN is replaced as a whole up to and
// including its name, because an array may lie in another administrative group than the server it replaces.

export interface ServerDn {
  readonly organisation: string;
  /** Everything up to and including `/cn=Servers`. */
  readonly container: string;
  readonly server: string;
  /** What follows the server's name, such as `/cn=Microsoft Private MDB`; often empty. */
  readonly tail: string;
}

/** The administrative group of Exchange 2007 and 2010. */
const ADMINISTRATIVE_GROUP = 'Exchange Administrative Group (FYDIBOHF23SPDLT)';

export function parseServerDn(dn: string): ServerDn | undefined {
  const match = /^(\/o=([^/]+)(?:\/.*)?\/cn=Servers)\/cn=([^/]+)(\/.*)?$/is.exec(dn);
  if (!match) return undefined;
  const [, container = '', organisation = '', server = '', tail = ''] = match;
  return { organisation, container, server, tail };
}

/** The `/o=` of any legacyExchangeDN. */
export function organisationOf(dn: string | undefined): string | undefined {
  return /^\/o=([^/]+)/i.exec(dn ?? '')?.[1];
}

export function deriveServerDn(organisation: string, server: string): string {
  return `/o=${organisation}/ou=${ADMINISTRATIVE_GROUP}/cn=Configuration/cn=Servers/cn=${server}`;
}

/** Exchange 2013 and later have no arrays: their profiles name the mailbox instead of a server. */
export function isMailboxHome(server: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}@/i.test(server);
}
