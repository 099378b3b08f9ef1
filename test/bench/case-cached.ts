// User and credential remembered: what is left is TLS, HTTP and the service's own code.

import type { Bench } from './bench.ts';
import { type Ground, POX, USERS } from './ground.ts';

export async function compareCached({ workshop, compare }: Bench, { directory, content }: Ground): Promise<void> {
  const bare = await workshop.startBare({ kind: 'constant', content });
  const service = await workshop.startService(directory.ldaps, 'all');
  const one = { ...POX, users: { distinct: 1, stride: 1, population: 1 } };
  for (const concurrency of [8, 64]) {
    const subjects = [
      { name: 'bare node:https, constant answer', server: bare, load: { ...one, concurrency } },
      { name: 'service, one user', server: service, load: { ...one, concurrency } },
      { name: `service, ${USERS} users in turn`, server: service, load: { ...POX, concurrency }, prime: USERS },
    ];
    await compare({
      title: `POX, user and credential cached, TLS keep-alive, ${concurrency} under way`,
      subjects,
      aims: { 'service, one user': 1.5, [`service, ${USERS} users in turn`]: 1.5 },
    });
  }
  await workshop.stop(bare, service);
}
