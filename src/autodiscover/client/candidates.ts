// Which places to ask for an address, in order. Pure: address, published records and options in, a list out; whoever wants to know
// why a client asks what it asks reads this file. [MS-OXDISCO] 3.1.5 Sequencing; the order is that of Outlook and the EWS Managed API.
import { inDialect, SERVICE_FILES } from '../wire/service-file.ts';
import type { Dialect, DiscoveryStep } from './discovery.ts';
import type { ScpUrl } from './scp-lookup.ts';

/** One place to try. `url` is asked by POST; `http-redirect` by an anonymous GET; `srv` and `local-file` lead to a URL or an answer. */
export type Candidate =
  | { readonly step: 'scp'; readonly url: string; readonly source: string }
  | { readonly step: 'root-domain' | 'autodiscover-host' | 'server'; readonly url: string }
  | { readonly step: 'http-redirect'; readonly url: string }
  | { readonly step: 'srv'; readonly name: string }
  | { readonly step: 'local-file'; readonly path: string }
  | { readonly step: DiscoveryStep; readonly skipped: string };

export interface CandidateOptions {
  readonly dialect: Dialect;
  /** Steps to leave out, as Outlook's Exclude... registry values do. */
  readonly exclude?: readonly DiscoveryStep[];
  /** A file with a stored answer or a redirection; without it the step is skipped. */
  readonly localFile?: string;
  /** Try the local file first, as Outlook's PreferLocalXML does. */
  readonly preferLocalFile?: boolean;
}

/** Matches the service path that a redirection may lead to, in any case, with or without one segment between. */
const SERVICE_PATH = /\/autodiscover\/+(?:[^/]+\/+)?autodiscover\.(?:xml|svc)\/?$/i;

/** The URL of a service on `host`, made from the mail domain by the client itself. [MS-OXDISCO] 3.1.5.2 domain */
export function serviceUrl(host: string, dialect: Dialect): string {
  return `https://${host}/autodiscover/${SERVICE_FILES[dialect]}`;
}

/** True when the path is one of an Autodiscover service, and so no login page or web site. */
export function isServicePath(url: URL): boolean {
  return SERVICE_PATH.test(url.pathname);
}

/** Reads what an administrator gives as a server: a URL, or a bare host. Undefined unless it is https. */
export function parseServerUrl(text: string, dialect: Dialect): URL | undefined {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  if (url === null || url.protocol !== 'https:' || url.hostname === '') return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  if (url.pathname === '/') return new URL(serviceUrl(url.host, dialect));
  return inDialect(url, dialect);
}

/**
 * The candidates for one mail domain (an A-label name). `scps` are already ordered by the site rules; undefined means that no
 * directory was at hand. Never a domain above the mail domain: whoever runs that is not known to be trusted by this one.
 */
export function listCandidates(
  domain: string,
  scps: readonly ScpUrl[] | undefined,
  options: CandidateOptions,
): readonly Candidate[] {
  const { dialect, localFile } = options;
  const host = `autodiscover.${domain}`;
  const list: Candidate[] = [];
  if (scps === undefined) list.push({ step: 'scp', skipped: 'no directory to search' });
  for (const scp of scps ?? []) list.push({ step: 'scp', url: scp.url, source: scp.distinguishedName });
  list.push(
    { step: 'root-domain', url: serviceUrl(domain, dialect) },
    { step: 'autodiscover-host', url: serviceUrl(host, dialect) },
    { step: 'http-redirect', url: `http://${host}/autodiscover/${SERVICE_FILES[dialect]}` },
    { step: 'srv', name: `_autodiscover._tcp.${domain}` },
  );
  const local: Candidate =
    localFile === undefined
      ? { step: 'local-file', skipped: 'no file given' }
      : { step: 'local-file', path: localFile };
  if (options.preferLocalFile) list.unshift(local);
  else list.push(local);
  return leaveOut(list, options.exclude ?? []);
}

/** Replaces the candidates of excluded steps by one line each that says so. */
function leaveOut(list: readonly Candidate[], exclude: readonly DiscoveryStep[]): readonly Candidate[] {
  const seen = new Set<string>();
  return list.flatMap((candidate): readonly Candidate[] => {
    const excluded = exclude.find((step) => step === candidate.step);
    if (excluded === undefined) return [candidate];
    if (seen.has(excluded)) return [];
    seen.add(excluded);
    return [{ step: excluded, skipped: 'excluded' }];
  });
}
