// From the source options to the sources of this run.
import { UsageError } from '../errors.ts';
import type { MigratorDeps } from './deps.ts';
import { findHiveSources } from './hive-sources.ts';
import { checkSourceOptions, type SourceOptions } from './options.ts';
import { findRegSources } from './reg-sources.ts';
import type { Source } from './source.ts';

/** @throws UsageError `option` when the options name no source that exists here. */
export async function findSources(options: SourceOptions, deps: MigratorDeps): Promise<Source[]> {
  checkSourceOptions(options);
  if (options.reg) {
    const sources = await findRegSources(options.reg, options.codePage);
    if (sources.length === 0) throw new UsageError('option', `no .reg file in ${options.reg.join(', ')}`);
    return sources;
  }
  if (options.hive) return findHiveSources(options.hive);
  if (!deps.openLive)
    throw new UsageError('option', 'there is no live registry on this system: give --reg FILE or --hive FILE');
  return deps.openLive({ user: options.user, allUsers: options.allUsers ?? false });
}
