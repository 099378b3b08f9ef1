// Sends a request the way a careful client does: first without credentials, and with them only when the server asks, by the first
// scheme of ours that it offers. Only over https; anything else is a programming error, because no rule of discovery allows it.
import { type Challenge, findChallenge, parseChallenges } from './challenges.ts';
import type { HttpAnswer, HttpConnection, HttpOutcome, HttpRequest } from './http-client.ts';

/** One way to prove who the caller is. */
export interface Authenticator {
  readonly scheme: string;
  /** Begins for one server. `unavailable` says why this scheme cannot be used there, for the trace. */
  begin(url: URL): Promise<AuthenticationRun | { readonly unavailable: string }>;
}

/** The legs of one authentication on one connection. */
export interface AuthenticationRun {
  /** The Authorization header's value for the next leg, or undefined when there is nothing more to say. */
  next(challenge: Challenge | undefined): Promise<string | undefined>;
}

/** How an authenticated request ended. `notes` are the schemes that could not be used, with the reason. */
export interface AuthenticatedOutcome {
  readonly outcome: HttpOutcome;
  /** The scheme whose credentials the last request carried; undefined when it was anonymous. */
  readonly scheme: string | undefined;
  readonly notes: readonly string[];
}

/** Negotiate may take several legs; no mechanism here needs more than three. */
const LEG_LIMIT = 6;

/** User name and password as HTTP Basic, UTF-8 ([RFC 7617] 2 Basic). The password is asked for once, when a server first wants it. */
export function basicAuthenticator(
  user: string,
  askPassword: (url: URL) => Promise<string | undefined>,
): Authenticator {
  let password: Promise<string | undefined> | undefined;
  return {
    scheme: 'Basic',
    async begin(url) {
      if (user.includes(':')) return { unavailable: 'a user name with a colon cannot be sent by Basic' };
      password ??= askPassword(url);
      const known = await password;
      if (known === undefined || known === '') return { unavailable: 'no password was given' };
      let spent = false;
      return {
        async next() {
          if (spent) return undefined;
          spent = true;
          return `Basic ${Buffer.from(`${user}:${known}`, 'utf8').toString('base64')}`;
        },
      };
    },
  };
}

/** Sends `request`, and again with credentials when it is answered 401. The connection must be fresh: schemes may bind to it. */
export async function sendAuthenticated(
  connection: HttpConnection,
  request: HttpRequest,
  authenticators: readonly Authenticator[],
): Promise<AuthenticatedOutcome> {
  if (request.url.protocol !== 'https:')
    throw new RangeError(`credentials are sent over https only, not to ${request.url}`);
  const first = await connection.send(request);
  if (first.kind === 'failed' || first.status !== 401) return { outcome: first, scheme: undefined, notes: [] };
  const offered = challengesOf(first);
  const notes: string[] = [];
  for (const authenticator of authenticators) {
    if (findChallenge(offered, authenticator.scheme) === undefined) continue;
    const run = await authenticator.begin(request.url);
    if ('unavailable' in run) {
      notes.push(`${authenticator.scheme}: ${run.unavailable}`);
      continue;
    }
    return {
      outcome: await sendLegs(connection, request, run, authenticator.scheme),
      scheme: authenticator.scheme,
      notes,
    };
  }
  return { outcome: first, scheme: undefined, notes };
}

async function sendLegs(
  connection: HttpConnection,
  request: HttpRequest,
  run: AuthenticationRun,
  scheme: string,
): Promise<HttpOutcome> {
  let last: HttpOutcome = { kind: 'failed', reason: 'network-error', detail: `${scheme} produced no token` };
  let challenge: Challenge | undefined;
  for (let leg = 0; leg < LEG_LIMIT; leg++) {
    const authorization = await run.next(challenge);
    if (authorization === undefined) return last;
    const headers = { ...request.headers, Authorization: authorization };
    // A token that answers one of the server's means nothing to it on another connection.
    last = await connection.send({ ...request, headers, boundToConnection: challenge?.token !== undefined });
    if (last.kind === 'failed' || last.status !== 401) return last;
    challenge = findChallenge(challengesOf(last), scheme);
    if (challenge?.token === undefined) return last;
  }
  return last;
}

/** The challenges of a 401 answer. */
export function challengesOf(answer: HttpAnswer): readonly Challenge[] {
  return parseChallenges(answer.headers['www-authenticate'] ?? []);
}
