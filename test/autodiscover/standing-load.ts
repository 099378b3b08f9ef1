// The load under which controllers fail: people whose logon is known, and strangers who guess.
import type { TestContext } from 'node:test';
import { basic, type ConfigOverrides, elementText, poxBody, type Reply, send, XML_TYPE } from './bed.ts';

/** Who asks on the demo organisation, and the FQDN he is to be told. */
export const PEOPLE: readonly (readonly [name: string, server: string])[] = [
  ['alice', 'outlook-sea.contoso.test'],
  ['bob', 'outlook-dub.contoso.test'],
  ['quinn', 'outlook-sea.contoso.test'],
  ['grace', 'outlook-sea.contoso.test'],
];

/** All strangers come from one address. */
export const NO_BUDGETS: ConfigOverrides = { authentication: { failures: { perAddress: 0, total: 0 } } };

export type Ask = (name: string, password?: string) => Promise<Reply>;

/** Asks about the caller's own address. */
export function asker(port: number): Ask {
  return (name, password) =>
    send(port, {
      headers: { authorization: basic(`${name}@contoso.test`, password), 'content-type': XML_TYPE },
      body: poxBody({ address: `${name}@contoso.test` }),
    });
}

interface Served {
  readonly expected: string;
  readonly reply: Reply;
}

/** Those that were told something else than their server. */
export function unserved(known: readonly Served[]): Served[] {
  return known.filter(({ reply, expected }) => reply.status !== 200 || elementText(reply.body, 'Server') !== expected);
}

/** Known callers and strangers, three of each at a time, until they are stopped; with what they were told. */
export function load(t: TestContext, ask: Ask) {
  let going = true;
  t.after(() => {
    going = false;
  });
  const known: Served[] = [];
  const strangers: Reply[] = [];
  const caller = async (at: number) => {
    for (let n = at; going; n++) {
      const [name, expected] = PEOPLE[n % PEOPLE.length] ?? ['alice', ''];
      known.push({ expected, reply: await ask(name) });
    }
  };
  // Each another name, so that no budget is spent.
  const stranger = async (at: number) => {
    for (let n = 0; going; n++) {
      strangers.push(await ask(`stranger${at}-${n}`, 'guess'));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const clients = [0, 1, 2].flatMap((at) => [caller(at), stranger(at)]);
  return {
    known,
    strangers,
    stop: async () => {
      going = false;
      await Promise.all(clients);
    },
  };
}
