// Nothing remembered of recipients: one search per request, and in the second half a bind as well. With one request after the other and
// with many under way; over LDAPS as in production, and in clear text, where more of the time is the service's own.

import type { Bench } from './bench.ts';
import { type Ground, POX } from './ground.ts';
import type { Load } from './load.ts';

const AIM = 1.1;
/** Credentials are remembered here, so each of these users is let in once before it counts. */
const CALLERS = 300;
const WAYS = [
  { way: 'ldaps', lookUps: [8, 64], binds: [8, 64] },
  { way: 'ldap', lookUps: [8, 64], binds: [64] },
] as const;

export async function compareLookUps(bench: Bench, { directory, content }: Ground): Promise<void> {
  const { workshop, compare, options } = bench;
  for (const { way, lookUps, binds } of options.quick ? WAYS.slice(0, 1) : WAYS) {
    const directoryUrl = directory[way] ?? '';
    const search = await workshop.startBare({ kind: 'search', content, directoryUrl });
    const remembering = await workshop.startService(directoryUrl, 'credentials');
    for (const concurrency of lookUps) {
      const load: Load = { ...POX, concurrency, users: { ...POX.users, distinct: CALLERS } };
      // The servers stay: they are primed once.
      const prime = concurrency === lookUps[0] ? CALLERS : 0;
      await compare({
        title: `POX, uncached look-up, credential cached, another user each time, ${way}, ${concurrency} under way`,
        subjects: [
          { name: 'bare node:https + search', server: search, load, prime },
          { name: 'service', server: remembering, load, prime },
        ],
        aims: { service: AIM },
      });
    }
    await workshop.stop(search, remembering);
    const rebind = await workshop.startBare({ kind: 'search-rebind', content, directoryUrl });
    const connect = await workshop.startBare({ kind: 'search-connect', content, directoryUrl });
    const forgetting = await workshop.startService(directoryUrl, 'nothing');
    for (const concurrency of binds) {
      const load: Load = { ...POX, concurrency };
      await compare({
        title: `POX, uncached look-up and bind, another user each time, ${way}, ${concurrency} under way`,
        subjects: [
          { name: 'bare + search + bind, kept connections', server: rebind, load },
          { name: 'bare + search + bind, a new connection', server: connect, load },
          { name: 'service', server: forgetting, load },
        ],
        aims: { service: AIM },
      });
    }
    await workshop.stop(rebind, connect, forgetting);
  }
}
