// The last question before a profile is pointed at a name: does anything answer there? Asked once for each target in a run.
import { RegistryError } from '../errors.ts';
import { decisionsOf, type MigrationPlan } from '../plan/plan-migration.ts';
import type { EndpointAnswer } from './deps.ts';

export interface PrecheckTarget {
  readonly host: string;
  /** Every account that moves there connects over RPC over HTTP, perhaps from where TCP 135 cannot be reached. */
  readonly onlyOverHttp: boolean;
}

export type Precheck = (plan: MigrationPlan) => Promise<string[]>;

/** The names that profiles would be pointed at. */
function precheckTargets(plan: MigrationPlan): PrecheckTarget[] {
  const targets = new Map<string, boolean>();
  for (const { accounts } of plan.profiles) {
    for (const { account, verdict, decisions } of accounts) {
      if (verdict.kind !== 'migrate') continue;
      const arrays = new Set([...verdict.mapping.values()].map(({ fqdn }) => fqdn.toLowerCase()));
      for (const { edit, new: name } of decisions) {
        const host = name?.toLowerCase() ?? '';
        if (edit && arrays.has(host)) targets.set(host, account.rpcOverHttp && (targets.get(host) ?? true));
      }
    }
  }
  return [...targets].map(([host, onlyOverHttp]) => ({ host, onlyOverHttp }));
}

/**
 * Answers warnings. @throws RegistryError `target-unreachable` when a profile would be pointed at something that does not answer.
 * `centrallyDecided`: the targets come from a policy or from Autodiscover, which vouches for them where 135 is out of reach.
 */
export function createPrecheck(ask: (host: string) => Promise<EndpointAnswer>, centrallyDecided: boolean): Precheck {
  const answers = new Map<string, Promise<EndpointAnswer>>();
  return async (plan) => {
    const warnings: string[] = [];
    for (const { host, onlyOverHttp } of precheckTargets(plan)) {
      const answer = answers.get(host) ?? ask(host);
      answers.set(host, answer);
      const { answers: reachable, detail } = await answer;
      if (reachable) continue;
      if (!onlyOverHttp || !centrallyDecided) {
        const advice = 'nothing was changed; try again, or skip the check with --no-precheck';
        throw new RegistryError(
          'target-unreachable',
          `${host} does not answer on the RPC endpoint mapper (${detail}); ${advice}`,
        );
      }
      warnings.push(
        `${host} does not answer from here (${detail}); its accounts connect over HTTP, so the policy is trusted`,
      );
    }
    return warnings;
  };
}

export function decidesNothing(plan: MigrationPlan): boolean {
  return !plan.profiles.some((profile) => decisionsOf(profile).some(({ edit }) => edit));
}
