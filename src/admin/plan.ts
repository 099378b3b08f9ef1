// What a command is about to write, before anything is written.

import { type GuardedChange, isEmpty } from '../ldap/change.ts';

export interface Plan {
  /** What is done, as one line: `create CAS array outlook.contoso.test`. */
  readonly title: string;
  /** In the order they are made; empty when everything is already as asked. */
  readonly changes: readonly GuardedChange[];
  /** What an administrator should think about before he agrees. */
  readonly warnings: readonly string[];
  /** What remains to be done elsewhere. */
  readonly notes: readonly string[];
}

/** A plan without the changes that would write nothing. */
export function makePlan(plan: Partial<Plan> & Pick<Plan, 'title' | 'changes'>): Plan {
  return { warnings: [], notes: [], ...plan, changes: plan.changes.filter((change) => !isEmpty(change)) };
}
