// The service beside bare servers: the lines of the speed table that are ratios of CPU time per request.

import { canPin } from './children.ts';
import { type ComparedRow, type Comparison, compareSubjects } from './comparison.ts';
import type { Load } from './load.ts';
import type { BenchOptions } from './options.ts';
import { addressOf } from './requests.ts';
import { printLine } from './table.ts';
import { type SampleAnswer, Workshop } from './workshop.ts';

const USERS = 1000;
const POX: Load = {
  dialect: 'pox',
  concurrency: 8,
  connections: 'kept',
  users: { distinct: USERS, stride: 1, population: USERS },
  caller: 'own',
};

export async function run(options: BenchOptions): Promise<Record<string, ComparedRow[]>> {
  if (!canPin()) printLine('Processes are not pinned: that needs two cores and taskset. Take the figures with care.');
  return Workshop.use(options.folder, async (workshop) => {
    const results: Record<string, ComparedRow[]> = {};
    const compare = async (comparison: Comparison) => {
      results[comparison.title] = await compareSubjects(workshop, comparison, options);
    };
    const wanted = (name: string) => options.only === undefined || name.includes(options.only);
    const directory = await workshop.startDirectory(USERS, true);
    const cached = await workshop.startService(directory.ready.ldaps, 'all');
    const sample = await workshop.sample(cached, POX);
    const fields = {
      mail: addressOf(0),
      displayName: 'Alice Adams',
      legacyExchangeDN: '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=user0',
    };
    if (wanted('cached')) {
      const bare = await workshop.startBare({ kind: 'constant', sample, fields, directoryUrl: '' });
      const one = { ...POX, users: { distinct: 1, stride: 1, population: 1 } };
      await compare({
        title: 'POX, user and credential cached, TLS keep-alive, 8 under way',
        subjects: [
          { name: 'bare node:https, constant answer', server: bare, load: one },
          { name: 'service, one user', server: cached, load: one },
          { name: 'service, 1000 users', server: cached, load: POX },
        ],
        aims: { 'service, one user': 1.5, 'service, 1000 users': 1.5 },
      });
      await workshop.stop(bare);
    }
    for (const way of ['ldaps', 'ldap'] as const) {
      if (wanted(`lookup-${way}`)) await lookUps(workshop, compare, directory.ready[way] ?? '', way, sample, fields);
    }
    return results;
  });
}

async function lookUps(
  workshop: Workshop,
  compare: (comparison: Comparison) => Promise<void>,
  directoryUrl: string,
  way: string,
  sample: SampleAnswer,
  fields: Parameters<Workshop['startBare']>[0]['fields'],
): Promise<void> {
  const bare = { sample, fields, directoryUrl };
  const search = await workshop.startBare({ kind: 'search', ...bare });
  const service = await workshop.startService(directoryUrl, 'credentials');
  for (const concurrency of [8, 64]) {
    const load = { ...POX, concurrency };
    await compare({
      title: `POX, uncached look-up, credential cached, another user each time, ${way}, ${concurrency} under way`,
      subjects: [
        { name: 'bare node:https + ldapts search', server: search, load },
        { name: 'service', server: service, load },
      ],
      aims: { service: 1.1 },
    });
  }
  await workshop.stop(search, service);
  const rebind = await workshop.startBare({ kind: 'search-rebind', ...bare });
  const connect = await workshop.startBare({ kind: 'search-connect', ...bare });
  const binding = await workshop.startService(directoryUrl, 'nothing');
  for (const concurrency of [8, 64]) {
    const load = { ...POX, concurrency };
    await compare({
      title: `POX, uncached look-up and bind, another user each time, ${way}, ${concurrency} under way`,
      subjects: [
        { name: 'bare + search + bind on kept connections', server: rebind, load },
        { name: 'bare + search + bind on a new one', server: connect, load },
        { name: 'service', server: binding, load },
      ],
      aims: { service: 1.1 },
    });
  }
  await workshop.stop(rebind, connect, binding);
}
