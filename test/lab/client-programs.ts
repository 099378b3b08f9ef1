// The client programs of the matrix: how each is run in a bed, and what it has to report for each case. A report is reduced to one
// line of text, so that what is expected can be compared, and printed on docs/conformance.md, as it is.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM, type ServiceBed } from './service-bed.ts';

export const USER = 'alice@contoso.test';
/** Where the contact of the matrix leads to: another mail domain, at the same service, which does not know him. */
export const REDIRECTED_TO = 'laura.lane@tailspin.test';

const EXTERNAL_EWS = 'https://mail.contoso.test/EWS/Exchange.asmx';
const INTERNAL_EWS = 'https://mail-sea.contoso.test/EWS/Exchange.asmx';
const ARRAY = 'outlook-sea.contoso.test';

/** Cases by what is asked for, then by how the names of the mail domain lead to the service. */
export const CASES = [
  'mailbox',
  'alias',
  'unknown user',
  'redirected contact',
  'wrong password',
  'found by the root domain',
  'found by the autodiscover host',
  'found by HTTP redirect',
  'found by SRV record',
] as const;
export type Case = (typeof CASES)[number];

export interface Question {
  readonly case: Case;
  readonly address: string;
  /** The right one when not given. */
  readonly password?: string;
  /** Schemes that the service offers. */
  readonly schemes: readonly string[];
  /** The https URL without a path, or the http one, where the case leads a client that cannot search by itself. */
  readonly origin: string | undefined;
}

export interface ClientProgram {
  readonly name: string;
  /** Section of packages.txt that brings it. */
  readonly section: string;
  /** Asks, and gives what the program reported as one line. */
  run(service: ServiceBed, question: Question): Promise<string>;
  readonly expected: Readonly<Record<Case, string>>;
  /** Where `expected` differs from what the case is about: the client's own bug or limit. */
  readonly peculiarities?: Partial<Record<Case, string>>;
}

type Report = Readonly<Record<string, unknown>>;

/** A report after the client was seen to ask for the address that it had been redirected to. */
export const followed = (report: string) => `goes on to ${REDIRECTED_TO}: ${report}`;

const sameForEachWay = (report: string) => ({
  'found by the root domain': report,
  'found by the autodiscover host': report,
  'found by HTTP redirect': report,
  'found by SRV record': report,
});

const exchangelib = (mode: 'pox' | 'soap'): ClientProgram => {
  const found = `${USER}; EWS ${EXTERNAL_EWS}; API ${mode === 'soap' ? 'Exchange2010_SP2' : 'not known'}`;
  return {
    name: `exchangelib, ${mode.toUpperCase()}`,
    section: 'exchangelib',
    run: async (service, { address, password }) => {
      const report = await service.drive('exchangelib-discover.py', [mode, address, USER], password);
      const api = /API=(\w+)/.exec(String(report.version))?.[1] ?? 'not known';
      return report.ok ? `${report.smtpAddress}; EWS ${report.ewsUrl}; API ${api}` : String(report.error);
    },
    expected: {
      mailbox: found,
      alias: found,
      'unknown user': 'ErrorNonExistentMailbox',
      'redirected contact': followed('ErrorNonExistentMailbox'),
      'wrong password': mode === 'pox' ? 'AutoDiscoverFailed' : 'UnauthorizedError',
      ...sameForEachWay(found),
    },
    ...(mode === 'pox' && {
      peculiarities: {
        mailbox:
          'Knows the version only from a block that has both ServerVersion and the EWS URL it takes, which is that of EXPR; in an answer ' +
          'of Exchange 2010 EXPR has no ServerVersion.',
      },
    }),
  };
};

const ewsJavascriptApi: ClientProgram = (() => {
  const found = `NoError; ${USER}; ${ARRAY}; EWS ${INTERNAL_EWS}, ${EXTERNAL_EWS}`;
  return {
    name: 'ews-javascript-api, SOAP',
    section: 'bed',
    run: async (service, { address, password }) => {
      const report = await service.drive('ews-javascript-api.ts', [address, USER], password);
      const refused = /HTTP 401|couldn't be located/.test(String(report.message));
      const settings = report.settings as Report | undefined;
      if (!report.ok) return refused ? 'refused' : String(report.error);
      const {
        AutoDiscoverSMTPAddress: smtp,
        InternalRpcClientServer: server,
        InternalEwsUrl,
        ExternalEwsUrl,
      } = settings ?? {};
      return `${report.error}; ${smtp}; ${server}; EWS ${InternalEwsUrl}, ${ExternalEwsUrl}`;
    },
    expected: {
      mailbox: found,
      alias: found,
      'unknown user': 'InvalidUser',
      'redirected contact': followed('InvalidUser'),
      'wrong password': 'refused',
      ...sameForEachWay(found),
    },
    peculiarities: {
      'wrong password':
        'Throws the 401 itself on one run and "couldn\'t be located" on another; both count as refused.',
    },
  };
})();

const thunderbird: ClientProgram = (() => {
  // It takes the first EWS URL of the answer, which is that of EXCH.
  const found = (step: string) => `exchange; mail.contoso.test; EWS ${INTERNAL_EWS}; by ${step}`;
  return {
    name: 'Thunderbird',
    section: 'thunderbird',
    run: async (service, { address, password }) => {
      const report = await service.drive('thunderbird.ts', [address, USER, service.bed.caFile], password);
      if (!report.ok) return String(report.error === 'AggregateError' ? report.error : report.message);
      const step = /url\d|srv/.exec(String(report.foundBy))?.[0];
      return `${report.type}; ${report.host}; EWS ${report.ewsUrl}; by ${step}`;
    },
    expected: {
      mailbox: found('url1'),
      alias: found('url1'),
      'unknown user': 'No valid configs found in AutoDiscover XML',
      'redirected contact': followed('No valid configs found in AutoDiscover XML'),
      'wrong password': 'AggregateError',
      'found by the root domain': found('url2'),
      'found by the autodiscover host': found('url1'),
      'found by HTTP redirect': found('url3'),
      'found by SRV record': found('srv'),
    },
    peculiarities: {
      'wrong password':
        'Reports one error for all the places it asked; that a 401 is among them makes it blame the password.',
    },
  };
})();

const SCHEMA = 'http://schemas.microsoft.com/exchange/autodiscover/outlook';
const SOAP = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';
const REQUESTS = {
  pox: (address: string) =>
    `<Autodiscover xmlns="${SCHEMA}/requestschema/2006"><Request><EMailAddress>${address}</EMailAddress>` +
    `<AcceptableResponseSchema>${SCHEMA}/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`,
  soap: (address: string) =>
    `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetUserSettingsRequestMessage xmlns="${SOAP}">` +
    `<Request><Users><User><Mailbox>${address}</Mailbox></User></Users><RequestedSettings>` +
    '<Setting>InternalRpcClientServer</Setting></RequestedSettings></Request></GetUserSettingsRequestMessage></s:Body></s:Envelope>',
};

const curl = (dialect: 'pox' | 'soap'): ClientProgram => {
  const path = `/autodiscover/autodiscover.${dialect === 'pox' ? 'xml' : 'svc'}`;
  const found = `200; ${ARRAY}`;
  return {
    name: `curl, ${dialect.toUpperCase()}`,
    section: 'bed',
    run: async (service, { address, password, schemes, origin }) => {
      if (origin === undefined) return 'not asked';
      const file = join(service.bed.home, 'request.xml');
      writeFileSync(file, REQUESTS[dialect](address));
      const url = origin.startsWith('http:') ? await redirectionOf(service, `${origin}${path}`) : `${origin}${path}`;
      const reports = new Set<string>();
      for (const scheme of schemes) {
        // Without the right password there is no ticket to send.
        if (scheme === 'negotiate' && password !== undefined) continue;
        if (scheme === 'negotiate') await service.login('alice');
        const user = scheme === 'ntlm' ? 'CONTOSO\\alice' : USER;
        reports.add(curlText(await service.drive('curl.ts', [scheme, url, user, file], password)));
      }
      return [...reports].join(', ');
    },
    expected: {
      mailbox: found,
      alias: found,
      'unknown user': dialect === 'pox' ? '200; error 500' : '200; InvalidUser',
      'redirected contact': `200; ${dialect === 'pox' ? 'redirectAddr' : 'RedirectAddress'} ${REDIRECTED_TO}`,
      'wrong password': '401',
      ...sameForEachWay(found),
      'found by SRV record': 'not asked',
    },
    peculiarities: {
      'redirected contact': 'Follows nothing in a body.',
      'found by SRV record':
        'Looks up no SRV records. By the other ways it is told the URL, and GETs the http one for its redirection.',
    },
  };
};

/** Where the plain HTTP port sends an anonymous GET. */
async function redirectionOf(service: ServiceBed, url: string): Promise<string> {
  const report = await service.drive('curl.ts', ['none', url]);
  assert.equal(report.status, 302, JSON.stringify(report));
  const location = (report.headers as string[][]).find(([name]) => name === 'location')?.[1];
  return location ?? assert.fail('a redirection without Location');
}

function curlText({ status, body }: Report): string {
  const text = String(body);
  const element = (pattern: RegExp) => pattern.exec(text)?.[1];
  const code = element(/<ErrorCode>(\d+)<\/ErrorCode>/);
  const verdict =
    element(/<Type>EXCH<\/Type>\s*<Server>([^<]+)</) ??
    element(/<Value>([^<]+)<\/Value>/) ??
    (code === undefined ? undefined : `error ${code}`) ??
    withPrefix('redirectAddr', element(/<RedirectAddr>([^<]+)</)) ??
    withPrefix('RedirectAddress', element(/<RedirectTarget>([^<]+)</)) ??
    element(/<UserResponse>\s*<ErrorCode>(\w+)</);
  return [status, ...(verdict === undefined ? [] : [verdict])].join('; ');
}

const withPrefix = (prefix: string, text: string | undefined) => (text === undefined ? undefined : `${prefix} ${text}`);

/** Our own client, with the password or, where the service takes tickets, with one as well. */
const query = (dialect: 'pox' | 'soap'): ClientProgram => {
  const found = (step: string) => `found; ${ARRAY}; by ${step}`;
  return {
    name: `autodiscover query, ${dialect.toUpperCase()}`,
    section: 'bed',
    run: async ({ bed, lab, login, kerberos }, { address, password, schemes }) => {
      const common = ['--protocol', dialect, '--ca', bed.caFile, '--user', USER, '--trust', 'tailspin.test', '--json'];
      const command = [process.execPath, PROGRAM, 'query', address, ...common];
      const reports = new Set<string>();
      const ask = async (env: Readonly<Record<string, string>>, ...flags: string[]) => {
        const { stdout, stderr } = await bed.run([...command, ...flags], { env });
        assert.ok(stdout.startsWith('{'), `autodiscover query: ${stderr}`);
        reports.add(queryText(JSON.parse(stdout).result));
      };
      await ask({ AUTODISCOVER_PASSWORD: password ?? lab.password });
      if (schemes.includes('negotiate') && password === undefined) {
        await login('alice');
        await ask(kerberos, '--kerberos');
      }
      return [...reports].join(', ');
    },
    expected: {
      mailbox: found('autodiscover-host'),
      alias: found('autodiscover-host'),
      'unknown user': dialect === 'pox' ? 'service-error 500' : 'service-error InvalidUser',
      'redirected contact': followed(dialect === 'pox' ? 'service-error 500' : 'service-error InvalidUser'),
      'wrong password': 'unauthorized',
      'found by the root domain': found('root-domain'),
      'found by the autodiscover host': found('autodiscover-host'),
      'found by HTTP redirect': found('http-redirect'),
      'found by SRV record': found('srv'),
    },
  };
};

function queryText(result: Report): string {
  const { outcome, reason, code, source, settings } = result;
  if (outcome === 'found') {
    return `found; ${(settings as Report).InternalRpcClientServer}; by ${(source as Report).step}`;
  }
  return outcome === 'not-found' ? String(reason) : `${outcome} ${code ?? ''}`.trim();
}

export const CLIENTS: readonly ClientProgram[] = [
  exchangelib('pox'),
  exchangelib('soap'),
  ewsJavascriptApi,
  thunderbird,
  curl('pox'),
  curl('soap'),
  query('pox'),
  query('soap'),
];
