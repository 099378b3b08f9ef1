// The limit lines: what node:https and ldapts alone need for the same answers, written as directly as can be: connections kept for
// searches, the answer from a template; no limits, no logs, no fail-over, no other dialect.

import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Client, type Entry, EqualityFilter } from 'ldapts';
import { childOptions } from './child-end.ts';
import { serveMeasured } from './measured.ts';
import type { SampleAnswer } from './workshop.ts';

export interface BareOptions {
  /**
   * `constant`: always the sample. `search`: one search per request, credentials checked once. `search-rebind`: one search and one bind per
   * request, on connections kept for binds. `search-connect`: the bind on a new connection each time.
   */
  readonly kind: 'constant' | 'search' | 'search-rebind' | 'search-connect';
  readonly content: BareContent;
  /** For all but `constant`. */
  readonly directoryUrl?: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

export interface BareContent {
  readonly sample: SampleAnswer;
  /** Of user 0, as they stand in the sample. */
  readonly fields: Fields;
}

/** What of an entry the answer says. */
interface Fields {
  readonly mail: string;
  readonly displayName: string;
  readonly legacyExchangeDN: string;
}

const CONNECTIONS = 4;
const BIND_CONNECTIONS = 16;
const BASE = 'DC=contoso,DC=test';
/** Those that the service reads of a recipient. */
const ATTRIBUTES = [
  'objectClass',
  'cn',
  'displayName',
  'legacyExchangeDN',
  'proxyAddresses',
  'mail',
  'userPrincipalName',
  'homeMDB',
  'msExchHomeServerName',
  'targetAddress',
  'msExchRecipientTypeDetails',
  'msExchArchiveGUID',
  'msExchArchiveName',
  'msExchArchiveDatabaseLink',
  'msExchDelegateListBL',
  'msExchMailboxGuid',
  'msExchUserCulture',
];

const options = childOptions<BareOptions>();
const { kind, content, directoryUrl = '' } = options;
const { sample, fields } = content;
const tlsOptions = { ca: [readFileSync(options.caFile)], servername: 'localhost' };
const newClient = () => new Client({ url: directoryUrl, ...(directoryUrl.startsWith('ldaps:') ? { tlsOptions } : {}) });

const searching: Client[] = [];
if (kind !== 'constant') {
  for (let n = 0; n < CONNECTIONS; n++) {
    const client = newClient();
    await client.bind('CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test', 'Demo-Passw0rd!');
    searching.push(client);
  }
}
let turn = 0;

async function find(address: string): Promise<Entry | undefined> {
  const client = searching[turn++ % CONNECTIONS];
  const found = await client?.search(BASE, {
    scope: 'sub',
    filter: new EqualityFilter({ attribute: 'proxyAddresses', value: `smtp:${address}` }),
    attributes: ATTRIBUTES,
    explicitBufferAttributes: ['msExchArchiveGUID', 'msExchMailboxGuid'],
  });
  return found?.searchEntries[0];
}

const free = kind === 'search-rebind' ? Array.from({ length: BIND_CONNECTIONS }, newClient) : [];
const waiting: ((client: Client) => void)[] = [];

async function passwordIsRight(dn: string, password: string): Promise<boolean> {
  const kept = kind === 'search-rebind';
  const client = kept ? (free.pop() ?? (await new Promise<Client>((resolve) => waiting.push(resolve)))) : newClient();
  try {
    await client.bind(dn, password);
    return true;
  } catch {
    return false;
  } finally {
    if (!kept) await client.unbind();
    else {
      const next = waiting.shift();
      if (next) next(client);
      else free.push(client);
    }
  }
}

/** Authorization headers that were found good; the bare server asks nobody again. */
const known = new Set<string>();

async function isAllowed(request: IncomingMessage, entry: Entry): Promise<boolean> {
  const header = request.headers.authorization ?? '';
  if (kind === 'search' && known.has(header)) return true;
  const credentials = Buffer.from(header.slice('Basic '.length), 'base64').toString();
  const right = await passwordIsRight(entry.dn, credentials.slice(credentials.indexOf(':') + 1));
  if (right) known.add(header);
  return right;
}

const escapeXml = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const text = (value: unknown) => escapeXml(String(Array.isArray(value) ? value[0] : value));

/** The sample with the entry's values instead of user 0's. */
const pieces = sample.body
  .split(
    new RegExp(
      `(${Object.values(fields)
        .map((value) => value.replace(/[^\w ]/g, '\\$&'))
        .join('|')})`,
    ),
  )
  .map((piece) => ({ piece, name: (Object.keys(fields) as (keyof Fields)[]).find((name) => fields[name] === piece) }));
const render = (entry: Entry) =>
  pieces.map(({ piece, name }) => (name === undefined ? piece : text(entry[name]))).join('');

async function answer(request: IncomingMessage, body: string): Promise<string | undefined> {
  if (kind === 'constant') return sample.body;
  const address = /<EMailAddress>([^<]+)<\/EMailAddress>/.exec(body)?.[1] ?? '';
  const entry = await find(address);
  return entry && (await isAllowed(request, entry)) ? render(entry) : undefined;
}

const server = createServer(
  { cert: readFileSync(options.certificateFile), key: readFileSync(options.keyFile), keepAliveTimeout: 65_000 },
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const xml = await answer(request, Buffer.concat(chunks).toString());
      if (xml === undefined) return response.writeHead(401, { 'Content-Length': 0 }).end();
      response.writeHead(200, { ...sample.headers, 'Content-Length': Buffer.byteLength(xml) }).end(xml);
    });
  },
);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
serveMeasured((server.address() as AddressInfo).port);
