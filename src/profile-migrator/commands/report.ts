// `report`: the results of any number of desktops and hives on one page.
import { lstat, open, unlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { RegistryError, UsageError } from '../errors.ts';
import type { Outcome } from '../exit-codes.ts';
import { type Fleet, FleetBuilder, placeOf } from '../report/fleet.ts';
import { renderCsv } from '../report/render-csv.ts';
import { renderHtml } from '../report/render-html.ts';
import { renderTable } from '../report/render-table.ts';
import { findResultFiles, readLines } from '../report/result-files.ts';
import { needsPerson, type Totals, totalsOf } from '../report/totals.ts';
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
  await checkTargets(options);
  const fleet = await readFleet(paths);
  const totals = totalsOf(fleet);
  const written = await writeReports(fleet, totals, options);
  if (options.json) {
    const people = fleet.entries.filter(needsPerson);
    const { files: read, lines, inspections, unreadable, problems } = fleet;
    const answer = { version: 1, ...totals, read: { files: read, lines, inspections, unreadable }, problems, people };
    deps.stdout.write(`${JSON.stringify(answer)}\n`);
  } else if (!options.quiet) {
    deps.stdout.write(renderTable(fleet, totals, { outlook: describeOutlook, printable }));
    for (const path of written) deps.stdout.write(`wrote ${printable(path)}\n`);
  }
  if (options.json || options.quiet) {
    for (const found of fleet.problems)
      deps.stderr.write(`${printable(placeOf(found))}: not counted: ${printable(found.problem)}\n`);
  }
  return fleet.unreadable > 0 ? ['failed'] : ['done'];
}

/** What could not be written is told before thousands of files are read. */
async function checkTargets({ csv, html }: ReportOptions): Promise<void> {
  if (csv !== undefined && html !== undefined && resolve(csv) === resolve(html))
    throw new UsageError('option', `--csv and --html name the same file, ${csv}`);
  for (const path of [csv, html]) {
    if (path === undefined) continue;
    const exists = await lstat(path).then(
      () => true,
      () => false,
    );
    if (exists) throw new RegistryError('already-exists', `cannot write ${path}: it exists, and is not overwritten`);
  }
}

/** One bad file of ten thousand must not cost the report on the others. */
async function readFleet(paths: readonly string[]): Promise<Fleet> {
  const builder = new FleetBuilder();
  const { files, unreadable } = await findResultFiles(paths);
  if (files.length + unreadable.length === 0) throw new UsageError('option', `no *.jsonl file in ${paths.join(', ')}`);
  for (const { path, reason } of unreadable) builder.addUnreadable(path, `cannot read it: ${reason}`);
  for (const file of files) {
    builder.countFile();
    try {
      for await (const line of readLines(file)) builder.add(line);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'source-unreadable') throw error;
      builder.addUnreadable(file, error.message);
    }
  }
  return builder.finish();
}

/** Writes what was asked for, all of it or nothing. Answers the paths. */
async function writeReports(fleet: Fleet, totals: Totals, { csv, html, title }: ReportOptions): Promise<string[]> {
  const written: string[] = [];
  const write = async (path: string | undefined, parts: () => Iterable<string>) => {
    if (path === undefined) return;
    await writeReport(path, parts());
    written.push(path);
  };
  try {
    await write(csv, () => renderCsv(fleet));
    await write(html, () => renderHtml(fleet, totals, title, describeOutlook));
    return written;
  } catch (error) {
    for (const path of written) await unlink(path).catch(() => {});
    throw error;
  }
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
