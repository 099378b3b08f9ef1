// Simple bind as a domain controller answers it: which names it knows, and which account states it tells apart
// ([MS-ADTS] 5.1.1.1.1 Simple; the `data` codes are the Win32 errors every client of Active Directory parses).
import { tryParseDn } from '../distinguished-name.ts';
import type { Contexts } from './contexts.ts';
import type { Entry } from './entry.ts';
import { textOf, valueKey } from './matching.ts';
import { verifyPassword } from './password.ts';
import { type Outcome, refused, SUCCESS } from './result.ts';
import type { Store } from './store.ts';

/** Win32 error codes told in the text of result 49. */
const REASON = {
  logonFailure: '52e',
  logonHours: '530',
  workstation: '531',
  passwordExpired: '532',
  disabled: '533',
  accountExpired: '701',
  mustChangePassword: '773',
  lockedOut: '775',
} as const;

/** userAccountControl bits ([MS-ADTS] 2.2.16 userAccountControl). */
const ACCOUNT_DISABLED = 0x2;
const DONT_EXPIRE_PASSWORD = 0x10000;
const PASSWORD_EXPIRED = 0x800000;

/** 100 ns intervals between 1601 and 1970. */
const FILETIME_EPOCH = 116_444_736_000_000_000n;
const NEVER = 0x7fff_ffff_ffff_ffffn;

/** A hash nobody's password has: unknown names cost as much time as known ones. */
const NOBODY = '{SSHA}Zz5vRrp3nsW5Uo2zYVv3l0LRQ1A1c2FsdHNhbHQ=';

export type BindResult = { readonly outcome: Outcome; readonly account?: Entry };

export type Directory = { readonly store: Store; readonly contexts: Contexts; readonly now: () => number };

/** Checks a simple bind. An empty name with an empty password is the anonymous bind; a name without password is refused. */
export function simpleBind(directory: Directory, name: string, password: Buffer): BindResult {
  if (password.length === 0) return name === '' ? { outcome: SUCCESS } : { outcome: invalid(REASON.logonFailure) };
  const account = findAccount(directory, name);
  const hashes = account ? account.get('userpassword').map(textOf) : [];
  const right = (hashes.length > 0 ? hashes : [NOBODY]).some((hash) => verifyPassword(password, hash));
  if (!account) return { outcome: invalid(REASON.logonFailure) };
  if (integer(account, 'lockouttime') > 0n) return { outcome: invalid(REASON.lockedOut) };
  if (!right) return { outcome: invalid(REASON.logonFailure) };
  const hindrance = restriction(directory, account);
  return hindrance ? { outcome: invalid(hindrance) } : { outcome: SUCCESS, account };
}

function invalid(data: string): Outcome {
  return refused(
    'invalidCredentials',
    `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data ${data}, v1db1`,
  );
}

/** Finds the account of a bind name: a DN, a UPN (or sam@domain), or DOMAIN\sam. Other forms are not known to a controller. */
export function findAccount({ store, contexts }: Directory, name: string): Entry | undefined {
  const backslash = name.indexOf('\\');
  if (backslash > 0 && !name.includes('=')) {
    const netbios = name.slice(0, backslash).toLowerCase();
    const domain = contexts.domains.find((one) => one.netbios === netbios);
    return domain && bySam(store, name.slice(backslash + 1), domain.headKey);
  }
  if (name.includes('=')) {
    const dn = tryParseDn(name);
    const entry = dn && store.find(dn);
    if (entry) return entry;
  }
  const at = name.lastIndexOf('@');
  if (at <= 0) return undefined;
  const upn = [...store.lookup('userprincipalname', valueKey('userprincipalname', name))];
  if (upn.length > 0) return upn.length === 1 ? upn[0] : undefined;
  const suffix = name.slice(at + 1).toLowerCase();
  const domain = contexts.domains.find(({ dns, netbios }) => dns === suffix || netbios === suffix);
  return domain && bySam(store, name.slice(0, at), domain.headKey);
}

function bySam(store: Store, sam: string, headKey: string): Entry | undefined {
  const found = [...store.lookup('samaccountname', valueKey('samaccountname', sam))].filter(
    (entry) => headOf(entry)?.key === headKey,
  );
  return found.length === 1 ? found[0] : undefined;
}

/** The head of the naming context an entry lies in. */
export function headOf(entry: Entry): Entry | undefined {
  let at: Entry | undefined = entry;
  while (at && !at.isContextHead) at = at.parent;
  return at;
}

/** Why the right password is not enough; undefined when it is. */
function restriction({ contexts, now }: Directory, account: Entry): string | undefined {
  const flags = Number(integer(account, 'useraccountcontrol'));
  if (flags & ACCOUNT_DISABLED) return REASON.disabled;
  const time = BigInt(now()) * 10_000n + FILETIME_EPOCH;
  const expires = integer(account, 'accountexpires');
  if (expires > 0n && expires < NEVER && expires <= time) return REASON.accountExpired;
  if (!withinLogonHours(account, now())) return REASON.logonHours;
  // The directory never learns the caller's workstation: any restriction excludes a simple bind.
  if (account.has('userworkstations')) return REASON.workstation;
  const set = account.has('pwdlastset') ? integer(account, 'pwdlastset') : undefined;
  if (flags & DONT_EXPIRE_PASSWORD) return undefined;
  if (set === 0n) return REASON.mustChangePassword;
  if (flags & PASSWORD_EXPIRED) return REASON.passwordExpired;
  // maxPwdAge is a negative interval; 0 and the most negative number mean "never".
  const age = contexts.domain ? -integer(contexts.domain, 'maxpwdage') : 0n;
  if (set !== undefined && age > 0n && age < NEVER && set + age <= time) return REASON.passwordExpired;
  return undefined;
}

/** logonHours: 168 bits, one per hour of the week from Sunday 00:00 UTC. */
function withinLogonHours(account: Entry, now: number): boolean {
  const [hours] = account.get('logonhours');
  if (!Buffer.isBuffer(hours) || hours.length !== 21) return true;
  const date = new Date(now);
  const hour = date.getUTCDay() * 24 + date.getUTCHours();
  return (((hours[hour >> 3] ?? 0) >> (hour & 7)) & 1) === 1;
}

function integer(entry: Entry, attribute: string): bigint {
  const [value] = entry.get(attribute);
  return value !== undefined && /^-?\d{1,20}$/.test(textOf(value)) ? BigInt(textOf(value)) : 0n;
}

/** The account name of a bound caller as `DOMAIN\sam` (RFC 4532 "Who am I?"). */
export function authorizationName({ contexts }: Directory, account: Entry): string {
  const head = headOf(account)?.key;
  const netbios = contexts.domains.find(({ headKey }) => headKey === head)?.netbios?.toUpperCase();
  const [sam] = account.get('samaccountname');
  return netbios && sam !== undefined ? `u:${netbios}\\${textOf(sam)}` : `dn:${account.dn}`;
}
