// `--resume`: after an interruption, sources that the folder of results shows as finished are not done again.
import { readIfThere } from '../apply/state-files.ts';
import { UsageError } from '../errors.ts';
import { parseResultLine, type ResultLine } from '../result-line.ts';
import type { MigratorDeps } from './deps.ts';
import type { OutputOptions } from './options.ts';
import { resultsIn } from './output-folder.ts';
import { isAbout, type Source } from './source.ts';

/** The sources that still have to be done. @throws UsageError `option` without `--out`. */
export async function unfinished(
  sources: readonly Source[],
  command: ResultLine['command'],
  options: OutputOptions,
  deps: MigratorDeps,
): Promise<Source[]> {
  if (!options.resume) return [...sources];
  const { out } = options;
  if (out === undefined)
    throw new UsageError('option', '--resume needs --out FOLDER, where the results of the first run lie');
  const open: Source[] = [];
  for (const source of sources) {
    if (!(await isFinished(source, command, out))) open.push(source);
  }
  const done = sources.length - open.length;
  if (!options.quiet) deps.stderr.write(`${done} of ${sources.length} sources are finished already\n`);
  return open;
}

/** The newest run over the source, if any. A stem may also be that of another source whose name has a number. */
async function isFinished(source: Source, command: ResultLine['command'], folder: string): Promise<boolean> {
  for (const path of (await resultsIn(folder, source.name)).reverse()) {
    let lines: ResultLine[];
    try {
      const rows = ((await readIfThere(path)) ?? '').split('\n').filter((row) => row !== '');
      lines = rows.map((row, i) => parseResultLine(row, `${path}, line ${i + 1}`));
    } catch {
      // Unreadable, cut off, or of another version: whatever it was about is looked at again, which does no harm.
      return false;
    }
    // The same name below another folder is another hive.
    const own = lines.filter((line) => isAbout(line, source));
    if (own.length > 0) return own.every((line) => line.command === command && line.outcome !== 'failed');
  }
  return false;
}
