// What is to be said of a certificate and those sent with it, before clients do: until when they are good, and for which name.

import type { CertificateInfo, Validity } from './server-certificate.ts';

/** One certificate that is not good now, or not for long. */
export interface ValidityFault {
  readonly level: 'warn' | 'error';
  readonly text: string;
  readonly source: string;
  readonly subject: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** Whole days until its end; negative when that is over. */
  readonly days: number;
}

const DAY_MS = 86_400_000;

/** `warnDays`: how long before its end a certificate is spoken of. `now` in milliseconds since 1970. */
export function validityFaults(info: CertificateInfo, warnDays: number, now: number): ValidityFault[] {
  const judge = ({ subject, notBefore, notAfter }: Validity, what: string): ValidityFault[] => {
    if (!notBefore || !notAfter) return [];
    const days = Math.floor((notAfter.getTime() - now) / DAY_MS);
    const times = { notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString(), days };
    const fault = (level: ValidityFault['level'], text: string) => [
      { level, text: `${what} ${text}`, source: info.source, subject, ...times },
    ];
    if (notBefore.getTime() > now) return fault('error', 'is not valid yet');
    if (days >= warnDays) return [];
    return days < 0 ? fault('error', 'has expired') : fault('warn', 'expires soon');
  };
  return [judge(info, 'the certificate'), ...info.chain.map((one) => judge(one, 'a certificate of the chain'))].flat();
}

/**
 * Whether clients that ask `host` would refuse the certificate because of its names (RFC 6125 6.4: a wildcard stands for one label). Not
 * known of one that could not be read, and of IPv6 addresses, which have many spellings.
 */
export function lacksName({ names, keyType }: CertificateInfo, host: string): boolean {
  const wanted = host.toLowerCase();
  if (wanted.startsWith('[')) return false;
  const forms = [wanted, wanted.replace(/^[^.]+/, '*')];
  return keyType !== 'unknown' && !names.some((name) => forms.includes(name.toLowerCase()));
}

/** When the first of a certificate and those sent with it ends; undefined when no end is known. */
export function firstEnd({ notAfter, chain }: CertificateInfo): Date | undefined {
  const ends = [notAfter, ...chain.map((one) => one.notAfter)].filter((end) => end !== undefined);
  return ends.toSorted((a, b) => a.getTime() - b.getTime())[0];
}
