// A plan as files: the change, its inverse for an import by hand, and the result lines that rollback works from.

import { UsageError } from '../errors.ts';
import { invertPatch } from '../registry/patch.ts';
import { entriesOfPatch, type RegEntry } from '../registry/reg-file.ts';
import { renderRegFile } from '../registry/reg-file-writer.ts';
import type { RegistryPatch } from '../registry/registry.ts';
import { type ResultLine, renderResultLine } from '../result-line.ts';
import { type OutputFile, openOutput } from './output-folder.ts';
import type { SourcePlan } from './plan-source.ts';

/** A source with nothing to change, or known to be out of date, gets only the result. Answers the files' paths. */
export async function writePlan(
  { source, roots, stale }: SourcePlan,
  lines: readonly ResultLine[],
  folder: string,
  asHkcu: boolean,
): Promise<string[]> {
  const output = await openOutput(folder, source.name);
  const patches = roots.map(({ plan }) => plan.patch).filter(({ edits }) => edits.length > 0);
  const files: OutputFile[] = [];
  if (patches.length > 0 && stale === undefined) {
    if (asHkcu && patches.length > 1) {
      const users = patches.map(({ rootPath }) => rootPath).join(', ');
      throw new UsageError('option', `--as-hkcu: ${source.label} holds the registries of several users (${users})`);
    }
    files.push({ kind: 'undo.reg', data: renderPatches(patches.map(invertPatch), asHkcu) });
    files.push({ kind: 'patch.reg', data: renderPatches(patches, asHkcu) });
  }
  return output.writeAll([...files, { kind: 'result.jsonl', data: lines.map(renderResultLine).join('') }]);
}

/** A result alone, under a name of its own. */
export async function writeResult(folder: string, name: string, lines: readonly ResultLine[]): Promise<void> {
  await (await openOutput(folder, name)).write('result.jsonl', lines.map(renderResultLine).join(''));
}

export function renderPatches(patches: readonly RegistryPatch[], asHkcu: boolean): Buffer {
  const entries: RegEntry[] = patches.flatMap((patch) =>
    entriesOfPatch(asHkcu ? { ...patch, rootPath: 'HKEY_CURRENT_USER' } : patch),
  );
  return renderRegFile(entries);
}
