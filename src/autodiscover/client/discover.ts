// Finds the Autodiscover service of an address and asks it: the one client for `query`, for verification and for the migrator. The
// order is a list made by candidates.ts; this file walks it, and starts again when an answer leads to another address.
import { normalizeAddress } from '../wire/address.ts';
import { inDialect } from '../wire/service-file.ts';
import { type Candidate, type CandidateOptions, listCandidates } from './candidates.ts';
import type { Discovery, DiscoveryResult, NotFoundReason, TraceEntry } from './discovery.ts';
import { REDIRECT_LIMIT, type Settled, type Verdict } from './follow-url.ts';
import { lookUpScps, type ScpUrl } from './scp-lookup.ts';
import { TrustedHosts } from './trust.ts';
import { tryCandidate } from './try-candidate.ts';
import { type DiscoveryDeps, record, type SrvRecord, type Walk } from './walk.ts';

export type { DiscoveryDeps, SrvRecord };

/** What to find. `server` asks that one URL and searches nothing; it must be https. */
export interface DiscoveryRequest extends CandidateOptions {
  readonly address: string;
  readonly server?: URL;
}

/** Runs a discovery. Everything the network and the services do is a value in the result; nothing of it is thrown. */
export async function discover(request: DiscoveryRequest, deps: DiscoveryDeps): Promise<Discovery> {
  const normal = normalizeAddress(request.address);
  if ('reason' in normal) {
    const result: DiscoveryResult = { outcome: 'not-found', reason: 'invalid-address', detail: normal.reason };
    return { address: request.address, finalAddress: request.address, result, trace: [] };
  }
  const { address } = normal;
  const walk: Walk = {
    deps,
    dialect: request.dialect,
    trust: new TrustedHosts(domainOf(address), deps.askConsent),
    trace: [],
    asked: new Set(),
    rejections: 0,
  };
  if (request.server !== undefined) walk.trust.add(request.server.hostname);
  const { finalAddress, result } = await walkAddresses(walk, request, address);
  return { address, finalAddress, result, trace: walk.trace };
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

type Ended = { readonly finalAddress: string; readonly result: DiscoveryResult };

async function walkAddresses(walk: Walk, request: DiscoveryRequest, start: string): Promise<Ended> {
  const visited = new Set<string>();
  let address = start;
  for (let hop = 0; hop <= REDIRECT_LIMIT; hop++) {
    visited.add(address.toLowerCase());
    walk.trust.enter(domainOf(address));
    // The local file is kept for the domain the search began with.
    const { localFile: _localFile, ...elsewhere } = request;
    const here = domainOf(address) === domainOf(start) ? request : elsewhere;
    const result = await walkCandidates(walk, here, address);
    if (result.outcome !== 'redirect-address' || request.server !== undefined) return { finalAddress: address, result };
    const normal = normalizeAddress(result.address);
    if ('reason' in normal)
      return { finalAddress: address, result: notFound('no-service', `redirected: ${normal.reason}`) };
    if (visited.has(normal.address.toLowerCase())) {
      const detail = `address redirections lead back to ${normal.address}`;
      return { finalAddress: address, result: notFound('redirect-loop', detail) };
    }
    address = normal.address;
  }
  return { finalAddress: address, result: notFound('too-many-redirects', `more than ${REDIRECT_LIMIT} addresses`) };
}

function notFound(reason: NotFoundReason, detail: string): DiscoveryResult {
  return { outcome: 'not-found', reason, detail };
}

/** What to try for one address. A preferred local file comes before the directory is asked. */
async function* candidatesOf(walk: Walk, request: DiscoveryRequest, address: string): AsyncGenerator<Candidate> {
  if (request.server !== undefined) {
    yield { step: 'server', url: inDialect(request.server, walk.dialect).href };
    return;
  }
  const domain = domainOf(address);
  const ahead = request.preferLocalFile ? 1 : 0;
  yield* listCandidates(domain, [], request).slice(0, ahead);
  yield* listCandidates(domain, await findScps(walk, request, address), request).slice(ahead);
}

/** Tries the candidates of one address until one of them settles it; otherwise the most telling of what went wrong. */
async function walkCandidates(walk: Walk, request: DiscoveryRequest, address: string): Promise<DiscoveryResult> {
  let best: DiscoveryResult = notFound('no-service', 'no step led to an Autodiscover service');
  for await (const candidate of candidatesOf(walk, request, address)) {
    for await (const verdict of tryCandidate(walk, candidate, address)) {
      if (verdict.kind === 'stop') return notFound(verdict.reason, verdict.detail);
      if (verdict.kind === 'next') {
        best = moreTelling(best, verdict);
        continue;
      }
      const result = asResult(verdict.answer, verdict.source);
      if (!mayAskOthers(candidate, verdict.answer)) return result;
      best = best.outcome === 'service-error' ? best : result;
    }
  }
  return request.server === undefined ? best : withLastStep(best, walk.trace.at(-1));
}

/** One server was asked: what came of it is why nothing was found. */
function withLastStep(result: DiscoveryResult, last: TraceEntry | undefined): DiscoveryResult {
  if (result.outcome !== 'not-found' || result.reason !== 'no-service' || !last) return result;
  return notFound('no-service', `${last.action.replace(/^POST /, '')}: ${last.outcome}: ${last.detail}`);
}

/** Reasons by how much they tell, least first. */
const TELLING: readonly NotFoundReason[] = [
  'no-service',
  'too-many-redirects',
  'redirect-loop',
  'consent-refused',
  'unavailable',
  'unauthorized',
];

function moreTelling(best: DiscoveryResult, verdict: Extract<Verdict, { kind: 'next' }>): DiscoveryResult {
  if (best.outcome !== 'not-found' || verdict.reason === undefined) return best;
  if (TELLING.indexOf(verdict.reason) <= TELLING.indexOf(best.reason)) return best;
  return notFound(verdict.reason, verdict.detail ?? '');
}

/**
 * Whether an answer leaves room for the next candidate. A service that knows the address, or knows that there is none, has spoken;
 * one in trouble has not, and neither has one found through a published record, of which there may be several (as EWS Managed API).
 */
function mayAskOthers(candidate: Candidate, answer: Settled): boolean {
  if (answer.action !== 'error' || candidate.step === 'server') return false;
  const final =
    answer.fault === 'unknown-address' || answer.fault === 'not-a-mailbox' || answer.fault === 'misconfigured';
  return candidate.step === 'scp' || !final;
}

function asResult(answer: Settled, source: Extract<Verdict, { kind: 'answered' }>['source']): DiscoveryResult {
  switch (answer.action) {
    case 'settings':
      return { outcome: 'found', settings: answer.settings, pox: answer.pox, source };
    case 'redirectAddr':
      return { outcome: 'redirect-address', address: answer.address, source };
    case 'error':
      return { outcome: 'service-error', code: answer.code, message: answer.message, fault: answer.fault, source };
  }
}

async function findScps(
  walk: Walk,
  request: DiscoveryRequest,
  address: string,
): Promise<readonly ScpUrl[] | undefined> {
  const { lookupScp, clock } = walk.deps;
  if (lookupScp === undefined || request.exclude?.includes('scp'))
    return request.exclude?.includes('scp') ? [] : undefined;
  const choice = await lookUpScps(domainOf(address), lookupScp, clock);
  for (const hop of choice.hops) {
    const started = clock() - hop.elapsedMs;
    record(walk, { step: 'scp', action: `LDAP ${hop.ldapUrl ?? 'own directory'}`, started }, hop.outcome, hop.detail);
  }
  // The directory is the caller's own, reached as the caller: what it publishes needs no consent.
  for (const scp of choice.urls) walk.trust.add(new URL(scp.url).hostname);
  return choice.urls;
}
