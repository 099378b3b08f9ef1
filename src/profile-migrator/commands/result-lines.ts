// From a plan to its result lines, and from the lines' outcomes to the outcome of the run.
import { packValue } from '../apply/journal.ts';
import type { Outcome } from '../exit-codes.ts';
import { type Decision, REASON_TEXT } from '../plan/decision.ts';
import { type AccountPlan, decisionsOf, type MigrationPlan, type ProfilePlan } from '../plan/plan-migration.ts';
import type { ResultLine, ResultOutcome, ResultValue } from '../result-line.ts';
import { RESULT_VERSION } from '../result-line.ts';
import { type Source, userOf } from './source.ts';

export interface LineContext {
  readonly command: ResultLine['command'];
  readonly program: string;
  readonly computer: string | null;
  readonly now: Date;
}

/** One line for each profile, or one for the source when it holds none. `done`: the outcome of profiles with changes. */
export function linesOfPlan(
  source: Source,
  rootPath: string,
  plan: MigrationPlan,
  context: LineContext,
  done: ResultOutcome,
): ResultLine[] {
  const base = sourceLine(source, rootPath, context);
  const settings = plan.settings.map((decision) => attentionOf(decision));
  if (plan.profiles.length === 0) return [{ ...base, attention: settings }];
  return plan.profiles.map((profile, i) => {
    const line = profileLine(base, profile, done);
    return i === 0 ? { ...line, attention: [...line.attention, ...settings] } : line;
  });
}

/** A line about a source as a whole. */
export function sourceLine(source: Source, rootPath: string | null, context: LineContext): ResultLine {
  const { command, program, computer, now } = context;
  return {
    version: RESULT_VERSION,
    time: now.toISOString(),
    program,
    command,
    computer,
    source: { kind: source.kind, name: source.name, label: source.label },
    root: rootPath,
    user: rootPath === null ? null : userOf(rootPath),
    profile: null,
    outcome: 'nothing-to-do',
    error: null,
    arrays: [],
    accounts: [],
    refusals: [],
    attention: [],
    counts: {},
    values: [],
  };
}

export function failedLine(line: ResultLine, error: Error): ResultLine {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'internal';
  return {
    ...line,
    outcome: 'failed',
    error: { code, message: error.message },
    attention: [...line.attention, error.message],
  };
}

/** What is said of a hive whose newest changes are missing is shown, but it is nothing to carry out: the changes may name other servers. */
export function refuseStale(line: ResultLine, stale: string): ResultLine {
  const message = `the hive is ${stale}`;
  return {
    ...line,
    outcome: 'refused',
    error: { code: 'hive-dirty', message },
    refusals: [...line.refusals, 'hive-dirty'],
    attention: [...line.attention, message],
  };
}

/** What one line means for the exit code. A failed line's own outcome is told by the error that made it fail. */
export function outcomesOfLine(line: ResultLine): Outcome[] {
  if (line.refusals.length > 0) return ['failed'];
  if (line.error?.code === 'nothing-to-roll-back') return ['nothing-to-roll-back'];
  return line.outcome === 'failed' ? [] : ['done'];
}

function profileLine(base: ResultLine, plan: ProfilePlan, done: ResultOutcome): ResultLine {
  const { profile, accounts } = plan;
  const decisions = decisionsOf(plan);
  const refused = accounts.filter(({ verdict }) => verdict.kind === 'refuse');
  const counts: Record<string, number> = {};
  for (const { action } of decisions) counts[action] = (counts[action] ?? 0) + 1;
  return {
    ...base,
    profile: { name: profile.name, key: profile.keyPath, outlook: profile.outlook, default: profile.isDefault },
    outcome: outcomeOfProfile(plan, done),
    arrays: arraysOf(accounts),
    accounts: accounts.map(resultAccount),
    refusals: refused.flatMap(({ verdict }) => (verdict.kind === 'refuse' ? [verdict.reason] : [])),
    attention: [
      ...accounts.flatMap(accountAttention),
      ...profile.problems,
      ...decisions.filter(needsAttention).map(attentionOf),
    ],
    counts,
    values: decisions.map(resultValue),
  };
}

function outcomeOfProfile(plan: ProfilePlan, done: ResultOutcome): ResultOutcome {
  if (decisionsOf(plan).some(({ edit }) => edit)) return done;
  if (plan.accounts.some(({ verdict }) => verdict.kind === 'refuse')) return 'refused';
  const byRule = plan.accounts.some(({ verdict }) => verdict.kind === 'leave' && !NOTHING_TO_DO.has(verdict.reason));
  return byRule ? 'left' : 'nothing-to-do';
}

const NOTHING_TO_DO: ReadonlySet<string> = new Set(['already-on-array', 'no-server-named', 'home-not-mapped']);

function arraysOf(accounts: readonly AccountPlan[]): string[] {
  const names = accounts.flatMap(({ verdict, decisions }) => {
    if (verdict.kind !== 'migrate') return verdict.reason === 'already-on-array' ? [verdict.detail] : [];
    const used = new Set(
      decisions.flatMap(({ edit, action, new: name }) => (edit && action === 'rewrite' && name ? [name] : [])),
    );
    return [...new Map([...verdict.mapping.values()].map(({ fqdn }) => [fqdn, fqdn])).keys()].filter((fqdn) =>
      used.has(fqdn),
    );
  });
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

function resultAccount({ account, verdict }: AccountPlan): ResultLine['accounts'][number] {
  return {
    address: account.smtpAddress ?? account.displayName ?? null,
    service: account.service,
    outcome: verdict.kind,
    reason: verdict.kind === 'migrate' ? null : verdict.reason,
    detail: verdict.kind === 'migrate' ? '' : verdict.detail,
    missing: verdict.kind === 'migrate' ? [] : [...verdict.missing],
    cachedMode: account.cachedMode,
    rpcOverHttp: account.rpcOverHttp,
  };
}

function accountAttention({ account, verdict }: AccountPlan): string[] {
  if (verdict.kind !== 'refuse') return [];
  const who = account.smtpAddress ?? account.displayName ?? account.service;
  const missing = verdict.missing.length > 0 ? `; add --from ${verdict.missing.join(' ')}` : '';
  return [
    `account ${who} is refused: ${REASON_TEXT[verdict.reason]}${verdict.detail ? ` (${verdict.detail})` : ''}${missing}`,
  ];
}

const ATTENTION: ReadonlySet<string> = new Set([
  'orphan',
  'unreadable',
  'unknown-store',
  'other-organisation',
  'several-arrays',
  'proxy-names-old-server',
  'undocumented',
]);

function needsAttention({ action, reason }: Decision): boolean {
  return action === 'report' && ATTENTION.has(reason);
}

function attentionOf({ section, valueName, property, old, reason }: Decision): string {
  return `${property} (${valueName}) in ${section.keyPath.split('\\').at(-1)}: ${old}: ${REASON_TEXT[reason]}`;
}

function resultValue(decision: Decision): ResultValue {
  const { section, valueName, property, action, reason, old, edit } = decision;
  const value: ResultValue = {
    key: section.keyPath,
    name: valueName,
    property,
    role: section.role,
    action,
    reason,
    old,
  };
  if (decision.new !== undefined) value.new = decision.new;
  if (!edit) return value;
  return { ...value, before: packValue(edit.before), after: packValue(edit.after) };
}
