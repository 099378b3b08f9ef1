// Real client programs against the real service on a real Active Directory: what each reports for each case, with Basic alone and with
// everything offered. What they reported is docs/conformance.md's second half.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { record } from '../conformance/records.ts';
import { CASES, type Case, CLIENTS, followed, type Question, REDIRECTED_TO, USER } from './client-programs.ts';
import { labOrSkip, labSuite } from './requirements.ts';
import {
  everyScheme,
  openServiceBed,
  SERVICE_ADDRESS,
  type ServiceBed,
  type ServiceBedOptions,
} from './service-bed.ts';

type Offer = {
  readonly sections: readonly string[];
  readonly schemes: readonly string[];
  readonly config: NonNullable<ServiceBedOptions['config']>;
};

/** What the service offers its callers. A client must get through whatever else is offered besides the scheme it takes. */
const OFFERS: Readonly<Record<string, Offer>> = {
  'Basic alone': { sections: [], schemes: ['basic'], config: () => ({ authentication: { schemes: ['basic'] } }) },
  'Negotiate, NTLM and Basic': { sections: ['kerberos'], schemes: ['negotiate', 'ntlm', 'basic'], config: everyScheme },
};

type Asked = {
  readonly address?: string;
  readonly password?: string;
  /** What the service must have logged of it. */
  readonly logged: RegExp;
};

const SETTINGS = /"outcome":"settings"/;
const ASKED: Readonly<Record<Case, Asked>> = {
  mailbox: { logged: SETTINGS },
  alias: { address: 'a.adams@contoso.test', logged: SETTINGS },
  'unknown user': { address: 'nobody@contoso.test', logged: /"outcome":"unknown-address"/ },
  'redirected contact': { address: 'laura@contoso.test', logged: /"outcome":"redirectAddr"/ },
  'wrong password': { password: 'wrong', logged: /"reason":"(52e|NTLM refused: NT_STATUS_)/ },
  'found by the root domain': { logged: SETTINGS },
  'found by the autodiscover host': { logged: SETTINGS },
  'found by HTTP redirect': { logged: SETTINGS },
  'found by SRV record': { logged: SETTINGS },
};

type Place = {
  readonly cases: readonly Case[];
  /** For a client that does not search by itself. */
  readonly origin?: string;
  readonly bed: ServiceBedOptions;
};

const REDIRECTOR = '127.0.0.2';
const HOST = 'autodiscover.contoso.test';

/** How the names of the mail domain lead to the service. */
const PLACES: readonly Place[] = [
  {
    cases: [
      'mailbox',
      'alias',
      'unknown user',
      'redirected contact',
      'wrong password',
      'found by the autodiscover host',
    ],
    origin: `https://${HOST}`,
    // The contact's other mail domain leads to the same service: that it is asked there shows that a redirection was followed.
    bed: { hosts: { [HOST]: SERVICE_ADDRESS, 'autodiscover.tailspin.test': SERVICE_ADDRESS }, publicHost: HOST },
  },
  {
    cases: ['found by the root domain'],
    origin: 'https://contoso.test',
    bed: { hosts: { 'contoso.test': SERVICE_ADDRESS }, publicHost: 'contoso.test' },
  },
  {
    cases: ['found by HTTP redirect'],
    origin: `http://${HOST}`,
    // The autodiscover host has port 80 alone.
    bed: {
      hosts: { [HOST]: REDIRECTOR, 'mail.contoso.test': SERVICE_ADDRESS },
      publicHost: 'mail.contoso.test',
      redirectorAddress: REDIRECTOR,
    },
  },
  {
    cases: ['found by SRV record'],
    bed: {
      hosts: { 'mail.contoso.test': SERVICE_ADDRESS },
      dnsRecords: [{ type: 'SRV', name: '_autodiscover._tcp.contoso.test', target: 'mail.contoso.test', port: 443 }],
      publicHost: 'mail.contoso.test',
    },
  },
];

const SERVICE_PRINCIPALS = [HOST, 'contoso.test', 'mail.contoso.test', 'autodiscover.tailspin.test'].map(
  (host) => `HTTP/${host}`,
);

/** A service in a bed for the tests of the suite; its log is shown when something fails to start. */
function serviceFor(options: ServiceBedOptions): () => ServiceBed {
  let opened: ServiceBed | undefined;
  before(async () => {
    opened = await openServiceBed(options);
  });
  after(() => opened?.close());
  return () => opened ?? assert.fail('the service did not start');
}

/** Schemes by which callers were let in, by the service's log. */
function schemesIn(log: string): readonly string[] {
  // Lines of refusals name a scheme too; that of an exchange names the one by which its caller came in.
  const exchanges = log.split('\n').filter((line) => line.includes('"msg":"exchange"'));
  const found = exchanges.flatMap((line) => /"scheme":"([^"]+)"/.exec(line)?.[1] ?? []);
  return [...new Set(found)].sort();
}

test('every case has its place', () =>
  assert.deepEqual(PLACES.flatMap(({ cases }) => cases).sort(), [...CASES].sort()));

for (const [offer, { sections, schemes, config }] of Object.entries(OFFERS)) {
  for (const { cases, origin, bed } of PLACES) {
    labSuite(`clients, ${cases.join(', ')}, offered ${offer}`, ['bed', 'samba', ...sections], () => {
      const service = serviceFor({ ...bed, config, samba: { servicePrincipals: SERVICE_PRINCIPALS } });
      for (const client of CLIENTS) {
        for (const name of cases) {
          test(`${client.name}: ${name}`, async (t) => {
            if (!labOrSkip(t, client.section)) return;
            const { address = USER, password, logged } = ASKED[name];
            const question: Question = {
              case: name,
              address,
              schemes,
              origin,
              ...(password === undefined ? {} : { password }),
            };
            const before = service().service.log().length;
            const answer = await client.run(service(), question);
            const log = service().service.log().slice(before);
            // Following an address redirection shows in what the service is asked next.
            const askedNext = name === 'redirected contact' && log.includes(`"target":"${REDIRECTED_TO}"`);
            const reported = askedNext ? followed(answer) : answer;
            const expected = client.expected[name];
            const peculiarity = client.peculiarities?.[name];
            record({
              kind: 'cell',
              client: client.name,
              case: name,
              offer,
              expected,
              reported,
              schemes: schemesIn(log),
              ...(peculiarity === undefined ? {} : { peculiarity }),
            });
            assert.equal(reported, expected);
            if (answer !== 'not asked') assert.match(log, logged);
          });
        }
      }
    });
  }
}
