// A large organisation beside a small one: the same service over 200,000 users and over 1,000.

import { withBench } from './bench.ts';
import type { Remembering } from './bench-config.ts';
import type { ComparedRow } from './comparison.ts';
import { POX, USERS } from './ground.ts';
import type { Load } from './load.ts';
import type { BenchOptions } from './options.ts';
import { mebibytes, printLine, printTitle } from './table.ts';

const LARGE = 200_000;
const AIM = 1.1;

const CASES: readonly { title: string; remembering: Remembering; cached: boolean; caller: Load['caller'] }[] = [
  { title: `everything cached, ${USERS} users in turn`, remembering: 'all', cached: true, caller: 'own' },
  { title: 'uncached look-up, credential cached', remembering: 'credentials', cached: false, caller: 'first' },
  { title: 'uncached look-up and bind', remembering: 'nothing', cached: false, caller: 'own' },
];

export async function run(options: BenchOptions): Promise<Record<string, readonly ComparedRow[]>> {
  const large = options.quick ? LARGE / 10 : LARGE;
  return withBench(options, async ({ workshop, compare }) => {
    const small = { users: USERS, directory: await workshop.startDirectory(USERS) };
    const big = { users: large, directory: await workshop.startDirectory(large) };
    const resident = await big.directory.ask<number>('resident');
    printTitle(
      `The directory of ${large} users took ${(big.directory.ready.loadedMs / 1000).toFixed(1)} s to load and has ${mebibytes(resident)} resident`,
    );
    for (const { title, remembering, cached, caller } of CASES) {
      const subjects = [];
      for (const { users, directory } of [small, big]) {
        // As many different users of either, so that what the service keeps beside recipients is the same.
        const spread = { distinct: USERS, stride: users / USERS, population: users };
        const server = await workshop.startService(directory.ready.ldaps, remembering);
        const load: Load = { ...POX, users: spread, caller };
        subjects.push({ name: `${users} users in the directory`, server, load, prime: cached ? USERS : 0 });
      }
      await compare({
        title: `POX, ${title}, ldaps, 8 under way`,
        subjects,
        aims: { [`${large} users in the directory`]: AIM },
      });
      await workshop.stop(...subjects.map(({ server }) => server));
    }
    printLine('The directory is another process; its time is in p50 and p99, not in the CPU time.');
  });
}
