// What discovery itself does not ask for: the ActiveSync answer, and the protocols newer than Exchange 2010 that only a client gets which
// announces them. Each is one more request to the service that answered first, compared with the directory like everything else.

import { type Authenticator, sendAuthenticated } from '../../autodiscover/client/authenticate.ts';
import type { Discovery, OutcomeName } from '../../autodiscover/client/discovery.ts';
import type { HttpClient, HttpOutcome } from '../../autodiscover/client/http-client.ts';
import type { ClientCapabilities } from '../../autodiscover/settings/protocol-policy.ts';
import type { Resolution } from '../../autodiscover/settings/resolve.ts';
import type { DiscoverResult, ExHttpEndpoint, MapiHttpUrls } from '../../autodiscover/settings/user-settings.ts';
import {
  type MobileSyncResponse,
  parseMobileSyncResponse,
  renderMobileSyncResponse,
} from '../../autodiscover/wire/mobilesync-response.ts';
import { type PoxSchema, renderPoxRequest } from '../../autodiscover/wire/pox-request.ts';
import { type PoxAnswer, parsePoxResponse, renderPoxResponse } from '../../autodiscover/wire/pox-response.ts';
import { inDialect } from '../../autodiscover/wire/service-file.ts';
import { about, type Check } from './check.ts';
import { compareTexts } from './compare-settings.ts';

/** Asks a POX service once, as the caller. Never rejects. */
export type AskPox = (
  url: URL,
  address: string,
  schema: PoxSchema,
  headers: Readonly<Record<string, string>>,
) => Promise<HttpOutcome>;

/** Without `askPox` nothing further is asked. */
export interface FurtherDeps {
  readonly askPox?: AskPox;
  readonly expected?: (address: string, capabilities?: ClientCapabilities) => Promise<Resolution>;
}

export function poxAsker(http: HttpClient, authenticators: readonly Authenticator[]): AskPox {
  return async (url, address, schema, more) => {
    const connection = http.open();
    const body = renderPoxRequest({ schema, emailAddress: address, legacyDn: undefined });
    const headers = { 'Content-Type': 'text/xml; charset=utf-8', 'User-Agent': 'exchange-autodiscover', ...more };
    try {
      return (await sendAuthenticated(connection, { method: 'POST', url, headers, body }, authenticators)).outcome;
    } finally {
      connection.close();
    }
  };
}

/** Announced as Outlook 2016 does ([MS-OXDSCLI] 3.1.4 X-MapiHttpCapability). */
const NEWER: ClientCapabilities = { mapiHttpVersion: 1, exHttp: true };
const NEWER_HEADERS = { 'X-MapiHttpCapability': '1', 'X-ClientCanHandle': 'Negotiate, ExHttpInfo' };

/** `discovery` is what POX came to. Without an answer there is nobody to ask, and that has a check of its own. */
export async function furtherChecks(
  address: string,
  discovery: Discovery,
  expected: Resolution | undefined,
  deps: FurtherDeps,
): Promise<readonly Check[]> {
  const { askPox } = deps;
  const service = firstService(discovery);
  if (service === undefined || askPox === undefined) return [];
  const offered = newerOf((await deps.expected?.(address, NEWER))?.result);
  const [newer, mobileSync] = await Promise.all([
    offered === undefined ? [] : newerProtocolChecks(address, service, offered, askPox),
    mobileSyncChecks(address, service, expected?.result, askPox),
  ]);
  return [...unaskedChecks(address, discovery), ...newer, ...mobileSync];
}

const ANSWERS: readonly OutcomeName[] = [
  'settings',
  'redirect-address',
  'redirect-url',
  'http-redirect',
  'service-error',
];

/** The service that spoke first: where an address is led elsewhere, it is the one that leads. */
function firstService({ trace }: Discovery): URL | undefined {
  const first = trace.find(({ action, outcome }) => action.startsWith('POST https://') && ANSWERS.includes(outcome));
  return (first && URL.parse(first.action.slice('POST '.length))) || undefined;
}

function unaskedChecks(address: string, { result }: Discovery): readonly Check[] {
  const pox = result.outcome === 'found' ? result.pox : undefined;
  const unasked = [pox?.mapiHttp && 'mapiHttp', pox?.exHttp && 'EXHTTP'].filter((name) => name !== undefined);
  if (unasked.length === 0) return [];
  const detail = `${unasked.join(' and ')} without being asked for: EWS Managed API and older clients refuse the answer`;
  return [about(address).failed('pox unasked protocols', detail)];
}

/** Asked only where the configuration offers them. */
async function newerProtocolChecks(
  address: string,
  service: URL,
  wanted: PoxAnswer,
  askPox: AskPox,
): Promise<readonly Check[]> {
  const name = 'pox newer protocols';
  const { failed, passed } = about(address);
  const outcome = await askPox(service, address, 'outlook', NEWER_HEADERS);
  if (outcome.kind === 'failed') return [failed(name, `${outcome.reason}: ${outcome.detail}`)];
  const read = parsePoxResponse(outcome.body, outcome.headers['content-type']?.[0]);
  if (outcome.status !== 200 || read.action !== 'settings')
    return [failed(name, `HTTP ${outcome.status}, ${read.action}, to a client that announces them`)];
  return [
    passed(name, `asked for at ${service.href}`),
    ...compareTexts(address, 'pox mapiHttp', mapiHttpText(wanted.mapiHttp), mapiHttpText(read.answer.mapiHttp)),
    ...compareTexts(address, 'pox EXHTTP', exHttpText(wanted.exHttp), exHttpText(read.answer.exHttp)),
  ];
}

/** What our own rendering carries of the newer protocols; undefined when there is none of them. */
function newerOf(result: DiscoverResult | undefined): PoxAnswer | undefined {
  if (result?.action !== 'settings' || !(result.answer.mapiHttp || result.answer.exHttp)) return undefined;
  const read = parsePoxResponse(renderPoxResponse(result, { schema: 'outlook', now: new Date(0), serverId: 0 }));
  return read.action === 'settings' ? read.answer : undefined;
}

function mapiHttpText(urls: MapiHttpUrls | undefined): string | undefined {
  if (urls === undefined) return undefined;
  const pair = ({ internalUrl, externalUrl }: MapiHttpUrls['mailStore']) =>
    `${internalUrl ?? '-'} ${externalUrl ?? '-'}`;
  return `version ${urls.version}, mail store ${pair(urls.mailStore)}, address book ${pair(urls.addressBook)}`;
}

function exHttpText(endpoint: ExHttpEndpoint | undefined): string | undefined {
  return endpoint && `${endpoint.server}, ${endpoint.requiresSsl ? 'SSL' : 'no SSL'}, ${endpoint.authPackage}`;
}

/** ActiveSync's own answer: its URL, or where it leads. */
async function mobileSyncChecks(
  address: string,
  service: URL,
  expected: DiscoverResult | undefined,
  askPox: AskPox,
): Promise<readonly Check[]> {
  const name = 'mobilesync answer';
  const { failed, passed, warning } = about(address);
  const outcome = await askPox(service, address, 'mobilesync', {});
  if (outcome.kind === 'failed') return [failed(name, `${outcome.reason}: ${outcome.detail}`)];
  const served = servedOf(outcome);
  const text = mobileSyncText(served);
  if (expected === undefined) {
    const good = served.action === 'settings' || served.action === 'redirectAddr' || served.action === 'redirectUrl';
    return [good ? passed(name, text) : warning(name, text)];
  }
  const want = mobileSyncOf(expected, address);
  if (want.action === 'settings' && served.action === 'settings')
    return [
      passed(name, `asked for at ${service.href}`),
      ...compareTexts(address, 'mobilesync URL', activeSyncUrl(want), activeSyncUrl(served)),
      ...compareTexts(address, 'mobilesync DisplayName', want.displayName, served.displayName),
      ...compareTexts(address, 'mobilesync EMailAddress', want.emailAddress, served.emailAddress),
      ...compareTexts(address, 'mobilesync Culture', want.culture, served.culture),
    ];
  const same = want.action === served.action && verdictOf(want) === verdictOf(served);
  return [
    same
      ? passed(name, `${text}, as the directory says`)
      : failed(name, `${text}, but the directory says: ${mobileSyncText(want)}`),
  ];
}

/** A redirection to a URL is none of the schema: it is an HTTP answer. */
type MobileSyncVerdict = MobileSyncResponse | { readonly action: 'redirectUrl'; readonly url: string };

function servedOf({ status, headers, body }: Extract<HttpOutcome, { kind: 'answer' }>): MobileSyncVerdict {
  const location = headers.location?.[0];
  if (status >= 300 && status < 400 && location !== undefined) return { action: 'redirectUrl', url: location };
  if (status !== 200) return { action: 'malformed', detail: `HTTP ${status}` };
  return parseMobileSyncResponse(body, headers['content-type']?.[0]);
}

function mobileSyncOf(result: DiscoverResult, address: string): MobileSyncVerdict {
  if (result.action === 'redirectUrl')
    return { action: 'redirectUrl', url: inDialect(new URL(result.url), 'pox').href };
  const stamp = { now: new Date(0), serverId: 0, requestedAddress: address };
  return parseMobileSyncResponse(renderMobileSyncResponse(result, stamp));
}

function activeSyncUrl({ servers }: Extract<MobileSyncResponse, { action: 'settings' }>): string | undefined {
  return servers.find(({ type }) => type === 'MobileSync')?.url;
}

/** What decides, without the words around it. */
function verdictOf(answer: MobileSyncVerdict): string {
  switch (answer.action) {
    case 'settings':
      return activeSyncUrl(answer) ?? '';
    case 'redirectAddr':
      return answer.address.toLowerCase();
    case 'redirectUrl':
      return answer.url;
    case 'error':
      return String(answer.code);
    case 'malformed':
      return answer.detail;
  }
}

function mobileSyncText(answer: MobileSyncVerdict): string {
  switch (answer.action) {
    case 'settings':
      return `ActiveSync at ${activeSyncUrl(answer) ?? 'no URL'}`;
    case 'redirectAddr':
      return `leads to ${answer.address}`;
    case 'redirectUrl':
      return `leads to ${answer.url}`;
    case 'error':
      return `error ${answer.code} ${answer.message}`.trim();
    case 'malformed':
      return `no ActiveSync answer: ${answer.detail}`;
  }
}
