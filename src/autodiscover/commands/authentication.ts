// Makes the configured authentication schemes work, or leaves them out and says why: a client that is offered a scheme which cannot
// complete may never try another.

import type { Directory } from '../../ldap/directory.ts';
import { useKeytab } from '../config.ts';
import type { Config } from '../config-schema.ts';
import { AutodiscoverError } from '../errors.ts';
import type { Logger } from '../log.ts';
import {
  type AuthenticationOutcome,
  type AuthenticationScheme,
  Authenticator,
} from '../server/authentication/authenticator.ts';
import { basicScheme } from '../server/authentication/basic.ts';
import { CredentialCache } from '../server/authentication/credential-cache.ts';
import { HelperPool } from '../server/authentication/helper-pool.ts';
import { type KerberosAcceptor, openKerberos } from '../server/authentication/kerberos-acceptor.ts';
import { negotiateScheme } from '../server/authentication/negotiate.ts';
import { NtlmHandshakes, ntlmScheme, PROBE_MESSAGE } from '../server/authentication/ntlm.ts';

export interface OpenAuthentication {
  readonly authenticator: Authenticator;
  /** Ends the helper processes. */
  close(): void;
}

const MAX_CREDENTIALS = 50_000;

/** Throws AutodiscoverError `configuration` when none of the configured schemes can be offered. */
export async function openAuthentication(
  config: Config['authentication'],
  directory: Directory,
  log: Logger,
): Promise<OpenAuthentication> {
  const pools: HelperPool[] = [];
  const leaveOut = (scheme: string, reason: string) =>
    log.warn({ scheme, reason }, 'authentication scheme is not offered');
  const openers: Record<Config['authentication']['schemes'][number], () => Promise<AuthenticationScheme | undefined>> =
    {
      basic: async () => basicScheme(directory, credentialCache(config), config.realm),
      ntlm: async () => {
        const handshakes = await openNtlm('NTLM', 'squid-2.5-ntlmssp');
        return handshakes && ntlmScheme(handshakes);
      },
      negotiate: async () => {
        const kerberos = await openTickets(config, leaveOut);
        const ntlm = config.schemes.includes('ntlm') ? await openNtlm('Negotiate', 'gss-spnego') : undefined;
        return kerberos || ntlm ? negotiateScheme(directory, { kerberos, ntlm }) : undefined;
      },
    };
  const openNtlm = async (scheme: 'NTLM' | 'Negotiate', protocol: string) => {
    const pool = helperPool(config, scheme, protocol, log);
    if (!(await pool.probe(`YR ${PROBE_MESSAGE}`, /^TT /))) {
      leaveOut(
        scheme,
        `${config.ntlmHelper.path} --helper-protocol=${protocol} does not answer: is winbind running and may this account use it?`,
      );
      return undefined;
    }
    pools.push(pool);
    return new NtlmHandshakes(pool, directory, scheme);
  };
  const schemes: AuthenticationScheme[] = [];
  for (const name of new Set(config.schemes)) {
    const scheme = await openers[name]();
    if (scheme) schemes.push(scheme);
  }
  if (schemes.length === 0) {
    throw new AutodiscoverError(
      'configuration',
      `authentication.schemes: none of ${config.schemes.join(', ')} can be offered; see the warnings above`,
    );
  }
  return {
    authenticator: new Authenticator(schemes),
    close: () =>
      pools.forEach((pool) => {
        pool.close();
      }),
  };
}

function credentialCache(config: Config['authentication']): CredentialCache<AuthenticationOutcome> {
  return new CredentialCache({
    acceptedMs: config.cacheSeconds * 1000,
    rejectedMs: config.rejectedCacheSeconds * 1000,
    maxEntries: MAX_CREDENTIALS,
    now: () => performance.now(),
  });
}

async function openTickets(
  config: Config['authentication'],
  leaveOut: (scheme: string, reason: string) => void,
): Promise<KerberosAcceptor | undefined> {
  if (config.keytabFile === undefined) {
    leaveOut('negotiate (Kerberos)', 'authentication.keytabFile is not configured');
    return undefined;
  }
  useKeytab(config.keytabFile);
  const opened = await openKerberos();
  if (!('missing' in opened)) return opened;
  leaveOut('negotiate (Kerberos)', opened.missing);
  return undefined;
}

function helperPool(config: Config['authentication'], scheme: string, protocol: string, log: Logger): HelperPool {
  const { path, arguments: further, processes, timeoutSeconds } = config.ntlmHelper;
  return new HelperPool({
    path,
    arguments: [`--helper-protocol=${protocol}`, ...further],
    timeoutMs: timeoutSeconds * 1000,
    waitMs: timeoutSeconds * 1000,
    maxProcesses: processes,
    onChange: (open, reason) =>
      log[open ? 'info' : 'error']({ scheme, reason }, open ? 'scheme is offered again' : 'scheme is turned off'),
  });
}
