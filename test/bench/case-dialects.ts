// The other dialects beside POX, for each user asked for.

import type { Bench } from './bench.ts';
import { type Ground, POX, USERS } from './ground.ts';

const AIM = 1.5;
const DIALECTS = [
  { name: 'SOAP, 1 user', dialect: 'soap' },
  { name: 'SOAP, 100 users', dialect: 'soap-100' },
  { name: 'mobilesync', dialect: 'mobilesync' },
  { name: 'JSON', dialect: 'json' },
] as const;
const CASES = [
  { remembering: 'all', title: 'everything cached', dialects: DIALECTS },
  { remembering: 'credentials', title: 'uncached look-up, ldaps', dialects: DIALECTS.slice(0, 2) },
] as const;

export async function compareDialects({ workshop, compare }: Bench, { directory }: Ground): Promise<void> {
  for (const { remembering, title, dialects } of CASES) {
    const server = await workshop.startService(directory.ldaps, remembering);
    // One caller, whose credentials are remembered in both cases.
    const load = { ...POX, caller: 'first' } as const;
    await compare({
      title: `Dialects, per user asked for, ${title}, 8 under way`,
      subjects: [
        { name: 'POX', server, load, prime: USERS },
        ...dialects.map(({ name, dialect }) => ({ name, server, load: { ...load, dialect } })),
      ],
      aims: Object.fromEntries(dialects.map(({ name }) => [name, AIM])),
    });
    await workshop.stop(server);
  }
}
