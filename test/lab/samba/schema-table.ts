// The part of the Exchange 2010 schema that the demo organisation needs, as a table. schema-ldif.ts turns it into LDIF.
// OIDs are Exchange's own where they are published; the rest lie in the arc that Microsoft sets aside for self-made OIDs.
// An LDAP client never sees an OID, so nothing in the product depends on them.

/** Exchange's attributes, the older MAPI attributes, and Exchange's classes. */
const EXCH = '1.2.840.113556.1.4.7000.102';
const MAPI = '1.2.840.113556.1.2';
const CLASS = '1.2.840.113556.1.5.7000.62';
/** Self-made: attributes below .1, classes below .2. */
const LAB = '1.2.840.113556.1.8000.2554.4711';

export type Syntax =
  | 'dn'
  | 'unicode'
  | 'teletex'
  | 'boolean'
  | 'integer'
  | 'enumeration'
  | 'large-integer'
  | 'octets'
  | 'sid';

/** attributeSyntax and oMSyntax of [MS-ADTS] 3.1.1.2.2.2 Syntaxes. */
export const SYNTAXES: Record<Syntax, readonly [attributeSyntax: string, oMSyntax: number]> = {
  dn: ['2.5.5.1', 127],
  unicode: ['2.5.5.12', 64],
  teletex: ['2.5.5.4', 20],
  boolean: ['2.5.5.8', 1],
  integer: ['2.5.5.9', 2],
  enumeration: ['2.5.5.9', 10],
  'large-integer': ['2.5.5.16', 65],
  octets: ['2.5.5.10', 4],
  sid: ['2.5.5.17', 4],
};

export type AttributeRow = readonly [
  name: string,
  oid: string,
  syntax: Syntax,
  values: 'single' | 'multi',
  searchFlags: number,
  catalog: 'gc' | '-',
  /** forward link: even, back link: the same plus one */
  linkId?: number,
];

// biome-ignore format: a table
export const ATTRIBUTES: readonly AttributeRow[] = [
  // recipients
  ['homeMDB',                       `${MAPI}.244`,   'dn',            'single', 0,  'gc', 32],
  ['homeMDBBL',                     `${MAPI}.393`,   'dn',            'multi',  0,  '-',  33],
  ['homeMTA',                       `${MAPI}.171`,   'dn',            'single', 0,  'gc'],
  ['msExchHomeServerName',          `${EXCH}.47`,    'unicode',       'single', 25, 'gc'],
  ['mailNickname',                  `${MAPI}.447`,   'unicode',       'single', 5,  'gc'],
  ['targetAddress',                 `${MAPI}.352`,   'unicode',       'single', 1,  'gc'],
  ['altRecipient',                  `${MAPI}.126`,   'dn',            'single', 16, 'gc', 12],
  ['altRecipientBL',                `${MAPI}.294`,   'dn',            'multi',  0,  '-',  13],
  ['deliverAndRedirect',            `${MAPI}.190`,   'boolean',       'single', 16, 'gc'],
  ['publicDelegates',               `${MAPI}.238`,   'dn',            'multi',  16, 'gc', 14],
  ['publicDelegatesBL',             `${MAPI}.295`,   'dn',            'multi',  0,  '-',  15],
  ['msExchHideFromAddressLists',    `${EXCH}.73`,    'boolean',       'single', 16, 'gc'],
  ['msExchMailboxGuid',             `${EXCH}.11058`, 'octets',        'single', 9,  'gc'],
  ['msExchRecipientTypeDetails',    `${EXCH}.50855`, 'large-integer', 'single', 1,  'gc'],
  ['msExchRecipientDisplayType',    `${EXCH}.50730`, 'integer',       'single', 1,  'gc'],
  ['msExchRemoteRecipientType',     `${EXCH}.51611`, 'large-integer', 'single', 0,  '-'],
  ['msExchDelegateListLink',        `${EXCH}.51530`, 'dn',            'multi',  0,  '-',  60000],
  ['msExchDelegateListBL',          `${EXCH}.51538`, 'dn',            'multi',  0,  '-',  60001],
  ['msExchUserCulture',             `${EXCH}.50773`, 'unicode',       'single', 0,  '-'],
  ['msExchArchiveGUID',             `${EXCH}.51443`, 'octets',        'single', 0,  '-'],
  ['msExchArchiveName',             `${EXCH}.51441`, 'unicode',       'multi',  0,  '-'],
  ['msExchArchiveDatabaseLink',     `${EXCH}.51444`, 'dn',            'single', 0,  '-',  60002],
  ['msExchArchiveDatabaseLinkBL',   `${LAB}.1.1`,    'dn',            'multi',  0,  '-',  60003],
  ['msExchMasterAccountSid',        `${EXCH}.81`,    'sid',           'single', 9,  'gc'],
  ['msExchUserAccountControl',      `${EXCH}.101`,   'integer',       'single', 25, 'gc'],
  ['msExchPoliciesIncluded',        `${EXCH}.50050`, 'unicode',       'multi',  0,  '-'],
  ['protocolSettings',              `${MAPI}.528`,   'unicode',       'multi',  16, 'gc'],
  ['msExchMobileMailboxFlags',      `${EXCH}.50858`, 'integer',       'single', 0,  '-'],
  // every object Exchange 2010 writes
  ['msExchVersion',                 `${EXCH}.50853`, 'large-integer', 'single', 0,  '-'],
  // organisation and administrative group
  ['msExchMixedMode',               `${EXCH}.50022`, 'boolean',       'single', 0,  '-'],
  ['msExchDefaultAdminGroup',       `${EXCH}.50015`, 'boolean',       'single', 0,  '-'],
  ['msExchProductID',               `${LAB}.1.2`,    'unicode',       'single', 0,  '-'],
  // databases
  ['msExchOwningServer',            `${EXCH}.11004`, 'dn',            'single', 0,  '-'],
  ['msExchMasterServerOrAvailabilityGroup', `${LAB}.1.3`, 'dn',       'single', 0,  '-'],
  ['msExchHomePublicMDB',           `${EXCH}.11044`, 'dn',            'single', 0,  '-'],
  ['msExchUseOAB',                  `${EXCH}.69`,    'dn',            'single', 16, 'gc', 1014],
  ['msExchUseOABBL',                `${EXCH}.70`,    'dn',            'multi',  0,  '-',  1015],
  ['msExchEDBFile',                 `${EXCH}.11001`, 'teletex',       'single', 0,  '-'],
  ['msExchDatabaseCreated',         `${EXCH}.11084`, 'boolean',       'single', 0,  '-'],
  ['msExchEDBOffline',              `${EXCH}.11007`, 'boolean',       'single', 0,  '-'],
  ['msExchRestore',                 `${EXCH}.11092`, 'boolean',       'single', 0,  'gc'],
  ['activationStyle',               `${MAPI}.73`,    'integer',       'single', 0,  '-'],
  ['deliveryMechanism',             `${MAPI}.241`,   'enumeration',   'single', 0,  'gc'],
  ['msExchHostServerLink',          `${LAB}.1.4`,    'dn',            'single', 0,  '-',  60004],
  ['msExchHostServerBL',            `${LAB}.1.5`,    'dn',            'multi',  0,  '-',  60005],
  ['msExchActivationPreference',    `${LAB}.1.6`,    'integer',       'single', 0,  '-'],
  // offline address book
  ['msExchOABDefault',              `${EXCH}.67`,    'boolean',       'single', 0,  '-'],
  // servers and arrays
  ['msExchServerSite',              `${LAB}.1.7`,    'dn',            'single', 0,  '-',  60006],
  ['msExchServerSiteBL',            `${EXCH}.51469`, 'dn',            'multi',  0,  '-',  60007],
  ['msExchCurrentServerRoles',      `${LAB}.1.8`,    'integer',       'single', 0,  '-'],
  ['msExchServerRole',              `${EXCH}.15006`, 'integer',       'single', 0,  '-'],
  ['msExchMDBAvailabilityGroupLink', `${LAB}.1.9`,   'dn',            'single', 0,  '-',  60008],
  ['msExchMDBAvailabilityGroupBL',  `${LAB}.1.10`,   'dn',            'multi',  0,  '-',  60009],
  // virtual directories
  ['msExchInternalHostName',        `${LAB}.1.11`,   'unicode',       'single', 0,  '-'],
  ['msExchExternalHostName',        `${LAB}.1.12`,   'unicode',       'single', 0,  '-'],
  ['msExchInternalAuthenticationMethods', `${LAB}.1.13`, 'integer',   'single', 0,  '-'],
  ['msExchExternalAuthenticationMethods', `${LAB}.1.14`, 'integer',   'single', 0,  '-'],
  ['msExchMetabasePath',            `${LAB}.1.15`,   'unicode',       'single', 0,  '-'],
  ['msExchRpcHttpFlags',            `${LAB}.1.16`,   'integer',       'single', 0,  '-'],
  // Outlook providers
  ['msExchAutoDiscoverCertPrincipalName', `${LAB}.1.17`, 'unicode',   'single', 0,  '-'],
  ['msExchAutoDiscoverServer',      `${LAB}.1.18`,   'unicode',       'single', 0,  '-'],
  ['msExchAutoDiscoverTTL',         `${LAB}.1.19`,   'integer',       'single', 0,  '-'],
  ['msExchAutoDiscoverFlags',       `${LAB}.1.20`,   'integer',       'single', 0,  '-'],
];

/** Default DACLs of the classes. Databases, virtual directories and providers grant an ordinary account nothing. */
export const NOTHING = 'D:S:';
export const READ_PROPERTIES = 'D:(A;;RP;;;AU)';
export const LIST_CONTENTS = 'D:(A;;LC;;;AU)';

export type ClassRow = {
  readonly name: string;
  readonly oid: string;
  readonly parent: string;
  /** Classes an object of this class may stand below (possSuperiors). */
  readonly below: readonly string[];
  readonly may?: readonly string[];
  readonly must?: readonly string[];
  readonly dacl: string;
};

const DIRECTORY_ATTRIBUTES = [
  'msExchInternalHostName',
  'msExchExternalHostName',
  'msExchInternalAuthenticationMethods',
  'msExchExternalAuthenticationMethods',
  'msExchMetabasePath',
  'msExchVersion',
];

/** A virtual directory of an HTTP container. */
function virtualDirectory(name: string, number: number, may: readonly string[] = []): ClassRow {
  return {
    name,
    oid: `${LAB}.2.${number}`,
    parent: 'msExchVirtualDirectory',
    below: ['msExchProtocolCfgHTTPContainer', 'container'],
    may,
    dacl: NOTHING,
  };
}

// biome-ignore format: a table
export const CLASSES: readonly ClassRow[] = [
  { name: 'msExchOrganizationContainer', oid: `${CLASS}.50020`, parent: 'container', below: ['msExchConfigurationContainer'],
    may: ['legacyExchangeDN', 'msExchMixedMode', 'msExchVersion', 'msExchProductID'], dacl: LIST_CONTENTS },
  { name: 'msExchContainer', oid: `${CLASS}.50010`, parent: 'container', below: ['msExchContainer', 'msExchOrganizationContainer', 'msExchAdminGroup'],
    may: ['msExchVersion'], dacl: NOTHING },
  { name: 'msExchAdminGroupContainer', oid: `${CLASS}.50019`, parent: 'container', below: ['msExchOrganizationContainer'], dacl: LIST_CONTENTS },
  { name: 'msExchAdminGroup', oid: `${CLASS}.50011`, parent: 'top', below: ['msExchAdminGroupContainer'],
    may: ['legacyExchangeDN', 'displayName', 'msExchDefaultAdminGroup', 'msExchVersion'], dacl: LIST_CONTENTS },
  { name: 'msExchServersContainer', oid: `${CLASS}.50013`, parent: 'container', below: ['msExchAdminGroup'], dacl: LIST_CONTENTS },
  { name: 'msExchExchangeServer', oid: `${CLASS}.50009`, parent: 'server', below: ['msExchServersContainer'],
    may: ['legacyExchangeDN', 'networkAddress', 'versionNumber', 'adminDisplayName', 'msExchServerSite', 'msExchCurrentServerRoles', 'msExchServerRole',
      'msExchMDBAvailabilityGroupLink', 'msExchVersion', 'msExchProductID', 'msExchHostServerBL'], dacl: READ_PROPERTIES },
  { name: 'msExchClientAccessArray', oid: `${LAB}.2.1`, parent: 'msExchExchangeServer', below: ['container'], dacl: READ_PROPERTIES },
  { name: 'msExchClientAccessArrayLegacy', oid: `${LAB}.2.2`, parent: 'msExchExchangeServer', below: ['container'], dacl: READ_PROPERTIES },

  { name: 'msExchMDBContainer', oid: `${LAB}.2.3`, parent: 'container', below: ['msExchAdminGroup'], dacl: LIST_CONTENTS },
  { name: 'msExchMDB', oid: `${CLASS}.11002`, parent: 'top', below: ['msExchMDBContainer', 'container'], must: ['deliveryMechanism', 'cn'],
    may: ['legacyExchangeDN', 'displayName', 'adminDisplayName', 'activationStyle', 'msExchOwningServer', 'msExchMasterServerOrAvailabilityGroup',
      'msExchHomePublicMDB', 'msExchUseOAB', 'msExchEDBFile', 'msExchDatabaseCreated', 'msExchEDBOffline', 'msExchRestore', 'msExchVersion', 'homeMDBBL'], dacl: NOTHING },
  { name: 'msExchPrivateMDB', oid: `${CLASS}.11004`, parent: 'msExchMDB', below: ['msExchMDBContainer', 'container'], dacl: NOTHING },
  { name: 'msExchPublicMDB', oid: `${CLASS}.11005`, parent: 'msExchMDB', below: ['msExchMDBContainer', 'container'], dacl: NOTHING },
  { name: 'msExchMDBCopy', oid: `${LAB}.2.4`, parent: 'top', below: ['msExchMDB', 'msExchPrivateMDB', 'msExchPublicMDB'],
    may: ['msExchHostServerLink', 'msExchActivationPreference', 'msExchVersion'], dacl: NOTHING },
  { name: 'msExchMDBAvailabilityGroupContainer', oid: `${LAB}.2.5`, parent: 'container', below: ['msExchAdminGroup'], dacl: LIST_CONTENTS },
  { name: 'msExchMDBAvailabilityGroup', oid: `${LAB}.2.6`, parent: 'top', below: ['msExchMDBAvailabilityGroupContainer'],
    may: ['msExchVersion', 'displayName', 'legacyExchangeDN'], dacl: NOTHING },

  { name: 'msExchOAB', oid: `${CLASS}.9`, parent: 'top', below: ['container', 'msExchContainer'], may: ['msExchOABDefault', 'msExchVersion', 'displayName'], dacl: NOTHING },
  { name: 'msExchAutoDiscoverConfig', oid: `${LAB}.2.7`, parent: 'top', below: ['msExchContainer'],
    may: ['msExchAutoDiscoverCertPrincipalName', 'msExchAutoDiscoverServer', 'msExchAutoDiscoverTTL', 'msExchAutoDiscoverFlags', 'msExchVersion'], dacl: NOTHING },

  { name: 'protocolCfgShared', oid: '1.2.840.113556.1.3.65', parent: 'top', below: ['container'], dacl: LIST_CONTENTS },
  { name: 'protocolCfgSharedServer', oid: '1.2.840.113556.1.3.67', parent: 'protocolCfgShared', below: ['msExchExchangeServer', 'container'], dacl: LIST_CONTENTS },
  { name: 'msExchProtocolCfgSharedContainer', oid: `${CLASS}.2001`, parent: 'container', below: ['protocolCfgSharedServer'], dacl: NOTHING },
  { name: 'msExchProtocolCfgHTTPContainer', oid: `${CLASS}.14001`, parent: 'msExchProtocolCfgSharedContainer', below: ['protocolCfgSharedServer'], dacl: NOTHING },
  { name: 'msExchProtocolCfgExchangeRpcService', oid: `${LAB}.2.8`, parent: 'top', below: ['protocolCfgSharedServer'], may: ['msExchVersion'], dacl: NOTHING },
  { name: 'msExchVirtualDirectory', oid: `${LAB}.2.9`, parent: 'top', below: ['msExchProtocolCfgHTTPContainer', 'container'], may: DIRECTORY_ATTRIBUTES, dacl: NOTHING },
  virtualDirectory('msExchAutoDiscoverVirtualDirectory', 10),
  virtualDirectory('msExchWebServicesVirtualDirectory', 11),
  virtualDirectory('msExchECPVirtualDirectory', 12),
  virtualDirectory('msExchOWAVirtualDirectory', 13),
  virtualDirectory('msExchOABVirtualDirectory', 14),
  virtualDirectory('msExchMobileVirtualDirectory', 15),
  virtualDirectory('msExchRpcHttpVirtualDirectory', 16, ['msExchRpcHttpFlags']),
  virtualDirectory('msExchPowerShellVirtualDirectory', 17),
];

/** What classes of the base schema gain: recipients their attributes, `top` the back links, `container` its new parents. */
export const BASE_CLASS_CHANGES: readonly {
  readonly name: string;
  readonly may?: readonly string[];
  readonly below?: readonly string[];
}[] = [
  {
    // auxiliary class of user, contact and group
    name: 'mailRecipient',
    may: [
      'homeMDB',
      'homeMTA',
      'msExchHomeServerName',
      'mailNickname',
      'targetAddress',
      'altRecipient',
      'deliverAndRedirect',
      'publicDelegates',
      'msExchHideFromAddressLists',
      'msExchMailboxGuid',
      'msExchRecipientTypeDetails',
      'msExchRecipientDisplayType',
      'msExchRemoteRecipientType',
      'msExchDelegateListLink',
      'msExchUserCulture',
      'msExchArchiveGUID',
      'msExchArchiveName',
      'msExchArchiveDatabaseLink',
      'msExchMasterAccountSid',
      'msExchUserAccountControl',
      'msExchPoliciesIncluded',
      'protocolSettings',
      'msExchMobileMailboxFlags',
      'msExchVersion',
      'proxyAddresses',
    ],
  },
  {
    name: 'top',
    may: ATTRIBUTES.filter(([, , , , , , link]) => link !== undefined && link % 2 === 1).map(([name]) => name),
  },
  {
    name: 'container',
    below: [
      'msExchOrganizationContainer',
      'msExchAdminGroup',
      'msExchContainer',
      'protocolCfgSharedServer',
      'msExchExchangeServer',
    ],
  },
];
