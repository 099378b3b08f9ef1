// Looks names up with the system's resolver, and, where an administrator names one, with a resolver outside the company.

import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { NameLookup } from './array-names.ts';
import { AdminError } from './errors.ts';

const NO_SUCH_NAME = new Set(['ENOTFOUND', 'ENODATA', 'NXDOMAIN']);
const TIMEOUT_MS = 3_000;

/** `outside` is the address of a resolver. Throws AdminError `configuration` when it is none. */
export function systemLookup(outside: string | undefined): NameLookup {
  const addresses = async (name: string) =>
    noneIfUnknown(lookup(name, { all: true }).then((found) => found.map(({ address }) => address)));
  if (outside === undefined) return { addresses };
  if (isIP(outside) === 0)
    throw new AdminError('configuration', `--outside-resolver ${outside}: must be an IP address`);
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 2 });
  resolver.setServers([isIP(outside) === 6 ? `[${outside}]` : outside]);
  // Addresses of either kind are an answer, even where the resolver refuses the other kind.
  const addressesOutside = async (name: string) => {
    const asked = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)].map(noneIfUnknown));
    const found = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    const failed = asked.find((one) => one.status === 'rejected');
    if (found.length === 0 && failed !== undefined) throw failed.reason;
    return found;
  };
  return { addresses, addressesOutside };
}

async function noneIfUnknown(asked: Promise<string[]>): Promise<string[]> {
  try {
    return await asked;
  } catch (error) {
    if (NO_SUCH_NAME.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
