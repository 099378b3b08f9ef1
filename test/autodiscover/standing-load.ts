// The load under which controllers fail: people whose logon is known, newcomers who have a good password and log on once, and strangers who
// guess.
import type { TestContext } from 'node:test';
import { hashPassword } from '../../src/ldap/embedded/password.ts';
import { databaseDn, LEGACY_GROUP, PASSWORD, staffDn } from '../ldap/demo-organization.ts';
import { basic, type ConfigOverrides, elementText, poxBody, type Reply, send, XML_TYPE } from './bed.ts';

/** Who asks on the demo organisation, and the FQDN he is to be told. */
export const PEOPLE: readonly (readonly [name: string, server: string])[] = [
  ['alice', 'outlook-sea.contoso.test'],
  ['bob', 'outlook-dub.contoso.test'],
  ['quinn', 'outlook-sea.contoso.test'],
  ['grace', 'outlook-sea.contoso.test'],
];

/** Callers of each kind at a time. */
export const AT_A_TIME = 3;
/** Enough for ten seconds, the longest that anything is waited for. */
const NEWCOMERS = 1200;
const NEWCOMER_PAUSE_MS = 30;

/** The newcomers as a change of the demo organisation. */
export function newcomersLdif(): string {
  const hash = hashPassword(PASSWORD, Buffer.from('newcomer'));
  const people = Array.from({ length: NEWCOMERS }, (_, n) => `newcomer${n}`);
  return people
    .map((name) =>
      [
        `dn: ${staffDn(name)}`,
        'changetype: add',
        ...['top', 'person', 'organizationalPerson', 'user'].map((name) => `objectClass: ${name}`),
        `cn: ${name}`,
        `objectCategory: CN=Person,CN=Schema,CN=Configuration,DC=contoso,DC=test`,
        `sAMAccountName: ${name}`,
        `userPrincipalName: ${name}@contoso.test`,
        'userAccountControl: 512',
        `userPassword: ${hash}`,
        `mail: ${name}@contoso.test`,
        `proxyAddresses: SMTP:${name}@contoso.test`,
        `mailNickname: ${name}`,
        `displayName: ${name}`,
        `homeMDB: ${databaseDn('SEA-DB01')}`,
        `msExchHomeServerName: ${LEGACY_GROUP}/cn=Configuration/cn=Servers/cn=SEA-MBX1`,
        `legacyExchangeDN: ${LEGACY_GROUP}/cn=Recipients/cn=${name}`,
        'msExchRecipientTypeDetails: 1',
        'msExchRecipientDisplayType: 1073741824',
        'msExchVersion: 44220983382016',
        '',
      ].join('\n'),
    )
    .join('\n');
}

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

export interface Served {
  readonly name: string;
  readonly expected: string;
  readonly reply: Reply;
}

/** Those that were told something else than their server. */
export function unserved(known: readonly Served[]): Served[] {
  return known.filter(({ reply, expected }) => reply.status !== 200 || elementText(reply.body, 'Server') !== expected);
}

/**
 * Known callers and strangers, and newcomers where there are any, three of each at a time, until they are stopped; with what they were told.
 * Each newcomer and each stranger asks once: one name (and for strangers, one password) is one logon.
 */
export function load(t: TestContext, ask: Ask, withNewcomers = false) {
  let going = true;
  t.after(() => {
    going = false;
  });
  const known: Served[] = [];
  const newcomers: Served[] = [];
  const strangers: Reply[] = [];
  const caller = async (at: number) => {
    for (let n = at; going; n++) {
      const [name, expected] = PEOPLE[n % PEOPLE.length] ?? ['alice', ''];
      known.push({ name, expected, reply: await ask(name) });
    }
  };
  let come = 0;
  const newcomer = async () => {
    while (going && come < NEWCOMERS) {
      const name = `newcomer${come++}`;
      newcomers.push({ name, expected: 'outlook-sea.contoso.test', reply: await ask(name) });
      await new Promise((resolve) => setTimeout(resolve, NEWCOMER_PAUSE_MS));
    }
  };
  // Each another name, so that no budget is spent.
  const stranger = async (at: number) => {
    for (let n = 0; going; n++) {
      strangers.push(await ask(`stranger${at}-${n}`, `guess${at}-${n}`));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const clients = Array.from({ length: AT_A_TIME }, (_, at) => at).flatMap((at) => [
    caller(at),
    stranger(at),
    ...(withNewcomers ? [newcomer()] : []),
  ]);
  return {
    known,
    newcomers,
    strangers,
    stop: async () => {
      going = false;
      await Promise.all(clients);
    },
  };
}
