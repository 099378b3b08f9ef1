// Checking a password against a userPassword value (RFC 2307 scheme tags, salted SHA). Times do not tell values apart.
import { createHash, timingSafeEqual } from 'node:crypto';

const SCHEMES: Record<string, { readonly algorithm: string; readonly bytes: number }> = {
  SHA: { algorithm: 'sha1', bytes: 20 },
  SSHA: { algorithm: 'sha1', bytes: 20 },
  SSHA256: { algorithm: 'sha256', bytes: 32 },
  SSHA512: { algorithm: 'sha512', bytes: 64 },
};

/** True when the password has the stored hash. A value without a known scheme tag matches nothing. */
export function verifyPassword(password: Buffer, stored: string): boolean {
  const match = /^\{(\w+)\}([A-Za-z0-9+/]+=*)$/.exec(stored);
  const scheme = SCHEMES[match?.[1]?.toUpperCase() ?? ''];
  const data = Buffer.from(match?.[2] ?? '', 'base64');
  if (!scheme || data.length < scheme.bytes) return false;
  const digest = createHash(scheme.algorithm).update(password).update(data.subarray(scheme.bytes)).digest();
  return timingSafeEqual(digest, data.subarray(0, scheme.bytes));
}

/** A {SSHA} value for a password; the salt is the caller's, so that test data can be reproduced. */
export function hashPassword(password: string, salt: Buffer): string {
  const digest = createHash('sha1').update(password, 'utf8').update(salt).digest();
  return `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`;
}
