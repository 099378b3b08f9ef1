// Basic over TLS ([RFC 7617] 2 Basic), checked by an LDAP simple bind of the account that the name means. Clients write names in many forms; the
// directory resolves them. A wrong password and a name nobody has cost the same work and give the same answer.

import { isUtf8 } from 'node:buffer';
import type { Aged } from '../../../ldap/aged-cache.ts';
import { explainBindCode, failureText } from '../../../ldap/controller.ts';
import type { Directory } from '../../../ldap/directory.ts';
import { isUnavailable } from '../../../ldap/errors.ts';
import type { Account } from '../../../ldap/recipient.ts';
import type { AuthenticationOutcome, AuthenticationScheme } from './authenticator.ts';
import type { CredentialCache, Keeping } from './credential-cache.ts';
import type { Guard } from './guard.ts';
import { type Attempt, unavailable } from './logon-guard.ts';
import { refusalOfBind } from './refusal.ts';

export interface BasicCredentials {
  readonly name: string;
  readonly password: string;
}

/** Longest name and password that are tried, in characters. */
const LIMITS = { name: 512, password: 512 } as const;

/**
 * Decodes the credentials of a Basic header; undefined when they are malformed. Phones send UTF-8, Outlook its code page: bytes that are
 * valid UTF-8 are read so, others as Latin-1. The first colon splits; the password may hold more.
 */
export function parseBasic(credentials: string): BasicCredentials | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(credentials)) return undefined;
  const bytes = Buffer.from(credentials, 'base64');
  const text = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
  const colon = text.indexOf(':');
  if (colon <= 0 || text.includes('\0')) return undefined;
  const name = text.slice(0, colon).trim();
  const password = text.slice(colon + 1);
  if (name === '' || name.length > LIMITS.name || password.length > LIMITS.password) return undefined;
  return { name, password };
}

/** What is remembered of a check: the account whose password was good, without the name, which is given again; or how it failed. */
export type Judgement = Account | Exclude<AuthenticationOutcome, { outcome: 'caller' }>;

/** What is asked of a directory. */
export type PasswordDirectory = Pick<Directory, 'findAccount' | 'checkPassword'>;

/** What others are asked of a credential in an outage: by its digest, on behalf of whom. */
export interface CredentialQuestion {
  readonly digest: string;
  /** As typed. */
  readonly name: string;
  readonly address: string;
}

/** Asks others for the account of a credential that was good when they last had it judged; undefined as the value where it was not. */
export type AskForCredential = (question: CredentialQuestion) => Promise<Aged<Account | undefined> | undefined>;

/** What the Basic scheme is made of. `realm` is a fixed configured name: echoing the Host header would leak addresses. */
export interface BasicParts {
  readonly directory: PasswordDirectory;
  readonly cache: CredentialCache<Judgement>;
  readonly guard: Guard;
  readonly realm: string;
  /** Nobody is asked when absent. Never rejects. */
  readonly elsewhere?: AskForCredential | undefined;
}

export function basicScheme({ directory, cache, guard, realm, elsewhere }: BasicParts): AuthenticationScheme {
  return {
    name: 'Basic',
    available: true,
    challenge: `Basic realm="${realm.replace(/["\\]/g, '')}"`,
    async authenticate(credentials, _socket, address) {
      const parsed = parseBasic(credentials);
      if (!parsed) return { outcome: 'challenge', reason: 'malformed Basic credentials' };
      // An LDAP bind with an empty password is an anonymous success on many servers (RFC 4513 5.1.2): it is never tried.
      if (parsed.password === '') return { outcome: 'challenge', reason: 'empty password', name: parsed.name };
      const refused = await guard.refusal(parsed.name, address);
      if (refused) return unavailable(refused, parsed.name);
      let asked = false;
      const check = () => {
        asked = true;
        return guarded(directory, guard, parsed, address);
      };
      const { name, password } = parsed;
      const judged = await cache.check(name, password, check, keep);
      if (!('outcome' in judged)) return callerOf(name, judged);
      if (elsewhere && keep(judged) === 'outage') {
        const account = await cache.learn(name, password, (digest) => elsewhere({ digest, name, address }));
        if (account) return callerOf(name, account);
      }
      return judged.outcome === 'challenge' && !asked ? { ...judged, repeated: true } : judged;
    },
  };
}

function callerOf(name: string, account: Account): AuthenticationOutcome {
  return { outcome: 'caller', caller: { name, account, scheme: 'Basic' } };
}

/** What a process that asks is told of a digest. */
export function recallCredential(
  cache: CredentialCache<Judgement>,
  digest: string,
): Aged<Account | undefined> | undefined {
  const known = cache.recall(digest);
  return known && { value: 'outcome' in known.value ? undefined : known.value, ageMs: known.ageMs };
}

function keep(judged: Judgement): Keeping {
  if (!('outcome' in judged)) return 'accepted';
  if (judged.outcome === 'challenge') return 'rejected';
  return judged.isOutage ? 'outage' : 'no';
}

async function guarded(
  directory: PasswordDirectory,
  guard: Guard,
  credentials: BasicCredentials,
  address: string,
): Promise<Judgement> {
  const attempt = await guard.beginName(credentials.name, address);
  if ('refusal' in attempt) return unavailable(attempt, credentials.name);
  const judged = await guard.run(() => check(directory, guard, credentials, address));
  if ('refusal' in judged && !('outcome' in judged)) {
    attempt.settle('unjudged');
    return unavailable(judged, credentials.name);
  }
  attempt.settle('outcome' in judged ? SETTLED[judged.outcome] : 'succeeded');
  return judged;
}

const SETTLED = { challenge: 'failed', unavailable: 'unjudged' } as const;

async function check(
  directory: PasswordDirectory,
  guard: Guard,
  { name, password }: BasicCredentials,
  address: string,
): Promise<Judgement> {
  try {
    const account = await directory.findAccount(name);
    const attempt = account && (await guard.beginAccount(account.distinguishedName, name, address));
    if (!account || !attempt) {
      // Costs what a wrong password costs, and counts against nobody.
      await directory.checkPassword(undefined, password);
      return account
        ? { outcome: 'challenge', reason: 'failed too often to be tried', refusal: 'account-budget', name }
        : { outcome: 'challenge', reason: 'no such account', refusal: 'no-account', name };
    }
    return await bind(directory, account, attempt, { name, password });
  } catch (error) {
    return unjudged(error, name);
  }
}

async function bind(
  directory: PasswordDirectory,
  account: Account,
  attempt: Attempt,
  { name, password }: BasicCredentials,
): Promise<Judgement> {
  let settled: 'failed' | 'succeeded' | 'unjudged' = 'unjudged';
  try {
    const checked = await directory.checkPassword(account, password);
    settled = checked.outcome === 'accepted' ? 'succeeded' : 'failed';
    if (checked.outcome === 'accepted') return account;
    const refusal = refusalOfBind(checked.reason);
    return { outcome: 'challenge', reason: explainBindCode(checked.reason), refusal, name };
  } finally {
    attempt.settle(settled);
  }
}

/** Whatever stops a check is ours; answering 401 would make clients forget good passwords. */
function unjudged(error: unknown, name: string): Judgement {
  const reason = isUnavailable(error) ? error.message : `checking credentials failed: ${failureText(error)}`;
  return { outcome: 'unavailable', reason, name, isOutage: isUnavailable(error) };
}
