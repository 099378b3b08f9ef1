// What is to be said of the time in which a certificate and those sent with it are good: clients look at all of them.

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

/** When the first of a certificate and those sent with it ends; undefined when no end is known. */
export function firstEnd({ notAfter, chain }: CertificateInfo): Date | undefined {
  const ends = [notAfter, ...chain.map((one) => one.notAfter)].filter((end) => end !== undefined);
  return ends.toSorted((a, b) => a.getTime() - b.getTime())[0];
}
