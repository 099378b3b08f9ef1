// Real client programs against the real service on a real Active Directory: what each reports for each case. A client's own
// peculiarities stand in its column, named; everything else is what it reports with Exchange.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { labOrSkip, labSuite } from './requirements.ts';
import {
  everyScheme,
  openServiceBed,
  SERVICE_ADDRESS,
  type ServiceBed,
  type ServiceBedOptions,
} from './service-bed.ts';

const USER = 'alice@contoso.test';
const EXTERNAL_EWS = 'https://mail.contoso.test/EWS/Exchange.asmx';
const INTERNAL_EWS = 'https://mail-sea.contoso.test/EWS/Exchange.asmx';

type Report = Readonly<Record<string, unknown>>;
type Case = 'mailbox' | 'alias' | 'unknown address' | 'redirected address' | 'wrong password';

const CASES: Readonly<Record<Case, { address: string; password?: string; logged: RegExp }>> = {
  mailbox: { address: USER, logged: /"outcome":"settings"/ },
  alias: { address: 'a.adams@contoso.test', logged: /"outcome":"settings"/ },
  'unknown address': { address: 'nobody@contoso.test', logged: /"outcome":"unknown-address"/ },
  'redirected address': { address: 'ken@contoso.test', logged: /"outcome":"redirectAddr"/ },
  'wrong password': { address: USER, password: 'wrong', logged: /"reason":"(52e|NTLM refused: NT_STATUS_)/ },
};

type ClientProgram = {
  readonly name: string;
  /** Section of packages.txt that brings it. */
  readonly section: string;
  readonly driver: string;
  args(address: string, bed: ServiceBed): readonly string[];
  /** What its report must hold. */
  readonly expected: Readonly<Record<Case, (report: Report) => void>>;
};

const has = (fields: Report) => (report: Report) =>
  assert.partialDeepStrictEqual(report, fields, `reported ${JSON.stringify(report)}`);
const says = (field: string, pattern: RegExp) => (report: Report) =>
  assert.match(String(report[field]), pattern, `reported ${JSON.stringify(report)}`);
const both = (one: (report: Report) => void, other: (report: Report) => void) => (report: Report) => {
  one(report);
  other(report);
};

const ewsSettings = {
  ok: true,
  error: 'NoError',
  settings: {
    AutoDiscoverSMTPAddress: USER,
    InternalRpcClientServer: 'outlook-sea.contoso.test',
    InternalEwsUrl: INTERNAL_EWS,
    ExternalEwsUrl: EXTERNAL_EWS,
  },
};
// Thunderbird takes the first EWS URL of the answer, which is that of EXCH.
const thunderbirdAccount = { ok: true, type: 'exchange', host: 'mail.contoso.test', ewsUrl: INTERNAL_EWS };
// The address the request was redirected to has no Autodiscover here; that it was asked for shows that the redirect was followed.
const followed = both(has({ ok: false, error: 'AutoDiscoverFailed' }), says('message', /for email ken@fabrikam\.test/));

const CLIENTS: readonly ClientProgram[] = [
  {
    name: 'exchangelib, POX',
    section: 'exchangelib',
    driver: 'exchangelib-discover.py',
    args: (address) => ['pox', address, USER],
    expected: {
      mailbox: has({ ok: true, ewsUrl: EXTERNAL_EWS, smtpAddress: USER }),
      alias: has({ ok: true, ewsUrl: EXTERNAL_EWS, smtpAddress: USER }),
      'unknown address': has({ ok: false, error: 'ErrorNonExistentMailbox' }),
      'redirected address': followed,
      'wrong password': has({ ok: false, error: 'AutoDiscoverFailed' }),
    },
  },
  {
    name: 'exchangelib, SOAP',
    section: 'exchangelib',
    driver: 'exchangelib-discover.py',
    args: (address) => ['soap', address, USER],
    expected: {
      mailbox: both(
        has({ ok: true, ewsUrl: EXTERNAL_EWS, smtpAddress: USER }),
        says('version', /API=Exchange2010_SP2/),
      ),
      alias: has({ ok: true, ewsUrl: EXTERNAL_EWS, smtpAddress: USER }),
      'unknown address': has({ ok: false, error: 'ErrorNonExistentMailbox' }),
      'redirected address': followed,
      'wrong password': has({ ok: false, error: 'UnauthorizedError' }),
    },
  },
  {
    name: 'ews-javascript-api, SOAP',
    section: 'bed',
    driver: 'ews-javascript-api.ts',
    args: (address) => [address, USER],
    expected: {
      mailbox: has(ewsSettings),
      alias: has(ewsSettings),
      'unknown address': has({ ok: false, error: 'InvalidUser' }),
      'redirected address': both(has({ ok: false }), says('message', /couldn't be located/)),
      // It throws the refused answer itself on one run and its own summary on another.
      'wrong password': both(has({ ok: false }), says('message', /HTTP 401|couldn't be located/)),
    },
  },
  {
    name: 'Thunderbird',
    section: 'thunderbird',
    driver: 'thunderbird.ts',
    args: (address, { bed }) => [address, USER, bed.caFile],
    expected: {
      mailbox: has(thunderbirdAccount),
      alias: has(thunderbirdAccount),
      'unknown address': both(has({ ok: false }), says('message', /No valid configs found/)),
      // It reports one error for "none of the addresses worked" and does not follow redirectAddr.
      'redirected address': has({ ok: false, error: 'AggregateError' }),
      'wrong password': has({ ok: false, error: 'AggregateError' }),
    },
  },
];

/** What the service offers its callers. A client must get through whatever else is offered besides the scheme it takes. */
const OFFERS: Readonly<Record<string, Offer>> = {
  'Basic alone': { sections: [], schemes: ['basic'], config: () => ({ authentication: { schemes: ['basic'] } }) },
  'Negotiate, NTLM and Basic': { sections: ['kerberos'], schemes: ['negotiate', 'ntlm', 'basic'], config: everyScheme },
};

type Offer = {
  readonly sections: readonly string[];
  /** What curl is told to use. */
  readonly schemes: readonly string[];
  readonly config: NonNullable<ServiceBedOptions['config']>;
};

const SCHEMA = 'http://schemas.microsoft.com/exchange/autodiscover/outlook';
const POX_REQUEST =
  `<Autodiscover xmlns="${SCHEMA}/requestschema/2006"><Request><EMailAddress>${USER}</EMailAddress>` +
  `<AcceptableResponseSchema>${SCHEMA}/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`;

/** How the names of the mail domain lead to the service, and by which of its steps Thunderbird says it found it. */
const DISCOVERIES: readonly (ServiceBedOptions & { readonly name: string; readonly thunderbirdStep: RegExp })[] = [
  {
    name: 'the root domain',
    hosts: { 'contoso.test': SERVICE_ADDRESS },
    publicHost: 'contoso.test',
    thunderbirdStep: /url2/,
  },
  {
    name: 'HTTP redirect from the autodiscover host',
    // The autodiscover host has port 80 alone.
    hosts: { 'autodiscover.contoso.test': '127.0.0.2', 'mail.contoso.test': SERVICE_ADDRESS },
    publicHost: 'mail.contoso.test',
    redirectorAddress: '127.0.0.2',
    thunderbirdStep: /url3/,
  },
  {
    name: 'SRV record',
    hosts: { 'mail.contoso.test': SERVICE_ADDRESS },
    dnsRecords: [{ type: 'SRV', name: '_autodiscover._tcp.contoso.test', target: 'mail.contoso.test', port: 443 }],
    publicHost: 'mail.contoso.test',
    thunderbirdStep: /srv/,
  },
];

/** A service in a bed for the tests of the suite; its log is shown when something fails to start. */
function serviceFor(options: ServiceBedOptions): () => ServiceBed {
  let opened: ServiceBed | undefined;
  before(async () => {
    opened = await openServiceBed(options);
  });
  after(() => opened?.close());
  return () => opened ?? assert.fail('the service did not start');
}

const run = (service: ServiceBed, { driver, args }: ClientProgram, address: string, password?: string) =>
  service.drive(driver, args(address, service), password);

for (const [offer, { sections, schemes, config }] of Object.entries(OFFERS)) {
  labSuite(`clients, found by the autodiscover host, offered ${offer}`, ['bed', 'samba', ...sections], () => {
    const service = serviceFor({
      hosts: { 'autodiscover.contoso.test': SERVICE_ADDRESS, 'mail.contoso.test': SERVICE_ADDRESS },
      publicHost: 'autodiscover.contoso.test',
      config,
    });
    for (const client of CLIENTS) {
      for (const [name, { address, password, logged }] of Object.entries(CASES) as [Case, (typeof CASES)[Case]][]) {
        test(`${client.name}: ${name}`, async (t) => {
          if (!labOrSkip(t, client.section)) return;
          const before = service().service.log().length;
          client.expected[name](await run(service(), client, address, password));
          assert.match(service().service.log().slice(before), logged);
        });
      }
    }
    for (const scheme of schemes) {
      test(`curl, POX, ${scheme}: mailbox`, async () => {
        const { bed, drive, login } = service();
        if (scheme === 'negotiate') await login('alice');
        const file = join(bed.home, 'request.xml');
        writeFileSync(file, POX_REQUEST);
        const url = 'https://autodiscover.contoso.test/autodiscover/autodiscover.xml';
        const report = await drive('curl.ts', [scheme, url, scheme === 'ntlm' ? 'CONTOSO\\alice' : USER, file]);
        both(has({ ok: true, status: 200 }), says('body', /<Server>outlook-sea\.contoso\.test<\/Server>/))(report);
      });
    }
  });
}

for (const { name, thunderbirdStep, ...options } of DISCOVERIES) {
  labSuite(`clients, found by ${name}`, ['bed', 'samba'], () => {
    const service = serviceFor(options);
    for (const client of CLIENTS) {
      test(client.name, async (t) => {
        if (!labOrSkip(t, client.section)) return;
        const report = await run(service(), client, USER);
        client.expected.mailbox(report);
        if (client.driver === 'thunderbird.ts') assert.match(String(report.foundBy), thunderbirdStep);
      });
    }
  });
}
