// The properties this program reads or writes, grouped by the kind of profile section that gives an id its meaning: ids 0x6600 to
// 0x67ff belong to each provider, so a tag without its section says nothing. Names are those of Microsoft's EdkMdb.h and MAPITags.h.

/** Property types, the low half of a property tag (MAPIDefS.h). */
export const PropType = {
  LONG: 0x0003,
  BOOLEAN: 0x000b,
  STRING8: 0x001e,
  UNICODE: 0x001f,
  BINARY: 0x0102,
  MV_STRING8: 0x101e,
  MV_BINARY: 0x1102,
} as const;

export interface PropertyTag {
  readonly type: number;
  readonly id: number;
  readonly name: string;
}

/** The registry value a profile section keeps the property under: type, then id, in eight hexadecimal digits. */
export function valueNameOf({ type, id }: PropertyTag): string {
  return ((type * 0x10000 + id) >>> 0).toString(16).padStart(8, '0');
}

function tag(type: number, id: number, name: string): PropertyTag {
  return { type, id, name };
}

/** Section 9207f3e0...: which message services and providers the profile has. */
export const PROFILE_TABLES = {
  PR_SERVICE_UIDS: tag(PropType.BINARY, 0x3d0e, 'service table'),
} as const;

/** The section of one message service. */
export const SERVICE_SECTION = {
  PR_SERVICE_NAME_W: tag(PropType.UNICODE, 0x3d09, 'PR_SERVICE_NAME'),
  PR_SERVICE_NAME_A: tag(PropType.STRING8, 0x3d09, 'PR_SERVICE_NAME'),
  PR_SERVICE_DLL_NAME_W: tag(PropType.UNICODE, 0x3d0a, 'PR_SERVICE_DLL_NAME'),
  PR_SERVICE_DLL_NAME_A: tag(PropType.STRING8, 0x3d0a, 'PR_SERVICE_DLL_NAME'),
  PR_STORE_PROVIDERS: tag(PropType.BINARY, 0x3d00, 'PR_STORE_PROVIDERS'),
  PR_AB_PROVIDERS: tag(PropType.BINARY, 0x3d01, 'PR_AB_PROVIDERS'),
  PR_TRANSPORT_PROVIDERS: tag(PropType.BINARY, 0x3d02, 'PR_TRANSPORT_PROVIDERS'),
  PR_SERVICE_EXTRA_UIDS: tag(PropType.BINARY, 0x3d0d, 'PR_SERVICE_EXTRA_UIDS'),
  PR_EMSMDB_SECTION_UID: tag(PropType.BINARY, 0x3d15, 'PR_EMSMDB_SECTION_UID'),
  PR_EMSMDB_LEGACY: tag(PropType.BOOLEAN, 0x3d18, 'PR_EMSMDB_LEGACY'),
} as const;

/** The section of one provider (message store, address book, transport) of a service. */
export const PROVIDER_SECTION = {
  PR_SERVICE_UID: tag(PropType.BINARY, 0x3d0c, 'PR_SERVICE_UID'),
  PR_MDB_PROVIDER: tag(PropType.BINARY, 0x3414, 'PR_MDB_PROVIDER'),
  PR_ENTRYID: tag(PropType.BINARY, 0x0fff, 'PR_ENTRYID'),
  PR_DISPLAY_NAME_W: tag(PropType.UNICODE, 0x3001, 'PR_DISPLAY_NAME'),
  PR_PROVIDER_DISPLAY_W: tag(PropType.UNICODE, 0x3006, 'PR_PROVIDER_DISPLAY'),
  PR_PROFILE_TYPE: tag(PropType.LONG, 0x660a, 'PR_PROFILE_TYPE'),
  PR_PROFILE_MAILBOX: tag(PropType.STRING8, 0x660b, 'PR_PROFILE_MAILBOX'),
  PR_PROFILE_SERVER: tag(PropType.STRING8, 0x660c, 'PR_PROFILE_SERVER'),
  PR_PROFILE_SERVER_DN: tag(PropType.STRING8, 0x6614, 'PR_PROFILE_SERVER_DN'),
  PR_PROFILE_SERVER_FQDN_W: tag(PropType.UNICODE, 0x662b, 'PR_PROFILE_SERVER_FQDN'),
  PR_MDB_DN_A: tag(PropType.STRING8, 0x7cff, 'PR_MDB_DN'),
  PR_MDB_DN_W: tag(PropType.UNICODE, 0x7cff, 'PR_MDB_DN'),
} as const;

/** The account-wide section of an Exchange account ("emsmdb"), or the global section that Outlook 2007 and older use instead. */
export const ACCOUNT_SECTION = {
  PR_PROFILE_VERSION: tag(PropType.LONG, 0x6600, 'PR_PROFILE_VERSION'),
  PR_PROFILE_CONFIG_FLAGS: tag(PropType.LONG, 0x6601, 'PR_PROFILE_CONFIG_FLAGS'),
  PR_PROFILE_HOME_SERVER: tag(PropType.STRING8, 0x6602, 'PR_PROFILE_HOME_SERVER'),
  PR_PROFILE_USER: tag(PropType.STRING8, 0x6603, 'PR_PROFILE_USER'),
  PR_PROFILE_CONNECT_FLAGS: tag(PropType.LONG, 0x6604, 'PR_PROFILE_CONNECT_FLAGS'),
  PR_PROFILE_UNRESOLVED_SERVER_A: tag(PropType.STRING8, 0x6608, 'PR_PROFILE_UNRESOLVED_SERVER'),
  PR_PROFILE_UNRESOLVED_SERVER_W: tag(PropType.UNICODE, 0x6608, 'PR_PROFILE_UNRESOLVED_SERVER'),
  PR_PROFILE_HOME_SERVER_DN: tag(PropType.STRING8, 0x6612, 'PR_PROFILE_HOME_SERVER_DN'),
  PR_PROFILE_HOME_SERVER_ADDRS: tag(PropType.MV_STRING8, 0x6613, 'PR_PROFILE_HOME_SERVER_ADDRS'),
  PR_PROFILE_AUTH_PACKAGE: tag(PropType.LONG, 0x6619, 'PR_PROFILE_AUTH_PACKAGE'),
  PR_PROFILE_ACCOUNT_NAME_W: tag(PropType.UNICODE, 0x6620, 'PR_PROFILE_ACCOUNT_NAME'),
  PR_ROH_PROXY_SERVER: tag(PropType.UNICODE, 0x6622, 'PR_ROH_PROXY_SERVER'),
  PR_ROH_FLAGS: tag(PropType.LONG, 0x6623, 'PR_ROH_FLAGS'),
  PR_ROH_PROXY_PRINCIPAL_NAME: tag(PropType.UNICODE, 0x6625, 'PR_ROH_PROXY_PRINCIPAL_NAME'),
  PR_PROFILE_HOME_SERVER_FQDN: tag(PropType.UNICODE, 0x662a, 'PR_PROFILE_HOME_SERVER_FQDN'),
  PR_PROFILE_USER_EMAIL_W: tag(PropType.UNICODE, 0x663d, 'PR_PROFILE_USER_EMAIL'),
  PR_PROFILE_USER_SMTP_EMAIL_ADDRESS_W: tag(PropType.UNICODE, 0x6641, 'PR_PROFILE_USER_SMTP_EMAIL_ADDRESS'),
  PR_PROFILE_LKG_AUTODISCOVER_URL: tag(PropType.UNICODE, 0x664a, 'PR_PROFILE_LKG_AUTODISCOVER_URL'),
  PR_EXCHANGE_CONSUMER_ACCOUNT: tag(PropType.BOOLEAN, 0x665e, 'PR_EXCHANGE_CONSUMER_ACCOUNT'),
  PR_PROFILE_ADDR_INFO: tag(PropType.BINARY, 0x6687, 'PR_PROFILE_ADDR_INFO'),
  PR_EMSABP_USER_UID: tag(PropType.BINARY, 0x3d1a, 'PR_EMSABP_USER_UID'),
} as const;

/** The address-book section of an account ("emsabp"), and the one section with the fixed name dca740c8... */
export const ADDRESS_BOOK_SECTION = {
  /** Same id as in the account section, but here it names the directory server: a global catalog or the Client Access server. */
  PR_PROFILE_DIRECTORY_SERVER_FQDN: tag(PropType.UNICODE, 0x662a, 'PR_PROFILE_HOME_SERVER_FQDN (directory server)'),
} as const;

/** MAPI over HTTP addresses of Exchange 2013 SP1 and later; seen in account, store and address-book sections. */
export const MAPI_HTTP = {
  MAIL_STORE_INTERNAL_URL: tag(PropType.UNICODE, 0x6652, 'MAPI/HTTP mail store URL (internal)'),
  MAIL_STORE_EXTERNAL_URL: tag(PropType.UNICODE, 0x6653, 'MAPI/HTTP mail store URL (external)'),
  ADDRESS_BOOK_INTERNAL_URL: tag(PropType.UNICODE, 0x6654, 'MAPI/HTTP address book URL (internal)'),
  ADDRESS_BOOK_EXTERNAL_URL: tag(PropType.UNICODE, 0x6655, 'MAPI/HTTP address book URL (external)'),
} as const;
