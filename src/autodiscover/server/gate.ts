// What every request passes before a route sees it: the credentials, the body. And what becomes of errors on the way.

import { isUnavailable } from '../../ldap/errors.ts';
import type { DiscoverResult } from '../settings/user-settings.ts';
import type { AuthenticationOutcome } from './authentication/authenticator.ts';
import type { Refusal } from './authentication/refusal.ts';
import { clientAddress } from './client-address.ts';
import type { AppDependencies } from './dependencies.ts';
import type { EvenTime } from './even-time.ts';
import { contextOf, type Request, type Response } from './exchange-context.ts';
import { bodyReader } from './request-body.ts';
import { endWith } from './send.ts';

/** Seconds a client is asked to wait when the directory cannot be asked. */
const RETRY_AFTER_SECONDS = 30;

/** Answers a request whose body has been read. */
export type Route = (request: Request, response: Response) => Promise<void>;

export interface GateDependencies extends AppDependencies {
  /** The same for all routes. */
  readonly evenTime: EvenTime;
}

/** What stands before every route that needs to know who asks: one handler, because each further one costs its share of every request. */
export function guarded(dependencies: GateDependencies, route: Route): Route {
  const { authenticator } = dependencies;
  const readBody = bodyReader(dependencies.maxBodyBytes);
  return async (request, response) => {
    announce(response);
    const { authorization } = request.headers;
    const began = performance.now();
    const outcome = await authenticator.authenticate(authorization, request.socket, clientAddress(request));
    if (outcome.outcome !== 'caller') return refuse(request, response, { outcome, began }, dependencies);
    admit(request, response, outcome);
    // The body is not read before.
    if (!acceptsBody(request, response, dependencies.maxBodyBytes)) return;
    await readBody(request, response);
    await route(request, response);
  };
}

/**
 * Says on every answer of the authenticated paths, the 401 included, that there is a SOAP service: clients that know it ask nothing
 * else for it. They look for the presence of these headers, not for their values.
 */
function announce(response: Response): void {
  response.setHeader('X-SOAP-Enabled', 'True');
  response.setHeader('X-WSSecurity-Enabled', 'False');
  response.setHeader('X-WSSecurity-For', 'None');
}

type Admission = Extract<AuthenticationOutcome, { outcome: 'caller' }>;

function admit(request: Request, response: Response, { caller, header }: Admission): void {
  const context = contextOf(request);
  context.record.caller = caller.name;
  context.account = caller.account;
  context.record.scheme = caller.scheme;
  if (header !== undefined) response.setHeader('WWW-Authenticate', header);
}

interface Refused {
  readonly outcome: Exclude<AuthenticationOutcome, Admission>;
  /** When the credentials began to be looked at, as performance.now() tells it. */
  readonly began: number;
}

/** Answers whoever is not let through. */
async function refuse(
  request: Request,
  response: Response,
  { outcome, began }: Refused,
  dependencies: GateDependencies,
): Promise<void> {
  const { authenticator, evenTime } = dependencies;
  const { record } = contextOf(request);
  if (outcome.refusal !== undefined) reportRefusal(request, outcome, dependencies);
  switch (outcome.outcome) {
    case 'challenge':
      Object.assign(record, { outcome: 'not authenticated', reason: outcome.reason }, callerName(outcome.name));
      response.setHeader('WWW-Authenticate', authenticator.challenges(outcome.header));
      if (outcome.refusal !== undefined) await evenTime.leave(began, outcome.refusal, !outcome.repeated);
      endWith(response, 401);
      return;
    case 'unavailable':
      // A spent budget is the caller's doing; everything else is an answer that the service owes.
      record.outcome = outcome.refusal === undefined ? 'cannot authenticate' : 'failed too often';
      Object.assign(record, { reason: outcome.reason }, callerName(outcome.name));
      response.setHeader('Retry-After', String(outcome.retryAfterSeconds ?? RETRY_AFTER_SECONDS));
      endWith(response, 503);
      return;
  }
}

/** The line that log readers and fail2ban act on. The address stands before everything a client can choose. */
function reportRefusal(
  request: Request,
  outcome: { readonly refusal?: Refusal; readonly name?: string; readonly repeated?: boolean },
  { log, metrics }: AppDependencies,
): void {
  if (outcome.refusal !== undefined) metrics?.refused(outcome.refusal);
  const scheme = /^\s*([A-Za-z]{1,20})/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  log.warn(
    {
      event: outcome.repeated ? 'authentication-refused-again' : 'authentication-refused',
      address: clientAddress(request),
      refusal: outcome.refusal,
      scheme: scheme.toLowerCase(),
      id: contextOf(request).id,
      name: outcome.name ?? '',
    },
    'credentials refused',
  );
}

function callerName(name: string | undefined): { caller?: string } {
  return name === undefined ? {} : { caller: name };
}

const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS'];

/** False when the request is answered without its body. */
function acceptsBody(request: Request, response: Response, maxBodyBytes: number): boolean {
  const { record } = contextOf(request);
  if (!METHODS.includes(request.method ?? '') || request.method === 'OPTIONS') {
    record.outcome = 'method not allowed';
    response.setHeader('Allow', METHODS.join(', '));
    endWith(response, request.method === 'OPTIONS' ? 204 : 405);
    return false;
  }
  if (Number(request.headers['content-length'] ?? 0) <= maxBodyBytes) return true;
  // Refused before it is sent: the reader would take it all in first.
  record.outcome = 'body too large';
  response.setHeader('Connection', 'close');
  endWith(response, 413);
  return false;
}

/** Tells the client when to ask again, where an answer was not to be had because the directory could not be asked. */
export function askAgainLater(response: Response, results: readonly DiscoverResult[]): void {
  if (!results.some((result) => result.action === 'error' && result.isTemporary)) return;
  response.setHeader('Retry-After', String(RETRY_AFTER_SECONDS));
}

/** What no route takes. */
export function noSuchPath(request: Request, response: Response): void {
  contextOf(request).record.outcome = 'no such path';
  endWith(response, 404);
}

/**
 * Errors of reading a body (too large, undecodable, aborted) keep their status; a directory that cannot be asked is 503; everything
 * else is a fault of ours.
 */
export function failed(error: unknown, request: Request, response: Response): void {
  const claimed = isUnavailable(error) ? 503 : (error as { status?: unknown }).status;
  const kept = typeof claimed === 'number' && ((claimed >= 400 && claimed < 500) || claimed === 503);
  const status = kept ? claimed : 500;
  if (status === 503 && !response.headersSent) response.setHeader('Retry-After', String(RETRY_AFTER_SECONDS));
  Object.assign(contextOf(request).record, { outcome: 'failed', reason: String((error as Error).message ?? error) });
  if (response.headersSent) response.destroy();
  else endWith(response, status);
}
