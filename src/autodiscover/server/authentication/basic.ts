// Basic over TLS ([RFC 7617] 2 Basic), checked by an LDAP simple bind of the account that the name means. Clients write names in many forms; the
// directory resolves them. A wrong password and a name nobody has cost the same work and give the same answer.

import { explainBindCode, failureText } from '../../../ldap/controller.ts';
import { type Directory, isUnavailable } from '../../../ldap/directory.ts';
import type { AuthenticationOutcome, AuthenticationScheme } from './authenticator.ts';
import type { CredentialCache } from './credential-cache.ts';

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
  const text = utf8OrLatin1(bytes);
  const colon = text.indexOf(':');
  if (colon <= 0 || text.includes('\0')) return undefined;
  const name = text.slice(0, colon).trim();
  const password = text.slice(colon + 1);
  if (name === '' || name.length > LIMITS.name || password.length > LIMITS.password) return undefined;
  return { name, password };
}

function utf8OrLatin1(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

/** The Basic scheme over a directory. `realm` is a fixed configured name: echoing the Host header would leak addresses. */
export function basicScheme(
  directory: Directory,
  cache: CredentialCache<AuthenticationOutcome>,
  realm: string,
): AuthenticationScheme {
  return {
    name: 'Basic',
    available: true,
    challenge: `Basic realm="${realm.replace(/["\\]/g, '')}"`,
    async authenticate(credentials) {
      const parsed = parseBasic(credentials);
      if (!parsed) return { outcome: 'challenge', reason: 'malformed Basic credentials' };
      // An LDAP bind with an empty password is an anonymous success on many servers (RFC 4513 5.1.2): it is never tried.
      if (parsed.password === '') return { outcome: 'challenge', reason: 'empty password', name: parsed.name };
      return cache.check(parsed.name, parsed.password, () => check(directory, parsed), keep);
    },
  };
}

function keep(outcome: AuthenticationOutcome): 'accepted' | 'rejected' | 'no' {
  if (outcome.outcome === 'caller') return 'accepted';
  return outcome.outcome === 'challenge' ? 'rejected' : 'no';
}

async function check(directory: Directory, { name, password }: BasicCredentials): Promise<AuthenticationOutcome> {
  try {
    const account = await directory.findAccount(name);
    const checked = await directory.checkPassword(account, password);
    if (checked.outcome === 'rejected' || !account) {
      const reason = checked.outcome === 'rejected' ? explainBindCode(checked.reason) : 'no such account';
      return { outcome: 'challenge', reason: account ? reason : 'no such account', name };
    }
    return { outcome: 'caller', caller: { name, account } };
  } catch (error) {
    // Anything else that stops the check is ours as well; answering 401 would make clients forget good passwords.
    const reason = isUnavailable(error) ? error.message : `checking credentials failed: ${failureText(error)}`;
    return { outcome: 'unavailable', reason, name };
  }
}
