// The kinds of requests of the soak: what a service sees in a day, good and bad, each with the statuses it may be answered with.

import { addressOf, BENCH_PASSWORD, type Dialect, expectedTexts, requestBytes } from './requests.ts';

/** Users whose password is always right, and as many whose password is sometimes wrong: who fails too often is held back for a while. */
export const GOOD_USERS = 1000;
export const SOAK_USERS = 2 * GOOD_USERS;

export interface SoakRequest {
  readonly bytes: Buffer;
  readonly statuses: readonly number[];
  /** Texts of an answer with status 200. */
  readonly texts: readonly string[];
  /** The client goes away: in the middle of the request, or before the answer comes. */
  readonly aborted?: 'request' | 'answer';
}

export interface SoakKind {
  readonly name: string;
  /** Of the requests, in parts of the sum of all weights. */
  readonly weight: number;
  readonly make: (random: (below: number) => number) => SoakRequest;
}

const HELD_BACK = [401, 503];
const good = (dialect: Dialect) => (random: (below: number) => number) => {
  const user = random(GOOD_USERS);
  const addresses = Array.from({ length: dialect === 'soap-100' ? 100 : 1 }, (_, n) =>
    addressOf((user + n) % GOOD_USERS),
  );
  return {
    bytes: requestBytes(dialect, addresses, addressOf(user)),
    statuses: [200],
    texts: expectedTexts(dialect, addresses),
  };
};
const refused = (name: string, password: string): SoakRequest => ({
  bytes: requestBytes('pox', [name], name, password),
  statuses: HELD_BACK,
  texts: [],
});

export const SOAK_KINDS: readonly SoakKind[] = [
  { name: 'POX', weight: 35, make: good('pox') },
  { name: 'SOAP', weight: 14, make: good('soap') },
  { name: 'SOAP, 100 users', weight: 1, make: good('soap-100') },
  { name: 'mobilesync', weight: 10, make: good('mobilesync') },
  { name: 'JSON', weight: 10, make: good('json') },
  {
    name: 'unknown mailbox',
    weight: 10,
    make: (random) => ({
      bytes: requestBytes('pox', [`nobody${random(500)}@contoso.test`], addressOf(random(GOOD_USERS))),
      statuses: [200],
      texts: ['<ErrorCode>500</ErrorCode>'],
    }),
  },
  {
    name: 'wrong password',
    weight: 5,
    make: (random) => refused(addressOf(GOOD_USERS + random(GOOD_USERS)), `Wrong-${random(1000)}`),
  },
  { name: 'unknown name', weight: 5, make: (random) => refused(`nobody${random(500)}@contoso.test`, BENCH_PASSWORD) },
  { name: 'aborted request', weight: 5, make: (random) => ({ ...good('pox')(random), aborted: 'request' }) },
  { name: 'aborted answer', weight: 5, make: (random) => ({ ...good('soap')(random), aborted: 'answer' }) },
];

const TOTAL = SOAK_KINDS.reduce((sum, { weight }) => sum + weight, 0);

/** A kind by its weight; `random` gives whole numbers from 0 below its argument. */
export function pickKind(random: (below: number) => number): SoakKind {
  let left = random(TOTAL);
  for (const kind of SOAK_KINDS) {
    left -= kind.weight;
    if (left < 0) return kind;
  }
  throw new Error('the weights do not add up');
}
