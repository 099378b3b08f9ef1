// legacyExchangeDN: `/o=Org/ou=Group/cn=Configuration/cn=Servers/cn=NAME`. A database's value is its RPC endpoint's legacy DN plus one
// more component; that is where RpcClientAccessServer is kept. Names may hold spaces, parentheses and dots.

const PRIVATE_MDB = '/cn=microsoft private mdb';

/** Case does not count in a legacy DN; this is the form to compare and to index by. */
export function legacyDnKey(legacyDn: string): string {
  return legacyDn.trim().toLowerCase();
}

export function isLegacyDn(text: string): boolean {
  return /^\/o=[^/]+(\/(?:ou|cn)=[^/]+)*$/i.test(text.trim());
}

/**
 * The RPC endpoint's legacy DN out of a mailbox database's (the parent, which Exchange calls RpcClientAccessServer), or undefined when
 * the value is not of the form `<endpoint>/cn=Microsoft Private MDB`.
 */
export function rpcEndpointDn(databaseLegacyDn: string): string | undefined {
  const text = databaseLegacyDn.trim();
  if (!isLegacyDn(text) || !text.toLowerCase().endsWith(PRIVATE_MDB)) return undefined;
  return text.slice(0, -PRIVATE_MDB.length);
}

/** The MdbDN of a database behind the given endpoint. */
export function privateMdbDn(endpointLegacyDn: string): string {
  return `${endpointLegacyDn}/cn=Microsoft Private MDB`;
}

/** The text of the last `/cn=` component. */
export function lastCommonName(legacyDn: string): string | undefined {
  const at = legacyDn.toLowerCase().lastIndexOf('/cn=');
  return at < 0 ? undefined : legacyDn.slice(at + 4);
}
