// What is left to do of an undo file: a command that broke off leaves a file whose last change may never have been made.

import type { GuardedChange } from '../ldap/change.ts';
import type { DirectoryWriter } from '../ldap/writer.ts';
import { makePlan, type Plan } from './plan.ts';

/** The changes of the file that do not stand yet, in its order. */
export async function planUndo(
  writer: DirectoryWriter,
  file: string,
  changes: readonly GuardedChange[],
): Promise<Plan> {
  const left: GuardedChange[] = [];
  const warnings: string[] = [];
  for (const change of changes) {
    if (await writer.stands(change)) warnings.push(`${change.dn} is already as the file would leave it`);
    else left.push(change);
  }
  return makePlan({ title: `undo ${file}`, changes: left, warnings });
}
