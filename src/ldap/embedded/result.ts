// Result codes (RFC 4511 4.1.9, appendix A) and the value an operation ends with.

export const RESULT = {
  success: 0,
  operationsError: 1,
  protocolError: 2,
  timeLimitExceeded: 3,
  sizeLimitExceeded: 4,
  compareFalse: 5,
  compareTrue: 6,
  authMethodNotSupported: 7,
  strongerAuthRequired: 8,
  referral: 10,
  adminLimitExceeded: 11,
  unavailableCriticalExtension: 12,
  noSuchAttribute: 16,
  constraintViolation: 19,
  attributeOrValueExists: 20,
  invalidAttributeSyntax: 21,
  noSuchObject: 32,
  invalidDnSyntax: 34,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
  namingViolation: 64,
  objectClassViolation: 65,
  notAllowedOnNonLeaf: 66,
  notAllowedOnRdn: 67,
  entryAlreadyExists: 68,
  objectClassModsProhibited: 69,
  other: 80,
} as const;

/** How an operation ended. `matchedDn` is the deepest existing ancestor for noSuchObject; `referrals` are LDAP URLs. */
export type Outcome = {
  readonly code: number;
  readonly message?: string;
  readonly matchedDn?: string;
  readonly referrals?: readonly string[];
};

export const SUCCESS: Outcome = { code: RESULT.success };

/** An outcome other than success, with its diagnostic text. */
export function refused(code: keyof typeof RESULT, message: string, matchedDn?: string): Outcome {
  return { code: RESULT[code], message, ...(matchedDn === undefined ? {} : { matchedDn }) };
}
