// What is left to do of an undo file: a command that broke off leaves a file whose last change may never have been made.

import type { GuardedChange } from '../ldap/change.ts';
import { isWithin, parseDn } from '../ldap/distinguished-name.ts';
import type { ControllerSession } from './controller-session.ts';
import { AdminError } from './errors.ts';
import { makePlan, type Plan } from './plan.ts';
import type { UndoFile } from './undo-file.ts';
import { undoWarnings } from './undo-rules.ts';

/** The changes of the file that do not stand yet, in its order. Throws AdminError `configuration` for a file of another forest, `rule`. */
export async function planUndo({ writer, index }: ControllerSession, path: string, file: UndoFile): Promise<Plan> {
  const { configurationNamingContext } = index.organization.rootDse;
  const configuration = parseDn(configurationNamingContext);
  const foreign = file.changes.find(({ dn }) => !isWithin(parseDn(dn), configuration));
  if (foreign) {
    throw new AdminError(
      'configuration',
      `undoing ${path}: ${foreign.dn} is not in ${configurationNamingContext}, which is all that this program writes in the forest of ${writer.url}: is the file of another forest?`,
    );
  }
  const left: GuardedChange[] = [];
  const warnings: string[] = [];
  for (const change of file.changes) {
    if (await writer.stands(change)) warnings.push(`${change.dn} is already as the file would leave it`);
    else left.push(change);
  }
  const { madeOn } = file;
  // Elsewhere the change may not have arrived, and would arrive after this look at it.
  if (warnings.length > 0 && madeOn !== undefined && madeOn !== writer.url) {
    warnings.push(
      `the change was made on ${madeOn}; it may not have replicated to ${writer.url} yet. To undo it where it was made: --controller ${madeOn}`,
    );
  }
  warnings.push(...left.flatMap((change) => undoWarnings(change, index)));
  return makePlan({ title: `undo ${path}`, changes: left, warnings });
}
