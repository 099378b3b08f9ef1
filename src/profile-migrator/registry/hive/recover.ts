// A dirty hive and its logs become the hive Windows would load: in memory only. Without logs that apply, the hive stays what it
// is and is called stale, because the newest changes of its user are missing from it.
import {
  BASE_BLOCK_HEAD,
  BASE_BLOCK_SIZE,
  changeBaseBlock,
  HIVE_FILE_TYPE,
  hasBaseBlockSignature,
  isDirty,
  nextSequence,
  readBaseBlock,
} from './base-block.ts';
import { applyDirtyVector, type DirtyVectorLog, readDirtyVectorLog } from './dirty-vector-log.ts';
import { HIVE_LIMITS } from './limits.ts';
import { type EntryLog, type LogEntry, readEntryLog } from './log-entries.ts';

/** A log file found beside a hive. */
export interface HiveLog {
  readonly name: string;
  readonly bytes: Buffer;
}

export type Recovery =
  /** Both sequence numbers agree: logs are of no interest. */
  | { readonly state: 'clean'; readonly bytes: Buffer }
  /** `bytes` holds the changes of `applied` log entries (old format: pages) from the logs named. */
  | { readonly state: 'recovered'; readonly bytes: Buffer; readonly applied: number; readonly logs: readonly string[] }
  /** Dirty, and no log applies; `reason` says why. */
  | { readonly state: 'stale'; readonly bytes: Buffer; readonly reason: string };

/** Never changes `hive`; a recovered result is a copy. */
export function recoverHive(hive: Buffer, logs: readonly HiveLog[]): Recovery {
  if (hive.length < BASE_BLOCK_HEAD) return { state: 'clean', bytes: hive }; // the reader refuses it
  const hasBase = hasBaseBlockSignature(hive);
  const base = hasBase ? readBaseBlock(hive) : undefined;
  if (base !== undefined && !isDirty(base)) return { state: 'clean', bytes: hive };
  const entryLogs = logs.flatMap(({ name, bytes }) => withName(name, readEntryLog(bytes)));
  const vectorLogs = logs.flatMap(({ name, bytes }) => withName(name, readDirtyVectorLog(bytes)));
  const reasons: string[] = [];
  if (logs.length === 0) reasons.push('there is no log file beside it');
  else if (entryLogs.length + vectorLogs.length === 0) reasons.push('its log files hold nothing usable');
  const baseOk = base?.checksumOk === true ? base : undefined;
  if (entryLogs.length > 0) {
    const done = applyEntryLogs(hive, baseOk, entryLogs);
    if (typeof done !== 'string') return done;
    reasons.push(done);
  }
  if (vectorLogs.length > 0) {
    const done = applyVectorLogs(hive, baseOk, vectorLogs);
    if (typeof done !== 'string') return done;
    reasons.push(done);
  }
  return { state: 'stale', bytes: hive, reason: reasons.join('; ') };
}

type Named<T> = T & { readonly name: string };
type HiveBase = ReturnType<typeof readBaseBlock>;

function withName<T>(name: string, log: T | undefined): Named<T>[] {
  return log === undefined ? [] : [{ ...log, name }];
}

function applyEntryLogs(hive: Buffer, base: HiveBase | undefined, logs: Named<EntryLog>[]): Recovery | string {
  const ordered = logs
    .filter(({ entries }) => entries.length > 0)
    .sort((a, b) => (a.entries[0]?.sequence ?? 0) - (b.entries[0]?.sequence ?? 0));
  const newest = ordered.at(-1);
  if (newest === undefined) return 'its log files hold no complete entry';
  // With a damaged base block the log's copy says where the hive stood when the log was begun.
  let expected = base?.secondarySequence ?? newest.base.primarySequence;
  const chosen: LogEntry[] = [];
  const used = new Set<string>();
  for (const log of ordered) {
    for (const entry of log.entries) {
      if (entry.sequence < log.base.primarySequence || entry.sequence < expected) continue;
      if (entry.sequence !== expected) {
        if (chosen.length > 0) break;
        return `its newest change has number ${expected}, the log ${log.name} begins at ${entry.sequence}: changes in between are missing`;
      }
      chosen.push(entry);
      used.add(log.name);
      expected = nextSequence(entry.sequence);
    }
  }
  const last = chosen.at(-1);
  if (last === undefined) return `the entries of its logs are older than the hive (${expected})`;
  const largest = chosen.reduce((size, entry) => Math.max(size, entry.binsSize), 0);
  if (BASE_BLOCK_SIZE + largest > HIVE_LIMITS.fileBytes)
    return `its log grows it beyond ${HIVE_LIMITS.fileBytes} bytes`;
  const bytes = Buffer.alloc(Math.max(hive.length, BASE_BLOCK_SIZE + largest));
  hive.copy(bytes);
  if (base === undefined) newest.head.copy(bytes);
  for (const entry of chosen) {
    for (const page of entry.pages) page.data.copy(bytes, BASE_BLOCK_SIZE + page.offset);
  }
  const sequence = nextSequence(last.sequence);
  changeBaseBlock(bytes, {
    primarySequence: sequence,
    secondarySequence: sequence,
    binsSize: last.binsSize,
    fileType: HIVE_FILE_TYPE.PRIMARY,
  });
  return { state: 'recovered', bytes, applied: chosen.length, logs: [...used] };
}

function applyVectorLogs(hive: Buffer, base: HiveBase | undefined, logs: Named<DirtyVectorLog>[]): Recovery | string {
  const fitting = logs.filter((log) => base === undefined || log.base.lastWritten === base.lastWritten);
  if (fitting.length === 0) return 'its log files belong to another time than the hive';
  const newest = fitting.reduce((a, b) => (b.base.primarySequence > a.base.primarySequence ? b : a));
  const rivals = fitting.filter((log) => log.base.primarySequence === newest.base.primarySequence);
  const sequence = nextSequence(newest.base.primarySequence);
  const results = rivals.map((log) => {
    const bytes = applyDirtyVector(hive, log);
    changeBaseBlock(bytes, {
      primarySequence: sequence,
      secondarySequence: sequence,
      fileType: HIVE_FILE_TYPE.PRIMARY,
    });
    return bytes;
  });
  const [bytes, ...others] = results;
  if (bytes === undefined || others.some((other) => !other.equals(bytes))) {
    return `its log files ${rivals.map(({ name }) => name).join(' and ')} contradict each other`;
  }
  return { state: 'recovered', bytes, applied: newest.pages.length, logs: [newest.name] };
}
