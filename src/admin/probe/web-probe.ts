// One anonymous request to a web address, and what the handshake showed: whether the certificate is good for the name, which TLS
// versions the server takes, and how it answers somebody without credentials.

import { USER_AGENT } from '../../autodiscover/client/attempt.ts';
import { createHttpClient, type HttpOutcome } from '../../autodiscover/client/http-client.ts';
import type { Network } from './network.ts';

/** Asks by GET, follows nothing, sends no credentials. Never rejects. */
export async function probeUrl(network: Network, url: URL): Promise<HttpOutcome> {
  if ((await network.addressesOf(url.hostname.replace(/^\[|\]$/g, ''))).length === 0)
    return { kind: 'failed', reason: 'name-not-found', detail: `${url.hostname} does not resolve` };
  const client = createHttpClient({
    timeoutMs: network.timeoutMs,
    connectTo: network.route,
    ...(network.ca !== undefined && { ca: network.ca }),
  });
  const connection = client.open();
  try {
    return await connection.send({ method: 'GET', url, headers: { 'User-Agent': USER_AGENT, Accept: '*/*' } });
  } finally {
    connection.close();
  }
}

const DAY_MS = 86_400_000;

/** Whole days until a certificate ends, by the text the certificate prints; negative when it has ended, undefined when unreadable. */
export function daysLeft(validTo: string, now: Date): number | undefined {
  const end = Date.parse(validTo);
  return Number.isNaN(end) ? undefined : Math.floor((end - now.getTime()) / DAY_MS);
}
