// What `inspect` prints: who the accounts are and which server each of their values names.
import type { ExchangeAccount, MapiProfile } from '../mapi/profile.ts';
import { outlookVersionsIn } from '../mapi/profile-trees.ts';
import { readHomeServer } from '../plan/account-verdict.ts';
import type { Decision } from '../plan/decision.ts';
import { decideSection } from '../plan/section-rules.ts';
import type { RuleContext } from '../plan/value-rules.ts';
import type { RegistrySnapshot } from '../registry/registry.ts';
import type { ResultLine } from '../result-line.ts';
import { noProfile } from './render-plan.ts';
import { type LineContext, sourceLine } from './result-lines.ts';
import type { Source, SourceContent } from './source.ts';
import { printable, type Style } from './style.ts';
import { describeOutlook, describeProperty, describeSection } from './wording.ts';

/** Without a mapping every rule only reads. */
const NO_TARGETS: RuleContext = {
  mapping: new Map(),
  arrayNames: new Set(),
  organisation: undefined,
  proxies: new Map(),
  publicFolders: undefined,
};

export function renderInspection(
  source: Source,
  content: SourceContent,
  roots: readonly { snapshot: RegistrySnapshot; profiles: readonly MapiProfile[] }[],
  style: Style,
): string {
  const lines = [style.heading(printable(source.label))];
  for (const note of content.notes) lines.push(`  note: ${printable(note)}`);
  if (content.stale !== undefined) lines.push(style.warning(`  out of date: ${printable(content.stale)}`));
  for (const { snapshot, profiles } of roots) {
    const installed = outlookVersionsIn(snapshot).map(describeOutlook);
    lines.push(`  ${printable(snapshot.rootPath)}`);
    if (installed.length > 0) lines.push(`  Outlook settings found: ${installed.join(', ')}`);
    if (profiles.length === 0) lines.push(noProfile(snapshot));
    for (const profile of profiles) lines.push(...renderProfile(profile, style));
  }
  return `${lines.join('\n')}\n`;
}

export function inspectionLines(
  source: Source,
  snapshot: RegistrySnapshot,
  profiles: readonly MapiProfile[],
  context: LineContext,
): ResultLine[] {
  const base = sourceLine(source, snapshot.rootPath, context);
  if (profiles.length === 0) return [base];
  return profiles.map((profile) => ({
    ...base,
    profile: { name: profile.name, key: profile.keyPath, outlook: profile.outlook, default: profile.isDefault },
    attention: [...profile.problems],
    accounts: profile.accounts.map((account) => ({
      address: account.smtpAddress ?? account.displayName ?? null,
      service: account.service,
      outcome: 'leave' as const,
      reason: null,
      detail: readHomeServer(account).names.join(', '),
      missing: [],
      cachedMode: account.cachedMode,
      rpcOverHttp: account.rpcOverHttp,
    })),
    values: valuesOf(profile).map(({ section, valueName, property, old }) => ({
      key: section.keyPath,
      name: valueName,
      property,
      role: section.role,
      action: 'leave' as const,
      reason: 'inspected',
      old,
    })),
  }));
}

function valuesOf(profile: MapiProfile): Decision[] {
  const sections = [
    ...profile.accounts.flatMap((account) => account.sections),
    ...profile.sharedSections,
    ...profile.orphans,
  ];
  return sections.flatMap((section) => decideSection(section, NO_TARGETS));
}

function renderProfile(profile: MapiProfile, style: Style): string[] {
  const standing = profile.isDefault ? ', the default profile' : '';
  const lines = [
    '',
    `  ${style.heading(`Profile "${printable(profile.name)}"`)} (${describeOutlook(profile.outlook)}${standing})`,
  ];
  for (const problem of profile.problems) lines.push(style.warning(`    ! ${printable(problem)}`));
  if (profile.accounts.length === 0) lines.push('    no Exchange account');
  for (const account of profile.accounts) lines.push(...renderAccount(account, style));
  lines.push(...renderSections([...profile.sharedSections, ...profile.orphans], '    '));
  return lines;
}

function renderAccount(account: ExchangeAccount, style: Style): string[] {
  const home = readHomeServer(account);
  const who = printable(account.smtpAddress ?? account.displayName ?? account.service);
  const modes = [account.cachedMode ? 'cached mode' : 'online mode', ...(account.rpcOverHttp ? ['RPC over HTTP'] : [])];
  return [
    '',
    `    ${style.heading(`Account ${who}`)} (${modes.join(', ')})`,
    `      home server: ${home.names.map(printable).join(', ') || 'none named'}`,
    `      organisation: ${home.organisation === undefined ? 'unknown' : `/o=${printable(home.organisation)}`}`,
    ...renderSections(account.sections, '      '),
  ];
}

function renderSections(sections: readonly ExchangeAccount['sections'][number][], indent: string): string[] {
  return sections.flatMap((section) => {
    const values = decideSection(section, NO_TARGETS);
    if (values.length === 0) return [];
    const rows = values.map(({ property, valueName, old }) => {
      return `${indent}  ${describeProperty(property, printable(valueName))}: ${printable(old)}`;
    });
    return ['', `${indent}${printable(describeSection(section))}`, ...rows];
  });
}
