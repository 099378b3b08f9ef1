// Applying a plan to a registry that this program changes itself: lock, recovery of an interrupted run, plan, pre-check, protocol.
import { join } from 'node:path';
import { carryOut } from '../apply/carry-out.ts';
import { readJournal } from '../apply/journal.ts';
import { lockSource } from '../apply/lock.ts';
import type { Protocol } from '../apply/protocol.ts';
import { type Recovery, recover } from '../apply/recover.ts';
import { RegistryError } from '../errors.ts';
import type { RegistryPatch } from '../registry/registry.ts';
import type { ResultLine } from '../result-line.ts';
import type { MigratorDeps } from './deps.ts';
import { type OutputKind, openOutput } from './output-folder.ts';
import { type ChangeableAccess, isAbout, type Source } from './source.ts';

export interface ChangeOptions {
  readonly out?: string;
  readonly wait?: number;
  readonly assumeOutlookClosed?: true;
  /** Results and journals count whatever path their file had. */
  readonly moved?: true;
}

/** What one run does to a store, between the lock and its release. */
export interface StoreRun {
  readonly protocol: Protocol;
  readonly folder: string;
  readonly recovery: Recovery | undefined;
}

/** Takes the lock, settles what an interrupted run left, then runs `work`. */
export async function withStore<T>(
  source: Source & { readonly access: ChangeableAccess },
  options: ChangeOptions,
  deps: MigratorDeps,
  work: (run: StoreRun) => Promise<T>,
): Promise<T> {
  const folder = options.out ?? deps.config.stateFolder;
  const release = await lockSource(join(folder, `${source.name}.lock`), source.label);
  try {
    const protocol: Protocol = {
      store: source.access.store,
      processes: source.access.processes,
      journalPath: join(folder, `${source.name}.journal.json`),
      sleep: deps.sleep,
      now: deps.now,
      waitSeconds: options.wait ?? 0,
      assumeClosed: options.assumeOutlookClosed ?? false,
      ...(deps.step ? { step: deps.step } : {}),
    };
    if (!options.moved) await requireOwnJournal(protocol.journalPath, source);
    const recovery = await recover(protocol);
    return await work({ protocol, folder, recovery });
  } finally {
    await release();
  }
}

/** @throws RegistryError `already-exists` when the journal is that of a file of the same name elsewhere. */
async function requireOwnJournal(path: string, source: Source): Promise<void> {
  const [line] = (await readJournal(path))?.lines ?? [];
  if (line === undefined || isAbout(line, source)) return;
  const advice = 'run over that first, or use another --out; where it is the same file, say --moved';
  throw new RegistryError(
    'already-exists',
    `cannot work on ${source.label}: ${path} is the journal of an interrupted run over ${line.source.label}; ${advice}`,
  );
}

export interface StoreChange {
  readonly kind: 'apply' | 'rollback';
  readonly patch: RegistryPatch;
  /** The results to keep when the change is done. */
  readonly lines: readonly ResultLine[];
  /** Files for people, by kind. */
  readonly files: readonly { readonly kind: OutputKind; readonly data: Buffer }[];
}

/** Carries out the change; its files and results get names of their own in the folder. @throws RegistryError, also when undone. */
export async function changeStore({ protocol, folder }: StoreRun, source: Source, change: StoreChange): Promise<void> {
  const output = await openOutput(folder, source.name);
  const outcome = await carryOut(protocol, {
    kind: change.kind,
    patch: change.patch,
    lines: change.lines,
    resultPath: output.pathOf('result.jsonl'),
    files: change.files.map(({ kind }) => output.pathOf(kind)),
    writeFiles: async () => {
      for (const { kind, data } of change.files) await output.write(kind, data);
    },
  });
  if (outcome.kind === 'undone') {
    throw new RegistryError('change-undone', `the change of ${source.label} was taken back: ${outcome.detail}`);
  }
}
