// A plan as text: a diff with a reason for every value.
import { readProfiles } from '../mapi/profile.ts';
import { type Decision, REASON_TEXT } from '../plan/decision.ts';
import { type AccountPlan, decisionsOf, type ProfilePlan } from '../plan/plan-migration.ts';
import type { RegistrySnapshot } from '../registry/registry.ts';
import type { SourcePlan } from './plan-source.ts';
import { printable, type Style } from './style.ts';
import { count, describeOutlook, describeProperty, describeSection } from './wording.ts';

export const PLAN_INTRODUCTION = `A MAPI profile is Outlook's memory of its accounts: several registry values in several sections name the server.
  -  what the registry holds now      +  what it would hold      =  stays, with the reason
  !  named here but never changed, or worth a look               x  not changed, because its account is refused
`;

/** What no registry can tell, for the operator to see to first. */
export const PRECONDITIONS = `Before you apply, make sure that
  - the array exists, and its name resolves inside the network (and not outside);
  - the mailbox databases name it as their RpcClientAccessServer;
  - its load balancer answers on TCP 135 and on the RPC ports;
  - Outlook is closed on the desktops while they are changed.
`;

export function renderSourcePlan({ source, roots, notes, stale }: SourcePlan, style: Style): string {
  const lines = [style.heading(printable(source.label))];
  for (const note of notes) lines.push(`  note: ${printable(note)}`);
  if (stale !== undefined) lines.push(style.warning(`  out of date: ${printable(stale)}`));
  for (const { snapshot, plan } of roots) {
    if (roots.length > 1) lines.push(`  ${printable(snapshot.rootPath)}`);
    if (plan.profiles.length === 0) lines.push(noProfile(snapshot));
    for (const profile of plan.profiles) lines.push(...renderProfile(profile, style));
    if (plan.settings.length > 0)
      lines.push('', '  Beside the profiles', ...renderDecisions(plan.settings, style, '    '));
  }
  return `${lines.join('\n')}\n`;
}

/**
 * What is said where no profile was chosen: the names of those that --profile and --outlook leave out, or that there are none. A slip in
 * --profile shall not look like an empty registry.
 */
export function noProfile(snapshot: RegistrySnapshot): string {
  const leftOut = readProfiles(snapshot);
  if (leftOut.length === 0) return '  no profile here';
  const names = leftOut.map(({ name }) => `"${printable(name)}"`).join(', ');
  return `  no profile here that --profile and --outlook choose; there is ${names}`;
}

function renderProfile(plan: ProfilePlan, style: Style): string[] {
  const { profile, accounts, shared } = plan;
  const standing = profile.isDefault ? ', the default profile' : '';
  const lines = [
    '',
    `  ${style.heading(`Profile "${printable(profile.name)}"`)} (${describeOutlook(profile.outlook)}${standing})`,
  ];
  for (const problem of profile.problems) lines.push(style.warning(`    ! ${printable(problem)}`));
  if (accounts.length === 0) lines.push('    no Exchange account: nothing to do');
  for (const account of accounts) lines.push(...renderAccount(account, style));
  if (shared.length > 0) {
    lines.push('', '    Shared by the accounts of the profile', ...renderDecisions(shared, style, '      '));
  }
  const changed = decisionsOf(plan).filter(({ edit }) => edit).length;
  if (changed > 0)
    lines.push('', `    ${count(changed, 'value')} of this profile ${changed === 1 ? 'changes' : 'change'}.`);
  return lines;
}

function renderAccount({ account, verdict, decisions }: AccountPlan, style: Style): string[] {
  const who = printable(account.smtpAddress ?? account.displayName ?? account.service);
  const changed = decisions.filter(({ edit }) => edit).length;
  const facts = [
    account.cachedMode ? 'cached mode' : 'online mode',
    ...(account.rpcOverHttp ? ['RPC over HTTP'] : []),
  ].join(', ');
  const lines = ['', `    ${style.heading(`Account ${who}`)} (${facts})`];
  if (verdict.kind === 'migrate') {
    lines.push(`      moves: ${count(changed, 'value')} ${changed === 1 ? 'changes' : 'change'}`);
    if (account.kerberosOnly)
      lines.push('      note: it takes Kerberos only; the array needs its alternate service account for that');
    if (account.unencrypted) lines.push('      note: it asks for RPC without encryption, which the servers may refuse');
  } else {
    const word = verdict.kind === 'refuse' ? 'refused' : 'stays as it is';
    const detail = verdict.detail === '' ? '' : ` (${printable(verdict.detail)})`;
    const text = `      ${word}: ${REASON_TEXT[verdict.reason]}${detail}`;
    lines.push(verdict.kind === 'refuse' ? style.warning(text) : text);
    if (verdict.missing.length > 0)
      lines.push(`      to include it: --from ${verdict.missing.map(printable).join(' ')}`);
  }
  // Where nothing changes, the values that nobody would have changed explain nothing.
  const telling = verdict.kind === 'migrate' ? decisions : decisions.filter(({ action }) => action !== 'leave');
  return [...lines, ...renderDecisions(telling, style, '      ')];
}

function renderDecisions(decisions: readonly Decision[], style: Style, indent: string): string[] {
  const lines: string[] = [];
  let section = '';
  for (const decision of decisions) {
    if (decision.section.keyPath !== section) {
      section = decision.section.keyPath;
      lines.push('', `${indent}${printable(describeSection(decision.section))}`);
    }
    lines.push(...renderDecision(decision, style, `${indent}  `));
  }
  return lines;
}

function renderDecision(decision: Decision, style: Style, indent: string): string[] {
  const { action, property, valueName, old, reason, edit } = decision;
  const why = action === 'refuse' ? 'would change, but the account is refused' : REASON_TEXT[reason];
  const title = `${indent}${describeProperty(property, printable(valueName))}: ${why}`;
  if (edit && action === 'delete') return [title, style.removed(`${indent}  - ${printable(old)}`)];
  if (edit) {
    const now = style.removed(`${indent}  - ${printable(old)}`);
    return [title, now, style.added(`${indent}  + ${printable(decision.new ?? '')}`)];
  }
  const mark = action === 'refuse' ? 'x' : action === 'report' ? '!' : '=';
  const line = `${indent}  ${mark} ${printable(old)}`;
  return [title, action === 'leave' ? line : style.warning(line)];
}
