// The little schema knowledge the embedded directory needs: the syntax of each attribute (so that values are compared as
// Active Directory compares them), links with their back links, and the classes an administrator's command may create.
// A pure table with its lookups. Syntaxes and link pairs: [MS-ADA1-3], [MS-ADSC]; Exchange's own from published attribute lists.

/** How values of an attribute are compared; everything not in the table is case-ignoring text. */
export type Syntax = 'text' | 'dn' | 'boolean' | 'integer' | 'octets' | 'guid' | 'sid' | 'time';

export type AttributeKnowledge = {
  /** The spelling the directory answers with (lDAPDisplayName). */
  readonly name: string;
  readonly syntax: Syntax;
  readonly single: boolean;
  /** Kept by the directory itself: a client may not write it. */
  readonly system: boolean;
  /** The computed back link of a linked attribute; its targets must exist when written. */
  readonly backLink?: string;
};

const attributes = new Map<string, AttributeKnowledge>();

function define(names: string, syntax: Syntax, flags: { single?: boolean; system?: boolean } = {}): void {
  for (const name of names.trim().split(/\s+/)) {
    const { single = false, system = false } = flags;
    attributes.set(name.toLowerCase(), { name, syntax, single, system });
  }
}

const SINGLE = { single: true };
const SYSTEM = { single: true, system: true };

define(
  'objectClass networkAddress proxyAddresses keywords serviceBindingInformation description servicePrincipalName',
  'text',
);
define(
  'serialNumber showInAddressBook otherMailbox msExchArchiveName msExchUserCulture protocolSettings url dc ou',
  'text',
);
define('msExchPoliciesIncluded msExchPoliciesExcluded userWorkstations nTSecurityDescriptor postalAddress o', 'text');
define(
  `cn sn givenName initials displayName displayNamePrintable mail mailNickname sAMAccountName userPrincipalName targetAddress
   legacyExchangeDN adminDisplayName serviceClassName serviceDNSName serviceDNSNameType dnsRoot nETBIOSName dNSHostName
   msExchHomeServerName msExchEDBFile msExchInternalHostName msExchExternalHostName msExchMetabasePath
   msExchAutoDiscoverCertPrincipalName msExchAutoDiscoverServer company department title telephoneNumber
   physicalDeliveryOfficeName msExchProductID adminDescription location`,
  'text',
  SINGLE,
);
define('name canonicalName structuralObjectClass', 'text', SYSTEM);
define('distinguishedName', 'dn', SYSTEM);
define('whenCreated whenChanged createTimeStamp modifyTimeStamp', 'time', SYSTEM);
define('uSNCreated uSNChanged instanceType', 'integer', SYSTEM);
define('objectGUID', 'guid', SYSTEM);
define('objectSid', 'sid', SYSTEM);
define('msExchMasterAccountSid', 'sid', SINGLE);
define('msExchMailboxGuid msExchArchiveGUID', 'guid', SINGLE);
define('logonHours thumbnailPhoto userParameters', 'octets', SINGLE);
define('userCertificate userSMIMECertificate msExchSafeSendersHash', 'octets');
define(
  'deliverAndRedirect msExchHideFromAddressLists msExchOABDefault msExchDatabaseCreated msExchEDBOffline msExchRestore msExchMixedMode msExchDefaultAdminGroup mDBUseDefaults',
  'boolean',
  SINGLE,
);
define(
  `userAccountControl accountExpires pwdLastSet lockoutTime badPwdCount groupType systemFlags versionNumber searchFlags
   msExchVersion msExchRecipientTypeDetails msExchRecipientDisplayType msExchRemoteRecipientType msExchUserAccountControl
   msExchCurrentServerRoles msExchServerRole msExchActivationPreference msExchInternalAuthenticationMethods
   msExchExternalAuthenticationMethods msExchRpcHttpFlags msExchAutoDiscoverTTL msExchAutoDiscoverFlags
   msExchMobileMailboxFlags deliveryMechanism activationStyle maxPwdAge minPwdAge lockoutThreshold lockoutDuration
   lockOutObservationWindow msDS-SupportedEncryptionTypes msDS-KeyVersionNumber msDS-User-Account-Control-Computed`,
  'integer',
  SINGLE,
);
define(
  'objectCategory nCName homeMTA msExchOwningServer msExchHomePublicMDB msExchMasterServerOrAvailabilityGroup',
  'dn',
  SINGLE,
);
define('serverReference subRefs', 'dn');

/** Linked attributes, whether they are single-valued, and their back links. */
const LINKS: readonly (readonly [forward: string, single: boolean, back: string])[] = [
  ['homeMDB', true, 'homeMDBBL'],
  ['altRecipient', true, 'altRecipientBL'],
  ['publicDelegates', false, 'publicDelegatesBL'],
  ['msExchDelegateListLink', false, 'msExchDelegateListBL'],
  ['msExchUseOAB', true, 'msExchUseOABBL'],
  ['msExchServerSite', true, 'msExchServerSiteBL'],
  ['msExchMDBAvailabilityGroupLink', true, 'msExchMDBAvailabilityGroupBL'],
  ['msExchHostServerLink', true, 'msExchHostServerBL'],
  ['msExchArchiveDatabaseLink', true, 'msExchArchiveDatabaseLinkBL'],
  ['member', false, 'memberOf'],
  ['manager', true, 'directReports'],
  ['siteObject', true, 'siteObjectBL'],
];

const forwardOfBack = new Map<string, string>();
for (const [name, single, back] of LINKS) {
  attributes.set(name.toLowerCase(), { name, syntax: 'dn', single, system: false, backLink: back });
  attributes.set(back.toLowerCase(), { name: back, syntax: 'dn', single: false, system: true });
  forwardOfBack.set(back.toLowerCase(), name.toLowerCase());
}

/** Attributes no search returns, compares or tests for presence, whoever asks. */
export const SECRET_ATTRIBUTES: ReadonlySet<string> = new Set(
  'userpassword unicodepwd dbcspwd lmpwdhistory ntpwdhistory supplementalcredentials'.split(' '),
);

/** The DN-valued attributes, in lower case. */
export const DN_ATTRIBUTES: readonly string[] = [...attributes.entries()]
  .filter(([, { syntax, system }]) => syntax === 'dn' && !system)
  .map(([key]) => key);

/** The linked attributes, in lower case: their targets must exist, and a deleted target takes the value along. */
export const LINKED_ATTRIBUTES: readonly string[] = LINKS.map(([name]) => name.toLowerCase());

/** Non-DN attributes with an equality index, in lower case (exchange-relevant part of the directory's own index list). */
export const INDEXED_TEXT_ATTRIBUTES: readonly string[] = [
  'proxyaddresses',
  'legacyexchangedn',
  'samaccountname',
  'userprincipalname',
  'mail',
  'mailnickname',
  'targetaddress',
  'msexchhomeservername',
  'msexchmailboxguid',
  'objectguid',
  'objectsid',
  'objectclass',
  'displayname',
  'cn',
  'keywords',
  'serviceprincipalname',
  'networkaddress',
  'netbiosname',
  'dnsroot',
];

/** What is known of an attribute (name in lower case); undefined for an unlisted one, which then is multi-valued text. */
export function knowledgeOf(attribute: string): AttributeKnowledge | undefined {
  return attributes.get(attribute);
}

export function syntaxOf(attribute: string): Syntax {
  return attributes.get(attribute)?.syntax ?? 'text';
}

/** The forward link (lower case) behind a back link (lower case), if `attribute` is one. */
export function forwardLinkOf(attribute: string): string | undefined {
  return forwardOfBack.get(attribute);
}

/** A class: its superclass, the CN of its default object category, and classes its parent entry must have one of. */
type ClassKnowledge = {
  readonly name: string;
  readonly parent?: string;
  readonly category: string;
  readonly under?: readonly string[];
};

const classes = new Map<string, ClassKnowledge>();

function defineClass(name: string, parent: string | undefined, category: string, under?: string): void {
  const superiors = under?.split(' ');
  classes.set(name.toLowerCase(), {
    name,
    category,
    ...(parent ? { parent } : {}),
    ...(superiors ? { under: superiors } : {}),
  });
}

defineClass('top', undefined, 'Top');
defineClass('container', 'top', 'Container');
defineClass('domain', 'top', 'Domain');
defineClass('domainDNS', 'domain', 'Domain-DNS');
defineClass('configuration', 'top', 'Configuration');
defineClass('organizationalUnit', 'top', 'Organizational-Unit', 'domainDNS organizationalUnit');
defineClass('person', 'top', 'Person');
defineClass('organizationalPerson', 'person', 'Person');
defineClass('user', 'organizationalPerson', 'Person', 'organizationalUnit container domainDNS');
defineClass('inetOrgPerson', 'user', 'Person', 'organizationalUnit container domainDNS');
defineClass('computer', 'user', 'Computer', 'organizationalUnit container domainDNS');
defineClass('contact', 'organizationalPerson', 'Person', 'organizationalUnit container domainDNS');
defineClass('group', 'top', 'Group', 'organizationalUnit container domainDNS');
defineClass('leaf', 'top', 'Leaf');
defineClass('connectionPoint', 'leaf', 'Connection-Point');
defineClass(
  'serviceConnectionPoint',
  'connectionPoint',
  'Service-Connection-Point',
  'organizationalUnit container computer',
);
defineClass('server', 'top', 'Server');
defineClass('site', 'top', 'Site', 'sitesContainer');
defineClass('sitesContainer', 'top', 'Sites-Container');
defineClass('serversContainer', 'top', 'Servers-Container', 'site');
defineClass('subnet', 'top', 'Subnet', 'subnetContainer');
defineClass('subnetContainer', 'top', 'Subnet-Container');
defineClass('crossRef', 'top', 'Cross-Ref', 'crossRefContainer');
defineClass('crossRefContainer', 'top', 'Cross-Ref-Container');
defineClass('protocolCfgShared', 'top', 'Protocol-Cfg-Shared');
defineClass('protocolCfgSharedServer', 'protocolCfgShared', 'Protocol-Cfg-Shared-Server');
defineClass('msExchConfigurationContainer', 'container', 'ms-Exch-Configuration-Container');
defineClass('msExchOrganizationContainer', 'container', 'ms-Exch-Organization-Container');
defineClass('msExchContainer', 'container', 'ms-Exch-Container');
defineClass('msExchAdminGroupContainer', 'container', 'ms-Exch-Admin-Group-Container');
defineClass('msExchAdminGroup', 'top', 'ms-Exch-Admin-Group', 'msExchAdminGroupContainer');
defineClass('msExchServersContainer', 'container', 'ms-Exch-Servers-Container');
defineClass('msExchExchangeServer', 'server', 'ms-Exch-Exchange-Server', 'container');
defineClass('msExchClientAccessArray', 'msExchExchangeServer', 'ms-Exch-Client-Access-Array', 'container');
defineClass('msExchClientAccessArrayLegacy', 'msExchExchangeServer', 'ms-Exch-Client-Access-Array-Legacy', 'container');
defineClass('msExchMDBContainer', 'container', 'ms-Exch-MDB-Container');
defineClass('msExchMDB', 'top', 'ms-Exch-MDB', 'container');
defineClass('msExchPrivateMDB', 'msExchMDB', 'ms-Exch-Private-MDB', 'container');
defineClass('msExchPublicMDB', 'msExchMDB', 'ms-Exch-Public-MDB', 'container');
defineClass('msExchMDBCopy', 'top', 'ms-Exch-MDB-Copy', 'msExchMDB');
defineClass('msExchMDBAvailabilityGroupContainer', 'container', 'ms-Exch-MDB-Availability-Group-Container');
defineClass('msExchMDBAvailabilityGroup', 'top', 'ms-Exch-MDB-Availability-Group');
defineClass('msExchOAB', 'top', 'ms-Exch-OAB', 'container');
defineClass('msExchAutoDiscoverConfig', 'top', 'ms-Exch-Auto-Discover-Config', 'container');
defineClass('msExchVirtualDirectory', 'top', 'ms-Exch-Virtual-Directory', 'container');
for (const [name, category] of [
  ['AutoDiscover', 'Auto-Discover'],
  ['WebServices', 'Web-Services'],
  ['ECP', 'ECP'],
  ['OWA', 'OWA'],
  ['OAB', 'OAB'],
  ['Mobile', 'Mobile'],
  ['RpcHttp', 'Rpc-Http'],
  ['PowerShell', 'Power-Shell'],
]) {
  defineClass(
    `msExch${name}VirtualDirectory`,
    'msExchVirtualDirectory',
    `ms-Exch-${category}-Virtual-Directory`,
    'container',
  );
}

/** A class by name, case-blind. */
export function classOf(name: string): ClassKnowledge | undefined {
  return classes.get(name.toLowerCase());
}

/** The class and all its superclasses, `top` first, as the directory stores objectClass; undefined for an unknown class. */
export function classChain(name: string): string[] | undefined {
  const chain: string[] = [];
  for (let at = classOf(name); at; at = at.parent ? classOf(at.parent) : undefined) chain.unshift(at.name);
  return chain.length > 0 ? chain : undefined;
}
