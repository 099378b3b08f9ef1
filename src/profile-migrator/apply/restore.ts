// Rollback as a plan: from the results of earlier runs and the registry as it is now to the edits that bring the original values
// back. A value is restored only where ours still stands. Pure.
import type { RegistryPatch, RegistrySnapshot, RegistryValue, ValueEdit } from '../registry/registry.ts';
import { foldName, sameValue } from '../registry/registry.ts';
import type { ResultLine } from '../result-line.ts';
import { unpackValue } from './journal.ts';
import { currentValue } from './protocol.ts';

/** One value once changed, or written down to be changed. */
interface PastEdit extends ValueEdit {
  readonly property: string;
  readonly role: string;
  /** Whether it is known to have been carried out; the others may or may not have been imported by somebody. */
  readonly proved: boolean;
  /** Whether it was itself a rollback: then nothing of ours is left to take back. */
  readonly restored: boolean;
}

/** The profile as the result of the apply described it. */
export type PastProfile = NonNullable<ResultLine['profile']>;

export interface RestoredValue {
  readonly edit: ValueEdit;
  readonly property: string;
  readonly role: string;
  readonly profile: PastProfile;
}

export interface KeptValue {
  readonly keyPath: string;
  readonly name: string;
  readonly property: string;
  readonly role: string;
  readonly profile: PastProfile;
}

export interface RestorePlan {
  readonly patch: RegistryPatch;
  readonly restored: readonly RestoredValue[];
  /** Values we changed that hold something else now. */
  readonly kept: readonly KeptValue[];
  /** Whether the earlier results say anything about this user's registry. */
  readonly known: boolean;
}

/** `history`: the result lines of all earlier runs over the source, oldest first. */
export function planRestore(snapshot: RegistrySnapshot, history: readonly ResultLine[]): RestorePlan {
  const own = history.filter(({ root }) => root !== null && foldName(root) === foldName(snapshot.rootPath));
  const pasts = new Map<string, { profile: PastProfile; edits: PastEdit[] }>();
  for (const line of own) {
    const { profile } = line;
    if (!profile) continue;
    for (const edit of editsOfLine(line)) {
      const id = foldName(`${edit.keyPath}\\${edit.name}`);
      const past = pasts.get(id) ?? { profile, edits: [] };
      past.edits.push(edit);
      pasts.set(id, past);
    }
  }
  const restored: RestoredValue[] = [];
  const kept: KeptValue[] = [];
  for (const { profile, edits } of pasts.values()) {
    const last = edits.at(-1);
    if (!last) continue;
    const { keyPath, name, property, role } = last;
    const before = currentValue(snapshot, last);
    const original = originalOf(before, edits);
    if (original.ours && !sameValue(original.value, before)) {
      const after = original.value && { ...original.value, name: before?.name ?? name };
      restored.push({ edit: { keyPath, name: before?.name ?? name, before, after }, property, role, profile });
    } else if (!original.ours && !last.restored && !edits.some((edit) => sameValue(edit.before, before))) {
      kept.push({ keyPath, name, property, role, profile });
    }
  }
  const patch = { rootPath: snapshot.rootPath, edits: restored.map(({ edit }) => edit) };
  return { patch, restored, kept, known: pasts.size > 0 };
}

/**
 * Follows the chain of edits back from the value as it is now. A proved edit that does not lead to it ends the chain: since then
 * somebody else has written the value. An edit that was only written down may never have been imported and is passed over.
 */
function originalOf(
  current: RegistryValue | undefined,
  edits: readonly PastEdit[],
): { ours: boolean; value: RegistryValue | undefined } {
  let value = current;
  let ours = false;
  for (const edit of edits.toReversed()) {
    if (sameValue(edit.after, value)) {
      value = edit.before;
      ours = true;
    } else if (edit.proved) {
      break;
    }
  }
  return { ours, value };
}

const PROVED: ReadonlySet<ResultLine['outcome']> = new Set(['changed', 'restored']);
const WRITTEN_DOWN: ReadonlySet<ResultLine['outcome']> = new Set(['planned', 'deferred']);

function editsOfLine({ outcome, values }: ResultLine): PastEdit[] {
  if (!PROVED.has(outcome) && !WRITTEN_DOWN.has(outcome)) return [];
  return values.flatMap(({ key, name, property, role, before, after }) => {
    if (before === undefined || after === undefined) return [];
    const edit = { keyPath: key, name, before: unpackValue(name, before), after: unpackValue(name, after) };
    return [{ ...edit, property, role, proved: PROVED.has(outcome), restored: outcome === 'restored' }];
  });
}
