// From the target options to targets: given on the command line, by a policy, by a saved Autodiscover answer, or account by account
// from Autodiscover itself.
import { readFile } from 'node:fs/promises';
import { UsageError } from '../errors.ts';
import type { ExchangeAccount, MapiProfile } from '../mapi/profile.ts';
import { type AccountTargets, readHomeServer } from '../plan/account-verdict.ts';
import { parsePolicy } from '../plan/policy-file.ts';
import { parseServerDn } from '../plan/server-dn.ts';
import { type ArrayTarget, checkTargets, isFqdn, proxiesOf, sameName, type Targets } from '../plan/targets.ts';
import type { DiscoverAnswer, DiscoveredServer, MigratorDeps } from './deps.ts';
import type { TargetOptions } from './options.ts';
import type { Targeting } from './plan-source.ts';

export interface ResolvedTargets {
  readonly targeting: Targeting;
  /** Whether the arrays come from a policy or from Autodiscover rather than from the command line. */
  readonly centrallyDecided: boolean;
  readonly until: Date | undefined;
}

/** @throws UsageError for contradictions and files that cannot be used. */
export async function resolveTargets(options: TargetOptions, deps: MigratorDeps): Promise<ResolvedTargets> {
  checkCombination(options);
  if (options.policy !== undefined) {
    const policy = parsePolicy(await readPolicyFile(options.policy), options.policy);
    return { targeting: async () => ({ targets: policy.targets }), centrallyDecided: true, until: policy.until };
  }
  if (options.autodiscover) {
    return { targeting: await autodiscoverTargeting(options, deps), centrallyDecided: true, until: undefined };
  }
  const array =
    options.settings === undefined ? arrayOf(options) : await arrayOfSettings(options.settings, options, deps);
  const targets = checkTargets({ arrays: [array], ...beside(options) });
  return { targeting: async () => ({ targets }), centrallyDecided: options.settings !== undefined, until: undefined };
}

function checkCombination(options: TargetOptions): void {
  const { from, to, serverDn, proxy, publicFolders, policy, settings, autodiscover, autodiscoverUser } = options;
  const ways = [to && '--to', policy && '--policy', settings && '--settings', autodiscover && '--autodiscover'].filter(
    Boolean,
  );
  if (ways.length === 0)
    throw new UsageError('option', 'say where to: --to FQDN, --policy FILE, --settings FILE or --autodiscover');
  if (ways.length > 1) throw new UsageError('option', `${ways.join(' and ')} exclude each other`);
  if ((to || settings) && !from)
    throw new UsageError('option', `${ways[0]} needs --from NAME..., the old server names`);
  if (serverDn && !to) throw new UsageError('option', '--server-dn belongs to --to');
  const { autodiscoverServer, passwordFile, ca, trust } = options;
  if (!autodiscover && (autodiscoverServer || autodiscoverUser || passwordFile || ca || trust)) {
    throw new UsageError(
      'option',
      'these options belong to --autodiscover: its server, user, password file, --ca and --trust',
    );
  }
  if (passwordFile && !autodiscoverUser)
    throw new UsageError('option', '--password-file belongs to --autodiscover-user');
  if (policy && (from || proxy || publicFolders)) {
    throw new UsageError(
      'option',
      '--policy holds everything: --from, --proxy and --public-folders cannot be added to it',
    );
  }
}

function arrayOf({ to = '', from = [], serverDn }: TargetOptions): ArrayTarget {
  return serverDn === undefined ? { fqdn: to, replaces: from } : { fqdn: to, replaces: from, serverDn };
}

async function arrayOfSettings(path: string, { from = [] }: TargetOptions, deps: MigratorDeps): Promise<ArrayTarget> {
  if (!deps.readSettings) throw new UsageError('option', 'this build cannot read saved Autodiscover answers; use --to');
  const { server, serverDn } = await deps.readSettings(path);
  return serverDn === undefined ? { fqdn: server, replaces: from } : { fqdn: server, replaces: from, serverDn };
}

function beside({ proxy = [], publicFolders }: TargetOptions): Pick<Targets, 'proxies' | 'publicFolders'> {
  const pairs = proxy.map((pair) => {
    const [old, replacement, ...more] = pair.split('=');
    if (!old || !replacement || more.length > 0) throw new UsageError('option', `--proxy ${pair}: expected OLD=NEW`);
    return [old, replacement] as const;
  });
  const proxies = proxiesOf(pairs);
  return publicFolders === undefined ? { proxies } : { proxies, publicFolders };
}

/** Each address is asked once in a run. Without `--from` an account's own server names are the old names, for that account only. */
async function autodiscoverTargeting(options: TargetOptions, deps: MigratorDeps): Promise<Targeting> {
  if (!deps.openAutodiscover)
    throw new UsageError('option', 'this build has no Autodiscover client; use --to or --policy');
  const discover = await deps.openAutodiscover({
    server: options.autodiscoverServer,
    user: options.autodiscoverUser,
    passwordFile: options.passwordFile,
    ca: options.ca,
    trust: options.trust ?? [],
  });
  const answers = new Map<string, Promise<DiscoverAnswer>>();
  const ask = (address: string): Promise<DiscoverAnswer> => {
    const known = answers.get(address.toLowerCase()) ?? discover(address);
    answers.set(address.toLowerCase(), known);
    return known;
  };
  const targets = checkTargets({ arrays: [], ...beside(options) });
  return async (profiles) => {
    const found = new Map<ExchangeAccount, AccountTargets>();
    for (const account of profiles.flatMap((profile: MapiProfile) => profile.accounts)) {
      found.set(account, await targetsOfAccount(account, options.from, ask));
    }
    const none: AccountTargets = { kind: 'refuse', reason: 'no-address', detail: '' };
    return { targets, accountTargets: (_profile, account) => found.get(account) ?? none };
  };
}

async function targetsOfAccount(
  account: ExchangeAccount,
  from: readonly string[] | undefined,
  ask: (address: string) => Promise<DiscoverAnswer>,
): Promise<AccountTargets> {
  const { smtpAddress } = account;
  if (smtpAddress === undefined || !smtpAddress.includes('@'))
    return { kind: 'refuse', reason: 'no-address', detail: '' };
  const answer = await ask(smtpAddress);
  if (answer.kind === 'none') return { kind: 'refuse', reason: 'autodiscover-failed', detail: answer.detail };
  const home = readHomeServer(account).names;
  const problem = notAnArray(answer, home);
  if (problem !== undefined) return { kind: 'refuse', reason: 'autodiscover-failed', detail: problem };
  const replaces = (from ?? home).filter((name) => !sameName(name, answer.server));
  const array = { fqdn: answer.server, replaces };
  const arrays = [answer.serverDn === undefined ? array : { ...array, serverDn: answer.serverDn }];
  try {
    checkTargets({ arrays, proxies: new Map() });
  } catch (error) {
    return { kind: 'refuse', reason: 'autodiscover-failed', detail: (error as Error).message.replaceAll('\n', '; ') };
  }
  return { kind: 'arrays', arrays };
}

/**
 * A single server where there is no array: its DN ends in a short name, and without a DN it is the account's own server by both of
 * its names. Moving a profile there would gain nothing.
 */
function notAnArray({ server, serverDn }: DiscoveredServer, home: readonly string[]): string | undefined {
  if (!isFqdn(server)) return `the server it gave, "${server}", is no FQDN`;
  const isHome = (name: string) => home.some((own) => sameName(own, name));
  const dn = serverDn === undefined ? undefined : parseServerDn(serverDn);
  const single = dn ? !sameName(dn.server, server) : isHome(server) && isHome(server.split('.')[0] ?? '');
  return single ? `the server it gave, ${server}, is a single server and no array` : undefined;
}

async function readPolicyFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new UsageError('policy-file', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}
