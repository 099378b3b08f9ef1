// SRV records from the system's DNS servers, with a bound on the wait.
import { Resolver } from 'node:dns/promises';
import type { SrvRecord } from './walk.ts';

const DNS_LIMITS = { timeoutMs: 3000, tries: 2 } as const;

/** Asks the configured DNS servers. Rejects with the code ENOTFOUND or ENODATA when there is no record. */
export function resolveSrvRecords(name: string): Promise<readonly SrvRecord[]> {
  return new Resolver({ timeout: DNS_LIMITS.timeoutMs, tries: DNS_LIMITS.tries }).resolveSrv(name);
}
