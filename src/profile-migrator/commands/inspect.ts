// `inspect`: the profiles, their accounts and the servers they name. Reads only, decides nothing.
import { Command } from 'commander';
import type { Outcome } from '../exit-codes.ts';
import { readProfiles } from '../mapi/profile.ts';
import type { ResultLine } from '../result-line.ts';
import type { MigratorDeps } from './deps.ts';
import { findSources } from './find-sources.ts';
import {
  addSourceOptions,
  type OutputOptions,
  type SelectionOptions,
  type SourceOptions,
  selectionOf,
} from './options.ts';
import { selectProfiles } from './plan-source.ts';
import { inspectionLines, renderInspection } from './render-inspect.ts';
import { runSources } from './run-sources.ts';

type InspectOptions = SourceOptions & SelectionOptions & OutputOptions;

export function inspectCommand(deps: MigratorDeps, run: (work: () => Promise<Outcome[]>) => Promise<void>): Command {
  return addSourceOptions(
    new Command('inspect').description('show the profiles, their accounts and the servers they name'),
  )
    .optionsGroup('Output:')
    .option('--json', 'one line of JSON for each profile instead of text')
    .option('--quiet', 'print errors only')
    .option('--log <file>', 'append one line for each event')
    .action((options: InspectOptions) => run(() => inspect(options, deps)));
}

export async function inspect(options: InspectOptions, deps: MigratorDeps): Promise<Outcome[]> {
  const sources = await findSources(options, deps);
  return runSources(sources, 'inspect', options, deps, async (source, { line, style }) => {
    const content = await source.read();
    const found = content.snapshots.map((snapshot) => ({
      snapshot,
      profiles: selectProfiles(readProfiles(snapshot), selectionOf(options)),
    }));
    return {
      lines: found.flatMap(({ snapshot, profiles }) =>
        inspectionLines(source, snapshot, profiles, line).map((found) => withStale(found, content.stale)),
      ),
      text: renderInspection(source, content, found, style),
      outcomes: [],
    };
  });
}

function withStale(line: ResultLine, stale: string | undefined): ResultLine {
  if (stale === undefined) return line;
  const message = `the hive is ${stale}`;
  return { ...line, error: { code: 'hive-dirty', message }, attention: [...line.attention, message] };
}
