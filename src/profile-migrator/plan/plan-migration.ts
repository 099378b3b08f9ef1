// The plan: from a user's profiles and the operator's targets to one decision per server-bearing value and the patch that carries
// them out. Pure; reading, asking Autodiscover and writing happen elsewhere.
import type { ExchangeAccount, MapiProfile } from '../mapi/profile.ts';
import type { RegistryPatch, RegistrySnapshot, ValueEdit } from '../registry/registry.ts';
import { type AccountTargets, judgeAccount, readHomeServer, type Verdict } from './account-verdict.ts';
import { changes, type Decision } from './decision.ts';
import { decideSection } from './section-rules.ts';
import { decideSettings } from './settings-rules.ts';
import { type ArrayTarget, mappingOf, namesOfArray, sameName, type Targets } from './targets.ts';
import type { RuleContext } from './value-rules.ts';

export interface PlanOptions {
  readonly targets: Targets;
  /** Targets of single accounts (Autodiscover), which then take the place of `targets.arrays` for them. */
  readonly accountTargets?: (profile: MapiProfile, account: ExchangeAccount) => AccountTargets;
}

export interface AccountPlan {
  readonly account: ExchangeAccount;
  readonly verdict: Verdict;
  readonly decisions: readonly Decision[];
}

export interface ProfilePlan {
  readonly profile: MapiProfile;
  readonly accounts: readonly AccountPlan[];
  /** About sections the accounts share, and about orphans. */
  readonly shared: readonly Decision[];
}

export interface MigrationPlan {
  readonly profiles: readonly ProfilePlan[];
  /** Beside the profiles: Autodiscover settings that name an old server. */
  readonly settings: readonly Decision[];
  readonly patch: RegistryPatch;
}

export function planMigration(
  snapshot: RegistrySnapshot,
  profiles: readonly MapiProfile[],
  options: PlanOptions,
): MigrationPlan {
  const targetsOf = (profile: MapiProfile, account: ExchangeAccount): AccountTargets =>
    options.accountTargets?.(profile, account) ?? { kind: 'arrays', arrays: options.targets.arrays };
  const judged = profiles.map((profile) => ({
    profile,
    verdicts: refuseSharedSections(
      profile,
      profile.accounts.map((account) => judgeAccount(account, targetsOf(profile, account))),
    ),
  }));
  const ambiguous = ambiguousOrganisations(judged.flatMap(({ verdicts }) => verdicts));
  const plans = judged.map(({ profile, verdicts }) =>
    planProfile(profile, verdicts, ambiguous, targetsOf, options.targets),
  );
  const edits = plans.flatMap(editsOf);
  return {
    profiles: plans,
    settings: decideSettings(snapshot, mappingOf(options.targets.arrays)),
    patch: { rootPath: snapshot.rootPath, edits },
  };
}

/** The edits of one profile, in the order they are shown. */
function editsOf(plan: ProfilePlan): ValueEdit[] {
  return decisionsOf(plan).flatMap(({ edit }) => edit ?? []);
}

export function decisionsOf(plan: ProfilePlan): Decision[] {
  return [...plan.accounts.flatMap(({ decisions }) => decisions), ...plan.shared];
}

function planProfile(
  profile: MapiProfile,
  verdicts: readonly Verdict[],
  ambiguous: ReadonlySet<string>,
  targetsOf: (profile: MapiProfile, account: ExchangeAccount) => AccountTargets,
  targets: Targets,
): ProfilePlan {
  const accounts = profile.accounts.map((account, i): AccountPlan => {
    const first = verdicts[i] as Verdict;
    const verdict =
      first.kind === 'migrate' && needsServerDn(first, ambiguous) ? severalOrganisations(ambiguous) : first;
    const own = targetsOf(profile, account);
    const arrays = own.kind === 'arrays' ? own.arrays : targets.arrays;
    const context = contextOf(arrays, targets, readHomeServer(account).organisation);
    const decisions = account.sections.flatMap((section) => decideSection(section, context));
    return settle(account, verdict, decisions);
  });
  return { profile, accounts, shared: decideShared(profile, accounts, targets) };
}

/** An account that is not migrated keeps every value: what would have been changed is left, reported or refused with it. */
function settle(account: ExchangeAccount, verdict: Verdict, decisions: readonly Decision[]): AccountPlan {
  if (verdict.kind === 'migrate') {
    if (decisions.some(changes)) return { account, verdict, decisions };
    const nothing: Verdict = { kind: 'leave', reason: 'no-server-named', detail: '', missing: [] };
    return { account, verdict: nothing, decisions };
  }
  const { kind, reason } = verdict;
  const action = kind === 'refuse' ? 'refuse' : reason === 'already-on-array' ? 'leave' : 'report';
  const kept = decisions.map(({ edit, new: wanted, ...rest }): Decision => (edit ? { ...rest, action, reason } : rest));
  return { account, verdict, decisions: kept };
}

/** The fixed address-book section belongs to the whole profile: it follows the accounts that are changed. */
function decideShared(profile: MapiProfile, accounts: readonly AccountPlan[], targets: Targets): Decision[] {
  const moved = accounts.flatMap(({ verdict }) => (verdict.kind === 'migrate' ? [...verdict.mapping.values()] : []));
  const context = contextOf([...targets.arrays, ...moved], targets, undefined);
  const follow = (decision: Decision): Decision => {
    const { edit, new: _, ...rest } = decision;
    if (!edit) return decision;
    if (decision.section.role === 'orphan') return { ...rest, action: 'report', reason: 'orphan' };
    const arrays = moved.filter(({ replaces }) => replaces.some((name) => sameName(name, decision.old)));
    const destinations = new Set(arrays.map(({ fqdn }) => fqdn.toLowerCase()));
    if (destinations.size === 1) return decision;
    return { ...rest, action: 'report', reason: destinations.size === 0 ? 'no-account-changes' : 'several-arrays' };
  };
  return [...profile.sharedSections, ...profile.orphans].flatMap((section) =>
    decideSection(section, context).map(follow),
  );
}

function contextOf(arrays: readonly ArrayTarget[], targets: Targets, organisation: string | undefined): RuleContext {
  return {
    mapping: mappingOf(arrays),
    arrayNames: new Set(arrays.flatMap(namesOfArray).map((name) => name.toLowerCase())),
    organisation,
    proxies: targets.proxies,
    publicFolders: targets.publicFolders,
  };
}

/** Two accounts that own one section cannot be changed apart from each other. */
function refuseSharedSections(profile: MapiProfile, verdicts: readonly Verdict[]): Verdict[] {
  const owners = new Map<string, number>();
  for (const { sections } of profile.accounts) {
    for (const keyPath of new Set(sections.map((section) => section.keyPath))) {
      owners.set(keyPath, (owners.get(keyPath) ?? 0) + 1);
    }
  }
  return verdicts.map((verdict, i) => {
    const shared = profile.accounts[i]?.sections.find(({ keyPath }) => (owners.get(keyPath) ?? 0) > 1);
    if (!shared || verdict.kind !== 'migrate') return verdict;
    return { kind: 'refuse', reason: 'shared-section', detail: shared.key.name, missing: [] };
  });
}

/** Organisations that accounts without a given ServerDN would have it derived from, when there is more than one. */
function ambiguousOrganisations(verdicts: readonly Verdict[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const verdict of verdicts) {
    if (verdict.kind !== 'migrate' || verdict.organisation === undefined || !lacksServerDn(verdict)) continue;
    found.add(verdict.organisation.toLowerCase());
  }
  return found.size > 1 ? found : new Set();
}

function needsServerDn(verdict: Verdict & { kind: 'migrate' }, ambiguous: ReadonlySet<string>): boolean {
  return ambiguous.size > 0 && lacksServerDn(verdict);
}

function lacksServerDn({ array }: Verdict & { kind: 'migrate' }): boolean {
  return array !== undefined && array.serverDn === undefined;
}

function severalOrganisations(organisations: ReadonlySet<string>): Verdict {
  const detail = [...organisations].map((name) => `/o=${name}`).join(', ');
  return { kind: 'refuse', reason: 'several-organisations', detail, missing: [] };
}
