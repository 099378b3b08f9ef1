// Store entry-ids ([MS-OXCDATA] 2.2.4.3 Store Object EntryIDs), read only: they bind the offline file, the search index and the
// delivery store to the profile, so the server names inside them are reported and never changed.

export interface StoreEntryId {
  readonly kind: 'private' | 'public';
  /** Short name of the server, or what Exchange 2013 and later put in its place. */
  readonly server: string;
  /** legacyExchangeDN of the mailbox; empty for public stores that have none. */
  readonly mailboxDn: string;
  /** Names of the version 2 tail, where there is one. */
  readonly serverDn: string | undefined;
  readonly serverFqdn: string | undefined;
}

const WRAPPED_STORE = '38a1bb1005e5101aa1bb08002b2a56c2';
const PROVIDERS: Readonly<Record<string, StoreEntryId['kind']>> = {
  '1b55fa20aa6611cd9bc800aa002fc45a': 'private',
  '1c830210aa6611cd9bc800aa002fc45a': 'public',
};
const NAMES_AT = 60;
const V2_MAGIC = 0xf32135d8;
const V2_HEADER_BYTES = 20;

/** Undefined for anything that is not an Exchange store's entry-id. */
export function readStoreEntryId(data: Buffer): StoreEntryId | undefined {
  if (data.length < NAMES_AT || data.toString('hex', 4, 20) !== WRAPPED_STORE) return undefined;
  const kind = PROVIDERS[data.toString('hex', 40, 56)];
  if (!kind) return undefined;
  const server = zeroTerminated(data, NAMES_AT);
  if (server === undefined) return undefined;
  const afterServer = NAMES_AT + server.length + 1;
  // A public store may go straight on to its tail.
  if (isV2(data, afterServer)) return { kind, server, mailboxDn: '', ...readV2(data, afterServer) };
  const mailboxDn = zeroTerminated(data, afterServer) ?? '';
  return { kind, server, mailboxDn, ...readV2(data, afterServer + mailboxDn.length + 1) };
}

function isV2(data: Buffer, at: number): boolean {
  return at + V2_HEADER_BYTES <= data.length && data.readUInt32LE(at) === V2_MAGIC;
}

function readV2(data: Buffer, at: number): Pick<StoreEntryId, 'serverDn' | 'serverFqdn'> {
  if (!isV2(data, at)) return { serverDn: undefined, serverFqdn: undefined };
  const dnOffset = data.readUInt32LE(at + 12);
  const fqdnOffset = data.readUInt32LE(at + 16);
  return {
    serverDn: dnOffset === 0 ? undefined : zeroTerminated(data, at + dnOffset),
    serverFqdn: fqdnOffset === 0 ? undefined : zeroTerminatedWide(data, at + fqdnOffset),
  };
}

function zeroTerminated(data: Buffer, at: number): string | undefined {
  const end = data.indexOf(0, at);
  return at > data.length || end < 0 ? undefined : data.toString('latin1', at, end);
}

function zeroTerminatedWide(data: Buffer, at: number): string | undefined {
  for (let end = at; end + 1 < data.length; end += 2) {
    if (data.readUInt16LE(end) === 0) return data.toString('utf16le', at, end);
  }
  return undefined;
}
