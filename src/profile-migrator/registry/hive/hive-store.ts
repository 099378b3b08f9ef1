// An offline hive (NTUSER.DAT, NTUSER.MAN) as a registry store: its root is its owner's HKEY_CURRENT_USER.
import { RegistryError } from '../../errors.ts';
import type { RegistryPatch, RegistrySnapshot } from '../registry.ts';
import type { RegistryStore } from '../store.ts';
import { isDirty, readBaseBlock } from './base-block.ts';
import type { AttributeCopier } from './copy-attributes.ts';
import { bytesToEdit, editHive } from './edit-hive.ts';
import { HiveImage } from './hive-image.ts';
import { lockHive } from './hive-lock.ts';
import { type HiveLogFile, readLogsBeside } from './hive-logs.ts';
import { HiveMemory, type TakeBuffer } from './hive-memory.ts';
import { HIVE_LIMITS } from './limits.ts';
import { loadKeys } from './load-keys.ts';
import { type HiveFile, readHiveFile, sizeOf } from './read-hive-file.ts';
import { recoverHive } from './recover.ts';
import { type Replacement, type ReplaceStep, replaceHive } from './replace-hive.ts';
import { surveyHive } from './survey.ts';

/** One bound for all hives of the process. */
const memory = new HiveMemory();

const HIVE_ROOT_PATH = 'HKEY_CURRENT_USER';

/** How a hive was found. `stale`: dirty, and its newest changes cannot be had; it is read but never written. */
export interface HiveCondition {
  readonly state: 'clean' | 'recovered' | 'stale';
  /** `1.3` to `1.6`. */
  readonly version: string;
  readonly fileBytes: number;
  /** For people: what was recovered from where, or why the hive is stale. Empty for a clean hive. */
  readonly detail: string;
}

export interface HiveStoreOptions {
  readonly path: string;
  readonly now?: () => Date;
  /** Wait for the disk at every step that needs it (default). */
  readonly durable?: boolean;
  readonly onStep?: (step: ReplaceStep) => void;
  /** Shared by the stores of one run over many hives. */
  readonly copier?: AttributeCopier;
}

export interface HiveStore extends RegistryStore {
  /** Of the last load; undefined before the first. */
  condition(): HiveCondition | undefined;
  /** Of the last commit: where the original is kept. */
  replacement(): Replacement | undefined;
}

export function createHiveStore(options: HiveStoreOptions): HiveStore {
  const { path } = options;
  let condition: HiveCondition | undefined;
  let replacement: Replacement | undefined;
  return {
    describe: () => path,
    atomic: true,
    condition: () => condition,
    replacement: () => replacement,
    async load(subtrees): Promise<RegistrySnapshot> {
      return memory.hold(await sizeOf(path), async (take) => {
        const opened = await openHive(path, take);
        condition = opened.condition;
        // Names and data are copies: nothing that is handed out refers to the hive's bytes.
        return naming(path, () => ({ rootPath: HIVE_ROOT_PATH, root: loadKeys(opened.image, subtrees) }));
      });
    },
    async commit(patch) {
      const unlock = await lockHive(path);
      try {
        const size = await sizeOf(path);
        replacement = await memory.hold(size + bytesToEdit(size), async (take) => {
          const opened = await openHive(path, take);
          condition = opened.condition;
          return commitTo(opened, patch, options, take);
        });
      } finally {
        await unlock();
      }
      return 'committed';
    },
  };
}

interface OpenHive {
  readonly file: HiveFile;
  readonly image: HiveImage;
  readonly logs: readonly HiveLogFile[];
  readonly condition: HiveCondition;
}

async function openHive(path: string, take: TakeBuffer): Promise<OpenHive> {
  const file = await readHiveFile(path, HIVE_LIMITS.fileBytes, take);
  const needsLogs = naming(path, () => file.bytes.length < 512 || isDirty(readBaseBlock(file.bytes)));
  const logs = needsLogs ? await readLogsBeside(path) : [];
  return naming(path, () => {
    const recovery = recoverHive(file.bytes, logs);
    const image = new HiveImage(recovery.bytes);
    const version = `${image.base.major}.${image.base.minor}`;
    const fileBytes = file.bytes.length;
    const detail =
      recovery.state === 'recovered'
        ? `dirty; ${recovery.applied} pending changes recovered from ${recovery.logs.join(' and ')}`
        : recovery.state === 'stale'
          ? `dirty, its newest changes are missing: ${recovery.reason}`
          : '';
    return { file, image, logs, condition: { state: recovery.state, version, fileBytes, detail } };
  });
}

async function commitTo(
  opened: OpenHive,
  patch: RegistryPatch,
  options: HiveStoreOptions,
  take: TakeBuffer,
): Promise<Replacement> {
  const { path } = options;
  if (opened.condition.state === 'stale') {
    throw new RegistryError(
      'hive-dirty',
      `cannot change ${path}: the hive is ${opened.condition.detail}; writing it would lose them. Put its .LOG files beside it, or let the user log on and off once`,
    );
  }
  const now = options.now?.() ?? new Date();
  const { survey, after } = naming(path, () => {
    const found = surveyHive(opened.image);
    return { survey: found, after: editHive(opened.image, patch, now, { survey: found, take }) };
  });
  return replaceHive({
    path,
    original: opened.file,
    before: opened.image,
    after,
    survey,
    patch,
    recoveredLogs: opened.condition.state === 'recovered' ? opened.logs.map((log) => log.path) : [],
    stamp: now.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, ''),
    durable: options.durable ?? true,
    onStep: options.onStep,
    copier: options.copier,
  });
}

/** Errors of the pure parts name offsets and keys; the file is added here. */
function naming<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof RegistryError) throw new RegistryError(cause.code, `${path}: ${cause.message}`, { cause });
    throw cause;
  }
}
