// What the cases of the service stand on: the ordinary load, the directory, and what bare servers answer.

import type { BareContent } from './bare-server.ts';
import type { Load } from './load.ts';
import { addressOf } from './requests.ts';
import type { DirectoryReady, Workshop } from './workshop.ts';

export const USERS = 1000;

/** Each request for another user, with his own credentials, on kept connections. */
export const POX: Load = {
  dialect: 'pox',
  concurrency: 8,
  connections: 'kept',
  users: { distinct: USERS, stride: 1, population: USERS },
  caller: 'own',
};

export interface Ground {
  readonly directory: DirectoryReady;
  readonly content: BareContent;
}

/** An answer of the service for bare servers to give. */
export async function bareContent(workshop: Workshop, directoryUrl: string): Promise<BareContent> {
  const service = await workshop.startService(directoryUrl, 'all');
  const sample = await workshop.sample(service, POX);
  await workshop.stop(service);
  return {
    sample,
    fields: {
      mail: addressOf(0),
      displayName: 'Alice Adams',
      legacyExchangeDN: '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=user0',
    },
  };
}
