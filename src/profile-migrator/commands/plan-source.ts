// One source, read and planned: the part that inspect, plan and apply have in common.
import { type MapiProfile, readProfiles } from '../mapi/profile.ts';
import { type MigrationPlan, type PlanOptions, planMigration } from '../plan/plan-migration.ts';
import { foldName, type RegistrySnapshot } from '../registry/registry.ts';
import type { Source } from './source.ts';

/** Which profiles are looked at; empty lists mean all. */
export interface Selection {
  /** Whole names, without case. */
  readonly profiles: readonly string[];
  /** Office versions, such as `15.0`. */
  readonly outlooks: readonly string[];
}

/** Decides the targets for the accounts of these profiles; asked before planning because it may ask the network. */
export type Targeting = (profiles: readonly MapiProfile[]) => Promise<PlanOptions>;

export interface RootPlan {
  readonly snapshot: RegistrySnapshot;
  readonly plan: MigrationPlan;
}

export interface SourcePlan {
  readonly source: Source;
  readonly roots: readonly RootPlan[];
  readonly notes: readonly string[];
  readonly stale: string | undefined;
}

export function selectProfiles(profiles: readonly MapiProfile[], selection: Selection): MapiProfile[] {
  const names = new Set(selection.profiles.map(foldName));
  return profiles
    .filter(({ name }) => names.size === 0 || names.has(foldName(name)))
    .filter(({ tree }) => selection.outlooks.length === 0 || tree.office.some((v) => selection.outlooks.includes(v)));
}

export async function planSnapshot(
  snapshot: RegistrySnapshot,
  selection: Selection,
  targeting: Targeting,
): Promise<MigrationPlan> {
  const profiles = selectProfiles(readProfiles(snapshot), selection);
  return planMigration(snapshot, profiles, await targeting(profiles));
}

export async function planSource(source: Source, selection: Selection, targeting: Targeting): Promise<SourcePlan> {
  const { snapshots, notes, stale } = await source.read();
  const roots: RootPlan[] = [];
  for (const snapshot of snapshots) roots.push({ snapshot, plan: await planSnapshot(snapshot, selection, targeting) });
  return { source, roots, notes, stale };
}
