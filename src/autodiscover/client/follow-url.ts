// Asks one URL and follows where its answers lead, over HTTP redirections and redirections in the body, until there is a verdict.
// [MS-OXDSCLI] 3.1.5.2 redirect, [MS-OXDSCLI] 3.1.5.3 redirectAddr.
// Every hop passes the same gate: https, an Autodiscover path, a host inside the rules or consented to, not asked before.
import { inDialect } from '../wire/service-file.ts';
import { attemptRequest, processAttempt } from './attempt.ts';
import { challengesOf, sendAuthenticated } from './authenticate.ts';
import { isServicePath } from './candidates.ts';
import type { AnswerSource, NotFoundReason, StepName } from './discovery.ts';
import type { HttpAnswer } from './http-client.ts';
import type { ServiceAnswer } from './service-answer.ts';
import { begin, type Doing, type HttpFacts, record, type Walk } from './walk.ts';

/** Redirections followed at most, of URLs from one start and of addresses in one discovery. */
export const REDIRECT_LIMIT = 10;

/** Credentials turned down by this many places end the search: more would lock the account. */
const REJECTION_LIMIT = 3;

/** What following a URL came to. `next` means: try the next candidate; `reason` is why this one gave nothing, when that matters. */
export type Verdict =
  | { readonly kind: 'answered'; readonly answer: Settled; readonly source: AnswerSource }
  | { readonly kind: 'stop'; readonly reason: NotFoundReason; readonly detail: string }
  | { readonly kind: 'next'; readonly reason?: NotFoundReason; readonly detail?: string };

/** An answer that ends the chain of URLs. */
export type Settled = Extract<ServiceAnswer, { action: 'settings' | 'redirectAddr' | 'error' }>;

type Hop = Verdict | { readonly kind: 'redirect'; readonly to: string };

/** Asks `start` for `address`; `origin` says in words what led to it. */
export async function followUrl(
  walk: Walk,
  step: StepName,
  start: URL,
  address: string,
  origin: string,
): Promise<Verdict> {
  const chain = new Set<string>();
  let url = start;
  let from = origin;
  for (let hop = 0; hop <= REDIRECT_LIMIT; hop++) {
    const stopped = await gate(walk, step, url, address, from, chain);
    if (stopped !== undefined) return stopped;
    chain.add(url.href);
    walk.asked.add(askedKey(address, url));
    const result = await ask(walk, step, url, address);
    if (result.kind !== 'redirect') return result;
    const target = URL.parse(result.to, url.href);
    if (target === null || !isServicePath(target)) {
      const shown = target?.href ?? JSON.stringify(result.to.slice(0, 200));
      return refuse(walk, begin(walk, step, `redirect to ${shown}`), 'not the path of an Autodiscover service');
    }
    from = url.href;
    url = inDialect(target, walk.dialect);
  }
  const detail = `more than ${REDIRECT_LIMIT} redirections`;
  record(walk, begin(walk, step, `redirect to ${url.href}`), 'too-many-redirects', detail);
  return { kind: 'next', reason: 'too-many-redirects', detail };
}

function askedKey(address: string, url: URL): string {
  return `${address} ${url.href}`;
}

/** The rules every URL has to pass before it is contacted; undefined lets it through. */
async function gate(
  walk: Walk,
  step: StepName,
  url: URL,
  address: string,
  from: string,
  chain: ReadonlySet<string>,
): Promise<Verdict | undefined> {
  const doing = begin(walk, step, `POST ${url.href}`);
  if (chain.has(url.href)) {
    record(walk, doing, 'redirect-loop', `${from} leads back to it`);
    return { kind: 'next', reason: 'redirect-loop', detail: `redirections lead back to ${url.href}` };
  }
  if (walk.asked.has(askedKey(address, url))) {
    record(walk, doing, 'already-asked', 'an earlier step asked it');
    return { kind: 'next' };
  }
  if (url.protocol !== 'https:') return refuse(walk, doing, 'not https');
  if (url.username !== '' || url.password !== '') return refuse(walk, doing, 'the URL carries a user name');
  if (!(await walk.trust.allows(url.hostname, from))) {
    const detail = `${url.hostname} is outside the mail domain and was not consented to; ${from} leads there`;
    record(walk, doing, 'redirect-refused', detail);
    return { kind: 'next', reason: 'consent-refused', detail };
  }
  return undefined;
}

function refuse(walk: Walk, doing: Doing, detail: string): Verdict {
  record(walk, doing, 'redirect-refused', detail);
  return { kind: 'next' };
}

/** One exchange, recorded in the trace. */
async function ask(walk: Walk, step: StepName, url: URL, address: string): Promise<Hop> {
  const { deps, dialect } = walk;
  const doing = begin(walk, step, `POST ${url.href}`);
  const connection = deps.http.open();
  const request = attemptRequest({ url, dialect, address });
  const sent = await sendAuthenticated(connection, request, deps.authenticators).finally(() => connection.close());
  const { outcome, scheme } = sent;
  const { repeated } = outcome;
  if (outcome.kind === 'failed') {
    record(walk, doing, outcome.reason, outcome.detail, { answer: undefined, scheme, repeated });
    return { kind: 'next' };
  }
  const http = { answer: outcome, scheme, repeated };
  const meaning = processAttempt(dialect, outcome);
  switch (meaning.kind) {
    case 'http-redirect':
      record(walk, doing, 'http-redirect', `HTTP ${outcome.status} to ${meaning.location.slice(0, 300)}`, http);
      return { kind: 'redirect', to: meaning.location };
    case 'not-autodiscover':
      record(walk, doing, 'not-autodiscover', meaning.detail, http);
      return { kind: 'next' };
    case 'unavailable':
      record(walk, doing, 'unavailable', meaning.detail, http);
      return { kind: 'next', reason: 'unavailable', detail: `${url.href}: ${meaning.detail}` };
    case 'unauthorized':
      if (scheme === undefined) return noCommonScheme(walk, doing, url, outcome, sent.notes);
      return rejected(walk, doing, url, { ...http, scheme }, meaning.isAutodiscover);
    case 'answer': {
      const source: AnswerSource = { step, location: url.href, dialect, body: outcome.body, scheme };
      const [name, detail] = describeAnswer(meaning.answer);
      record(walk, doing, name, detail, http);
      return settle(meaning.answer, source);
    }
  }
}

function settle(answer: ServiceAnswer, source: AnswerSource): Hop {
  switch (answer.action) {
    case 'malformed':
      return { kind: 'next' };
    case 'redirectUrl':
      return { kind: 'redirect', to: answer.url };
    default:
      return { kind: 'answered', answer, source };
  }
}

/** How an answer reads in the trace. */
export function describeAnswer(
  answer: ServiceAnswer,
): readonly ['settings' | 'redirect-address' | 'redirect-url' | 'service-error' | 'malformed', string] {
  switch (answer.action) {
    case 'settings': {
      const server = answer.settings.InternalRpcClientServer ?? answer.settings.ExternalMailboxServer;
      return ['settings', server === undefined ? 'settings without an RPC server' : `server ${server}`];
    }
    case 'redirectAddr':
      return ['redirect-address', `to ${answer.address}`];
    case 'redirectUrl':
      return ['redirect-url', `to ${answer.url}`];
    case 'error':
      return ['service-error', `${answer.code} ${answer.message}`.trim()];
    case 'malformed':
      return ['malformed', answer.detail];
  }
}

/** The server wants credentials of a kind this client has not got. */
function noCommonScheme(walk: Walk, doing: Doing, url: URL, answer: HttpAnswer, notes: readonly string[]): Verdict {
  const offered = challengesOf(answer).map((challenge) => challenge.scheme);
  const offer = offered.length > 0 ? `offers ${offered.join(', ')}` : 'offers no scheme';
  const detail = `${offer}; ${notes.length > 0 ? notes.join('; ') : `this client was given ${schemesOf(walk)}`}`;
  record(walk, doing, 'no-common-scheme', detail, { answer, scheme: undefined });
  return { kind: 'next', reason: 'unauthorized', detail: `${url.host} ${detail}` };
}

/** The server turned our credentials down. */
function rejected(
  walk: Walk,
  doing: Doing,
  url: URL,
  http: HttpFacts & { readonly scheme: string },
  isAutodiscover: boolean,
): Verdict {
  walk.rejections++;
  const detail = `the server turned the ${http.scheme} credentials down`;
  record(walk, doing, 'unauthorized', detail, http);
  // A web site on the root domain may have a password of its own; an Autodiscover service knows the account.
  const stop = isAutodiscover || walk.rejections >= REJECTION_LIMIT;
  return { kind: stop ? 'stop' : 'next', reason: 'unauthorized', detail: `${url.href}: ${detail}` };
}

function schemesOf(walk: Walk): string {
  const schemes = walk.deps.authenticators.map((authenticator) => authenticator.scheme);
  return schemes.length > 0 ? schemes.join(' and ') : 'no credentials';
}
