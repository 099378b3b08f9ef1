// Why credentials were refused, as codes that log readers and fail2ban rely on: they are never renamed. No client ever sees one.

export const REFUSALS = [
  /** Nobody has the name. */
  'no-account',
  'wrong-password',
  'disabled',
  'locked-out',
  'account-expired',
  'password-expired',
  'logon-hours',
  'workstation',
  /** Refused for another reason, or without one. */
  'refused',
  /** The account failed nearly as often as the domain allows: the password was not tried. */
  'account-budget',
  /** The name failed too often: the directory was not asked. */
  'name-budget',
  /** The address failed too often: nothing was asked. */
  'address-budget',
] as const;

export type Refusal = (typeof REFUSALS)[number];

const BY_BIND_CODE: Readonly<Record<string, Refusal>> = {
  '525': 'no-account',
  '52e': 'wrong-password',
  '530': 'logon-hours',
  '531': 'workstation',
  '532': 'password-expired',
  '533': 'disabled',
  '701': 'account-expired',
  '773': 'password-expired',
  '775': 'locked-out',
};

/** From the sub-code of a refused LDAP bind. */
export function refusalOfBind(code: string): Refusal {
  return BY_BIND_CODE[code] ?? 'refused';
}

const BY_NT_STATUS: Readonly<Record<string, Refusal>> = {
  NT_STATUS_NO_SUCH_USER: 'no-account',
  NT_STATUS_LOGON_FAILURE: 'wrong-password',
  NT_STATUS_WRONG_PASSWORD: 'wrong-password',
  NT_STATUS_INVALID_LOGON_HOURS: 'logon-hours',
  NT_STATUS_INVALID_WORKSTATION: 'workstation',
  NT_STATUS_PASSWORD_EXPIRED: 'password-expired',
  NT_STATUS_PASSWORD_MUST_CHANGE: 'password-expired',
  NT_STATUS_ACCOUNT_DISABLED: 'disabled',
  NT_STATUS_ACCOUNT_EXPIRED: 'account-expired',
  NT_STATUS_ACCOUNT_LOCKED_OUT: 'locked-out',
};

/** From an NTSTATUS name, as ntlm_auth prints it. */
export function refusalOfStatus(status: string): Refusal {
  return BY_NT_STATUS[status] ?? 'refused';
}
