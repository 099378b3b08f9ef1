// One thing that is wrong in an organisation: what, where, why it hurts, and what mends it.

export interface Finding {
  /** Kind of finding, for scripts: kebab-case, one per sentence of `why`. */
  readonly code: FindingCode;
  /** `fault`: some client is not served or will not be when a server fails. `warning`: served, with a cost or a risk. */
  readonly severity: 'fault' | 'warning';
  /** DN of the object, or the name or URL where no object is at fault. */
  readonly object: string;
  readonly what: string;
  readonly why: string;
  /** The command that mends it, or the way when there is no command for it. */
  readonly remedy: string;
}

/** Every kind of finding and its severity. */
export const FINDINGS = {
  'rights-missing': 'fault',
  'service-account-privileged': 'warning',
  'service-account-can-write': 'warning',
  'controller-down': 'warning',
  'controller-slow': 'warning',
  'database-single-server': 'fault',
  'database-without-endpoint': 'fault',
  'database-malformed-endpoint': 'fault',
  'database-unknown-endpoint': 'fault',
  'database-endpoint-not-client-access': 'fault',
  'database-endpoint-without-name': 'fault',
  'database-endpoint-in-other-site': 'warning',
  'array-without-name': 'fault',
  'array-without-site': 'fault',
  'array-without-members': 'fault',
  'array-name-taken': 'fault',
  'array-name-is-web-name': 'warning',
  'site-with-several-arrays': 'fault',
  'server-without-rpc-service': 'warning',
  'name-unresolved': 'fault',
  'array-address-shared': 'fault',
  'array-address-is-member': 'warning',
  'endpoint-mapper': 'fault',
  'ports-differ': 'fault',
  'mailbox-database-unknown': 'fault',
  'mailbox-database-lost': 'fault',
  'address-duplicate': 'fault',
  'forwarding-to-itself': 'fault',
  'scp-stale': 'warning',
  'scp-unusable': 'fault',
  'scp-unknown-site': 'warning',
  'scp-wrong-site': 'warning',
  'principal-name-duplicate': 'fault',
  'principal-name-missing': 'fault',
  'keytab-mismatch': 'fault',
  'virtual-directory-missing': 'warning',
  'virtual-directory-without-url': 'warning',
  'web-unreachable': 'fault',
  'certificate-name': 'fault',
  'certificate-untrusted': 'fault',
  'certificate-expired': 'fault',
  'certificate-ends-soon': 'warning',
} as const satisfies Record<string, Finding['severity']>;

export type FindingCode = keyof typeof FINDINGS;

/** A finding with the severity of its kind. */
export function finding(code: FindingCode, rest: Omit<Finding, 'code' | 'severity'>): Finding {
  return { code, severity: FINDINGS[code], ...rest };
}

/** What an array is named by in a suggested command. The name of one that replication renamed (`CNF:`) has a line feed in it; its DN has none. */
export function identityOf({
  name,
  distinguishedName,
}: {
  readonly name: string;
  readonly distinguishedName: string;
}): string {
  return name.includes('\n') ? distinguishedName : name;
}

/** How suggested commands of this program are spelled: the name in quotes where a shell needs them. */
export function command(...words: readonly string[]): string {
  return ['autodiscover', ...words.map((word) => (/^[\w.:/=@-]+$/.test(word) ? word : `"${word}"`))].join(' ');
}
