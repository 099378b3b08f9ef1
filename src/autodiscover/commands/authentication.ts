// Makes the configured authentication schemes work, or leaves them out and says why: a client that is offered a scheme which cannot
// complete may never try another.

import { failureText } from '../../ldap/controller.ts';
import type { Directory } from '../../ldap/directory.ts';
import { isUnavailable } from '../../ldap/errors.ts';
import type { LockoutPolicy } from '../../ldap/lockout-policy.ts';
import { useKeytab } from '../config.ts';
import type { Config } from '../config-schema.ts';
import { AutodiscoverError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type AuthenticationScheme, Authenticator } from '../server/authentication/authenticator.ts';
import { type AskForCredential, basicScheme, type Judgement } from '../server/authentication/basic.ts';
import type { BoundedWorkOptions } from '../server/authentication/bounded-work.ts';
import { networkList } from '../server/authentication/client-network.ts';
import { CredentialCache } from '../server/authentication/credential-cache.ts';
import type { Guard } from '../server/authentication/guard.ts';
import { HelperPool } from '../server/authentication/helper-pool.ts';
import { type KerberosAcceptor, openKerberos } from '../server/authentication/kerberos-acceptor.ts';
import { accountFailures, LogonGuard } from '../server/authentication/logon-guard.ts';
import { negotiateScheme } from '../server/authentication/negotiate.ts';
import { NtlmHandshakes, ntlmScheme, PROBE_MESSAGE } from '../server/authentication/ntlm.ts';

export interface OpenAuthentication {
  readonly authenticator: Authenticator;
  readonly guard: Guard;
  readonly cache: CredentialCache<Judgement>;
  /** Ends the helper processes. */
  close(): void;
}

/** Credentials that are remembered at once. */
export const MAX_CREDENTIALS = 50_000;
const POLICY_INTERVAL_MS = 3_600_000;
/** What new domains begin with: the window of a policy whose threshold alone was configured. */
const USUAL_OBSERVATION_MS = 1_800_000;

/** What several workers have in common. */
export interface SharedAuthentication {
  readonly guard: Guard;
  /** Under which credentials are digested. */
  readonly credentialSecret: string;
  readonly elsewhere: AskForCredential;
  /** Whether the guard has the domains' lock-out policy already, from another worker. */
  readonly hasPolicy: boolean;
}

/** `shared` is there with several workers. Throws AutodiscoverError `configuration` when none of the configured schemes can be offered. */
export async function openAuthentication(
  { authentication: config, limits }: Pick<Config, 'authentication' | 'limits'>,
  directory: Directory,
  log: Logger,
  shared?: SharedAuthentication,
): Promise<OpenAuthentication> {
  const pools: HelperPool[] = [];
  const cache = credentialCache(config, shared?.credentialSecret);
  const guard = shared?.guard ?? logonGuard(config, limits, () => performance.now());
  const watch = await watchLockoutPolicy(config.failures, directory, guard, {
    log,
    hasPolicy: shared?.hasPolicy === true,
  });
  const leaveOut = (scheme: string, reason: string) =>
    log.warn({ scheme, reason }, 'authentication scheme is not offered');
  const openers: Record<Config['authentication']['schemes'][number], () => Promise<AuthenticationScheme | undefined>> =
    {
      basic: async () => basicScheme({ directory, cache, guard, realm: config.realm, elsewhere: shared?.elsewhere }),
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
    return new NtlmHandshakes(pool, directory, guard, scheme);
  };
  const schemes: AuthenticationScheme[] = [];
  for (const name of new Set(config.schemes)) {
    const scheme = await openers[name]();
    if (scheme) schemes.push(scheme);
  }
  if (schemes.length === 0) {
    watch.stop();
    throw new AutodiscoverError(
      'configuration',
      `authentication.schemes: none of ${config.schemes.join(', ')} can be offered; see the warnings above`,
    );
  }
  return {
    authenticator: new Authenticator(schemes),
    guard,
    cache,
    close: () => {
      watch.stop();
      for (const pool of pools) pool.close();
    },
  };
}

function credentialCache(config: Config['authentication'], secret: string | undefined): CredentialCache<Judgement> {
  return new CredentialCache({
    acceptedMs: config.cacheSeconds * 1000,
    rejectedMs: config.rejectedCacheSeconds * 1000,
    outageMs: config.outageSeconds * 1000,
    maxEntries: MAX_CREDENTIALS,
    now: () => performance.now(),
    secret,
  });
}

/** The guard as configured; `now` is a clock in milliseconds. */
export function logonGuard(
  { failures }: Config['authentication'],
  limits: Config['limits'],
  now: () => number,
): LogonGuard {
  const { perName, perAddress, total, windowSeconds, sharedBy } = failures;
  return new LogonGuard({
    perName,
    perAddress,
    total,
    sharedBy,
    windowMs: windowSeconds * 1000,
    exempt: networkList(limits.exemptAddresses),
    checks: checkLimits(limits),
    now,
  });
}

/** How many password checks may run, and wait, and for how long. */
export function checkLimits(limits: Config['limits']): BoundedWorkOptions {
  return { running: limits.passwordChecks, waiting: limits.waitingChecks, waitMs: limits.waitingSeconds * 1000 };
}

/**
 * Reads the domain's policy now and then every hour; until it can be read again the last one is kept. The first time it must succeed,
 * except where the guard has the policy from another worker already.
 */
async function watchLockoutPolicy(
  failures: Config['authentication']['failures'],
  directory: Directory,
  guard: Guard,
  { log, hasPolicy }: { readonly log: Logger; readonly hasPolicy: boolean },
): Promise<{ stop(): void }> {
  const read = async () => {
    const { unreadable, ...domain } = await directory.lockoutPolicy();
    const { lockoutThreshold } = failures;
    const policy =
      lockoutThreshold === undefined
        ? domain
        : { threshold: lockoutThreshold, observationMs: Math.max(domain.observationMs, USUAL_OBSERVATION_MS) };
    guard.useLockoutPolicy(policy);
    return { policy, unreadable };
  };
  const notRead = (error: unknown) => log.warn({ reason: failureText(error) }, 'the lock-out policy cannot be read');
  try {
    tellOfPolicy(await read(), failures, log);
  } catch (error) {
    if (!hasPolicy || !isUnavailable(error)) throw error;
    notRead(error);
  }
  const timer = setInterval(() => {
    read().catch(notRead);
  }, POLICY_INTERVAL_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function tellOfPolicy(
  { policy, unreadable }: { readonly policy: LockoutPolicy; readonly unreadable: readonly string[] },
  { lockoutThreshold, sharedBy, perName }: Config['authentication']['failures'],
  log: Logger,
): void {
  if (unreadable.length > 0 && lockoutThreshold === undefined)
    log.warn(
      { containers: unreadable },
      'fine-grained password policies cannot be read: grant the service account read access to the containers, or set ' +
        'authentication.failures.lockoutThreshold to the strictest threshold',
    );
  const { failures, extra } = accountFailures(policy, sharedBy, perName);
  if (policy.threshold > 0) {
    const fields = { ...policy, sharedBy, failuresPerAccount: failures };
    if ((failures + extra) * sharedBy < policy.threshold) log.info(fields, 'staying below the lock-out threshold');
    else log.warn(fields, 'the lock-out threshold is too low to stay below it: failures here can lock accounts out');
  }
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
