// `report`: the results of any number of desktops and hives on one page.
import { open, unlink } from 'node:fs/promises';
import { Command } from 'commander';
import { RegistryError, UsageError } from '../errors.ts';
import type { Outcome } from '../exit-codes.ts';
import { FleetBuilder } from '../report/fleet.ts';
import { renderCsv } from '../report/render-csv.ts';
import { renderHtml } from '../report/render-html.ts';
import { renderTable } from '../report/render-table.ts';
import { findResultFiles, readLines } from '../report/result-files.ts';
import { needsPerson, totalsOf } from '../report/totals.ts';
import type { MigratorDeps } from './deps.ts';
import { printable } from './style.ts';
import { describeOutlook } from './wording.ts';

export interface ReportOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly csv?: string;
  readonly html?: string;
  readonly title: string;
}

export function reportCommand(deps: MigratorDeps, run: (work: () => Promise<Outcome[]>) => Promise<void>): Command {
  return new Command('report')
    .description('add up the results of any number of desktops and hives')
    .argument('<path...>', 'result files (JSON lines), or folders of *.jsonl at any depth')
    .optionsGroup('Output:')
    .option('--csv <file>', 'one row for each profile, for a spreadsheet')
    .option('--html <file>', 'one page with charts that needs no network')
    .option('--title <text>', 'heading of the page', 'Outlook profiles and CAS arrays')
    .option('--json', 'totals and the list of what needs a person as JSON instead of a table')
    .option('--quiet', 'print errors only')
    .addHelpText(
      'after',
      '\nThe newest result of each profile counts. Lines that cannot be read are listed and make the run end with 1.\n',
    )
    .action((paths: string[], options: ReportOptions) => run(() => report(paths, options, deps)));
}

export async function report(paths: readonly string[], options: ReportOptions, deps: MigratorDeps): Promise<Outcome[]> {
  const files = await findResultFiles(paths);
  if (files.length === 0) throw new UsageError('option', `no *.jsonl file in ${paths.join(', ')}`);
  const builder = new FleetBuilder();
  for (const file of files) {
    builder.countFile();
    for await (const line of readLines(file)) builder.add(line);
  }
  const fleet = builder.finish();
  const totals = totalsOf(fleet);
  if (options.csv !== undefined) await writeReport(options.csv, renderCsv(fleet));
  if (options.html !== undefined)
    await writeReport(options.html, renderHtml(fleet, totals, options.title, describeOutlook));
  if (options.json) {
    const people = fleet.entries.filter(needsPerson);
    const { files: read, lines, inspections, unreadable, problems } = fleet;
    const answer = { version: 1, ...totals, read: { files: read, lines, inspections, unreadable }, problems, people };
    deps.stdout.write(`${JSON.stringify(answer)}\n`);
  } else if (!options.quiet) {
    deps.stdout.write(renderTable(fleet, totals, { outlook: describeOutlook, printable }));
    for (const path of [options.csv, options.html]) if (path !== undefined) deps.stdout.write(`wrote ${path}\n`);
  }
  if (options.json || options.quiet) {
    for (const { file, number, problem } of fleet.problems)
      deps.stderr.write(`${printable(file)}, line ${number}: not counted: ${printable(problem)}\n`);
  }
  return fleet.unreadable > 0 ? ['failed'] : ['done'];
}

const WRITE_BYTES = 256 * 1024;

/** Nothing that exists is overwritten. */
async function writeReport(path: string, parts: Iterable<string>): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      let waiting = '';
      for (const part of parts) {
        waiting += part;
        if (waiting.length < WRITE_BYTES) continue;
        await file.appendFile(waiting);
        waiting = '';
      }
      await file.appendFile(waiting);
    } catch (cause) {
      await unlink(path).catch(() => {});
      throw cause;
    } finally {
      await file.close();
    }
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw new RegistryError(
      exists ? 'already-exists' : 'write-failed',
      `cannot write ${path}: ${(cause as Error).message}`,
      { cause },
    );
  }
}
