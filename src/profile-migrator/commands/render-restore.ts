// What a rollback says: result lines and text.
import { packValue } from '../apply/journal.ts';
import type { RestorePlan } from '../apply/restore.ts';
import { readMultiString } from '../mapi/multi-value.ts';
import { PropType } from '../mapi/property-tags.ts';
import { CHANGEABLE_VALUES } from '../plan/section-rules.ts';
import type { RegistryValue } from '../registry/registry.ts';
import type { ResultLine, ResultOutcome } from '../result-line.ts';
import { type LineContext, sourceLine } from './result-lines.ts';
import type { Source } from './source.ts';
import { printable, type Style } from './style.ts';
import { count, describeProperty } from './wording.ts';

/** One line for each profile that has something on record. */
export function linesOfRestore(
  source: Source,
  plan: RestorePlan,
  context: LineContext,
  done: ResultOutcome,
): ResultLine[] {
  const base = sourceLine(source, plan.patch.rootPath, context);
  const profiles = new Map([...plan.restored, ...plan.kept].map(({ profile }) => [profile.key, profile]));
  if (profiles.size === 0) return [base];
  return [...profiles.values()].map((profile): ResultLine => {
    const restored = plan.restored.filter((value) => value.profile.key === profile.key);
    const kept = plan.kept.filter((value) => value.profile.key === profile.key);
    return {
      ...base,
      profile,
      outcome: restored.length > 0 ? done : 'left',
      attention: kept.map(({ property, name, keyPath: key }) => {
        return `${property} (${name}) in ${key.split('\\').at(-1)} no longer holds what was written; it is left as it is`;
      }),
      counts: { restore: restored.length, keep: kept.length },
      values: [
        ...restored.map(({ edit, property, role }) => ({
          key: edit.keyPath,
          name: edit.name,
          property,
          role,
          action: 'restore' as const,
          reason: 'our-value-stands',
          old: shown(edit.before),
          new: shown(edit.after),
          before: packValue(edit.before),
          after: packValue(edit.after),
        })),
        ...kept.map(({ keyPath: key, name, property, role }) => {
          return { key, name, property, role, action: 'keep' as const, reason: 'changed-since', old: '' };
        }),
      ],
    };
  });
}

export function renderRestore(source: Source, plans: readonly RestorePlan[], style: Style, done: boolean): string {
  const lines = [style.heading(printable(source.label))];
  for (const { restored, kept } of plans) {
    for (const { edit, property, profile } of restored) {
      lines.push(`  Profile "${printable(profile.name)}", ${printable(describeProperty(property, edit.name))}`);
      lines.push(
        style.removed(`    - ${printable(shown(edit.before))}`),
        style.added(`    + ${printable(shown(edit.after))}`),
      );
    }
    for (const { name, property, profile } of kept) {
      const what = `  Profile "${printable(profile.name)}", ${printable(describeProperty(property, name))}`;
      lines.push(style.warning(`${what}: changed by something else since; left as it is`));
    }
    const verb = done ? 'restored and read again' : 'to restore';
    lines.push(`  ${count(restored.length, 'value')} ${verb}, ${kept.length} left as they are`);
  }
  return `${lines.join('\n')}\n`;
}

function shown(value: RegistryValue | undefined): string {
  if (!value) return '(absent)';
  const list = CHANGEABLE_VALUES.get(value.name.toLowerCase())?.type === PropType.MV_STRING8;
  if (!list) return value.data.toString('utf16le').replace(/\0+$/, '');
  const items = readMultiString(value.data)?.items ?? [];
  return items.map((item) => item.toString('latin1')).join(', ');
}
