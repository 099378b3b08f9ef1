// Makes a plan's changes one after the other, each as one guarded operation, and looks at each entry afterwards on the same controller.
// It stops at the first that fails; what was made until then is told, so that exactly that can be undone.

import type { GuardedChange } from '../ldap/change.ts';
import type { ForestDomain } from '../ldap/exchange-organization.ts';
import type { DirectoryWriter, WriteOutcome, WriteRefusal } from '../ldap/writer.ts';
import { failureText } from './failure-text.ts';

export interface CarriedOut {
  readonly done: readonly GuardedChange[];
  /** Why it stopped; undefined when everything was made. */
  readonly failure:
    | { readonly refusal: WriteRefusal; readonly text: string; readonly change: GuardedChange }
    | undefined;
}

/** Refusals after which the administrator is shown what the entry holds. */
const LOOKED_AT: ReadonlySet<WriteRefusal> = new Set(['lost-race', 'overwritten']);

export async function carryOut(
  writer: DirectoryWriter,
  changes: readonly GuardedChange[],
  domains: readonly ForestDomain[],
  onDone?: (change: GuardedChange) => void,
): Promise<CarriedOut> {
  const done: GuardedChange[] = [];
  for (const change of changes) {
    const outcome = await make(writer, change);
    if (outcome.outcome === 'failed') {
      const refusal = outcome.refusal;
      const standing = LOOKED_AT.has(refusal) ? await standingValues(writer, change) : undefined;
      const where = { url: writer.url, account: writer.account, domains };
      const text = failureText({ change, refusal, message: outcome.message, standing, ...where });
      return { done, failure: { refusal, text, change } };
    }
    done.push(change);
    onDone?.(change);
  }
  return { done, failure: undefined };
}

/** One change, judged by what the entry looks like afterwards. */
async function make(writer: DirectoryWriter, change: GuardedChange): Promise<WriteOutcome> {
  const outcome = await writer.apply(change);
  try {
    if (outcome.outcome === 'failed' && outcome.refusal === 'unknown') {
      await writer.reconnect();
      if (await writer.stands(change)) return { outcome: 'done' };
      const message = `${outcome.message}; a second look at the entry shows that nothing was written: the command may be repeated`;
      return { outcome: 'failed', refusal: 'refused', message };
    }
    if (outcome.outcome === 'failed' && outcome.refusal === 'lost-race' && change.change === 'modify') {
      return (await expectedStands(writer, change)) ? { ...outcome, refusal: 'schema' } : outcome;
    }
    if (outcome.outcome === 'done' && !(await writer.stands(change))) {
      return { outcome: 'failed', refusal: 'overwritten', message: 'the entry does not show it' };
    }
    return outcome;
  } catch (error) {
    const message = `${outcome.outcome === 'failed' ? outcome.message : 'sent'}; reading back: ${(error as Error).message}`;
    return { outcome: 'failed', refusal: 'unknown', message };
  }
}

/** Controllers answer an attribute they do not know like a lost race; if the expected values still stand, it was none. */
async function expectedStands(
  writer: DirectoryWriter,
  change: Extract<GuardedChange, { change: 'modify' }>,
): Promise<boolean> {
  const names = change.modifications.map(({ name }) => name);
  const entry = await writer.read(change.dn, names, names);
  if (!entry) return false;
  return names.every((name) => {
    const of = (operation: 'add' | 'delete') =>
      change.modifications
        .filter((one) => one.operation === operation && one.name === name)
        .flatMap(({ values }) => values);
    const present = entry.manyBytes(name);
    const has = (value: Buffer) => present.some((one) => one.equals(value));
    const gone = of('delete');
    return (
      gone.every(has) &&
      !of('add').some((value) => has(value) && !gone.some((old) => old.equals(value))) &&
      (gone.length > 0 || present.length === 0)
    );
  });
}

async function standingValues(writer: DirectoryWriter, change: GuardedChange): Promise<string[] | undefined> {
  try {
    if (change.change === 'modify') {
      const names = [...new Set(change.modifications.map(({ name }) => name))];
      const entry = await writer.read(change.dn, names);
      return entry && names.flatMap((name) => entry.many(name).map((value) => `${name}: ${value}`));
    }
    const found = await writer.readWritable(change.dn);
    return found?.flatMap(({ name, values }) => values.map((value) => `${name}: ${value.toString('utf8')}`));
  } catch (error) {
    return [`(could not be read: ${(error as Error).message})`];
  }
}
