// One address: what a client is served, in both dialects, against what the directory says; and where the answer leads, for the checks
// that follow it.

import type { Dialect, Discovery, DiscoveryResult, TraceEntry } from '../../autodiscover/client/discovery.ts';
import type { Resolution } from '../../autodiscover/settings/resolve.ts';
import type { UserSettings } from '../../autodiscover/settings/user-settings.ts';
import { inDialect } from '../../autodiscover/wire/service-file.ts';
import { daysLeft } from '../probe/web-probe.ts';
import { about, type Check } from './check.ts';
import { carriedBy, codeOf, compareSettings } from './compare-settings.ts';
import { type FurtherDeps, furtherChecks } from './further-answers.ts';

/** `expected` is straight from the directory; absent when there are no directory credentials. */
export interface AddressDeps extends FurtherDeps {
  readonly discover: (address: string, dialect: Dialect) => Promise<Discovery>;
  readonly clock: () => Date;
}

/** `servers` are RPC endpoints, `urls` web services, `services` the origins that gave an answer. */
export interface AddressReport {
  readonly checks: readonly Check[];
  readonly servers: readonly string[];
  readonly urls: readonly string[];
  readonly services: readonly string[];
}

const DIALECTS = ['pox', 'soap'] as const;
/** A certificate with fewer days left than this is warned about. */
const CERTIFICATE_WARN_DAYS = 30;

/** Checks one address. Never rejects for what the network or the services do. */
export async function verifyAddress(address: string, deps: AddressDeps): Promise<AddressReport> {
  const [expected, ...discoveries] = await Promise.all([
    deps.expected?.(address),
    ...DIALECTS.map((dialect) => deps.discover(address, dialect)),
  ] as const);
  const checks = [directoryCheck(address, expected)];
  const reached = { servers: new Set<string>(), urls: new Set<string>(), services: new Set<string>() };
  DIALECTS.forEach((dialect, at) => {
    const discovery = discoveries[at] as Discovery;
    checks.push(...answerChecks(address, dialect, discovery, expected, deps.clock()));
    collect(discovery, reached);
  });
  checks.push(...(await furtherChecks(address, discoveries[0] as Discovery, expected, deps)));
  return {
    checks,
    servers: [...reached.servers],
    urls: [...reached.urls],
    services: [...reached.services],
  };
}

/** Whether the directory itself gives this address a sound answer: every fall-back is a fault to be mended. */
function directoryCheck(address: string, expected: Resolution | undefined): Check {
  const { passed, failed, skipped } = about(address);
  if (expected === undefined) return skipped('directory', 'no directory credentials: served settings are not compared');
  const { result, trace } = expected;
  if (trace.warnings.length > 0) return failed('directory', trace.warnings.join('; '));
  switch (result.action) {
    case 'error':
      return failed('directory', `no answer is possible: ${result.fault} (${result.detail})`);
    case 'settings':
      return passed('directory', `server ${result.answer.settings.InternalRpcClientServer}`);
    case 'redirectAddr':
      return passed('directory', `leads to ${result.address}`);
    case 'redirectUrl':
      return passed('directory', `leads to ${result.url}`);
  }
}

function answerChecks(
  address: string,
  dialect: Dialect,
  discovery: Discovery,
  expected: Resolution | undefined,
  now: Date,
): readonly Check[] {
  const name = `${dialect} answer`;
  const { passed, failed } = about(address);
  const { result } = discovery;
  const last = discovery.trace.at(-1);
  const transport = last?.tls ? certificateChecks(address, dialect, last, now) : [];
  switch (result.outcome) {
    case 'not-found':
      return [
        failed(name, `${result.reason}: ${result.detail}${stepsText(discovery.trace)}`),
        ...badCertificateChecks(address, dialect, discovery.trace),
      ];
    case 'service-error': {
      const want = expected?.result;
      const text = `${result.source.location} answers ${result.code} ${result.message}`.trim();
      const agrees = want?.action === 'error' && codeOf(dialect, want.fault) === result.code;
      return [agrees ? passed(name, `${text}, as the directory says`) : failed(name, text), ...transport];
    }
    case 'redirect-address': {
      const want = expected?.result;
      const agrees = want === undefined || (want.action === 'redirectAddr' && sameText(want.address, result.address));
      return [
        agrees ? passed(name, `leads to ${result.address}`) : failed(name, `leads to ${result.address}`),
        ...transport,
      ];
    }
    case 'found':
      return [...foundChecks(address, dialect, discovery, result, expected), ...transport];
  }
}

function foundChecks(
  address: string,
  dialect: Dialect,
  { finalAddress, trace }: Discovery,
  result: Extract<DiscoveryResult, { outcome: 'found' }>,
  expected: Resolution | undefined,
): readonly Check[] {
  const { passed, failed, skipped } = about(address);
  const name = `${dialect} answer`;
  const { step, location, scheme } = result.source;
  const how = `found by ${step} at ${location} (${scheme ?? 'anonymous'})`;
  if (expected === undefined) return [passed(name, how), skipped(`${dialect} settings`, 'nothing to compare with')];
  if (expected.result.action === 'settings') {
    const want = carriedBy(dialect, expected.result.answer);
    return [passed(name, how), ...compareSettings(address, dialect, want, result.settings)];
  }
  if (expected.result.action === 'redirectAddr' && sameText(expected.result.address, finalAddress))
    return [passed(name, `${how}, after leading to ${finalAddress}`)];
  if (expected.result.action === 'redirectUrl') {
    const url = inDialect(new URL(expected.result.url), dialect).href;
    // What is served there is the other version's business.
    if (trace.some(({ action }) => action === `POST ${url}`)) return [passed(name, `${how}, after leading to ${url}`)];
  }
  const want = expected.result.action === 'error' ? `the fault ${expected.result.fault}` : 'a redirection';
  return [failed(name, `${how}, but the directory says ${want}`)];
}

function certificateChecks(address: string, dialect: Dialect, { tls }: TraceEntry, now: Date): readonly Check[] {
  const { passed, warning } = about(address);
  const name = `${dialect} certificate`;
  const left = daysLeft(tls?.validTo ?? '', now);
  const text = `${tls?.subject} by ${tls?.issuer}, until ${tls?.validTo}`;
  // The client verifies names, chain and dates: an answer that came over TLS came over a good certificate.
  return [
    left !== undefined && left < CERTIFICATE_WARN_DAYS ? warning(name, `ends soon: ${text}`) : passed(name, text),
  ];
}

/** Names, chains and dates that were refused on the way to nothing: each is likely the reason. */
function badCertificateChecks(address: string, dialect: Dialect, trace: readonly TraceEntry[]): readonly Check[] {
  const bad = trace.filter(({ outcome }) => outcome.startsWith('certificate-'));
  if (bad.length === 0) return [];
  const text = bad.map(({ action, outcome, detail }) => `${action}: ${outcome}: ${detail}`).join('; ');
  return [about(address).failed(`${dialect} certificate`, text)];
}

/** The steps that were tried, for an address that nothing was found for. */
function stepsText(trace: readonly TraceEntry[]): string {
  const tried = trace.filter(({ outcome }) => outcome !== 'skipped').map(({ step, outcome }) => `${step} ${outcome}`);
  return tried.length === 0 ? '' : ` (${[...new Set(tried)].join(', ')})`;
}

function collect(
  { result, trace }: Discovery,
  reached: { servers: Set<string>; urls: Set<string>; services: Set<string> },
): void {
  if (result.outcome === 'not-found') {
    // Somebody is there, but not with this TLS: which versions he takes tells the rest.
    for (const { action, outcome } of trace) {
      if (outcome === 'tls' || outcome.startsWith('certificate-')) addOrigin(reached.services, action.split(' ')[1]);
    }
    return;
  }
  addOrigin(reached.services, result.source.location);
  if (result.outcome !== 'found') return;
  const { InternalRpcClientServer, AlternateMailboxes } = result.settings;
  if (InternalRpcClientServer !== undefined) reached.servers.add(InternalRpcClientServer.toLowerCase());
  for (const { server } of AlternateMailboxes ?? []) reached.servers.add(server.toLowerCase());
  for (const url of webServiceUrls(result.settings)) reached.urls.add(url);
}

function addOrigin(origins: Set<string>, location: string | undefined): void {
  const url = URL.parse(location ?? '');
  if (url?.protocol === 'https:') origins.add(url.origin);
}

/** The URLs that Outlook asks by itself: EWS (which also carries availability) and the offline address book, inside and outside. */
function webServiceUrls(settings: UserSettings): readonly string[] {
  const { InternalEwsUrl, ExternalEwsUrl, InternalOABUrl, ExternalOABUrl } = settings;
  return [InternalEwsUrl, ExternalEwsUrl, InternalOABUrl, ExternalOABUrl].filter((url) => url !== undefined);
}

function sameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
