// One candidate, tried as its step demands: a URL is asked, a redirection or a record is looked up and followed, a file is read.
import { inDialect } from '../wire/service-file.ts';
import { redirectionOf, USER_AGENT } from './attempt.ts';
import { type Candidate, isServicePath, serviceUrl } from './candidates.ts';
import { describeAnswer, followUrl, type Verdict } from './follow-url.ts';
import { readSavedResponse } from './saved-response.ts';
import { dialectOf } from './service-answer.ts';
import { begin, record, type SrvRecord, type Walk } from './walk.ts';

/** SRV targets tried at most. */
const SRV_LIMIT = 3;

/** Tries one candidate; an SRV record may lead to several verdicts. */
export async function* tryCandidate(walk: Walk, candidate: Candidate, address: string): AsyncGenerator<Verdict> {
  if ('skipped' in candidate) {
    record(walk, begin(walk, candidate.step, 'none'), 'skipped', candidate.skipped);
    return;
  }
  switch (candidate.step) {
    case 'scp':
      yield followUrl(walk, 'scp', inDialect(new URL(candidate.url), walk.dialect), address, candidate.source);
      return;
    case 'http-redirect':
      yield tryHttpRedirect(walk, new URL(candidate.url), address);
      return;
    case 'srv':
      yield* trySrv(walk, candidate.name, address);
      return;
    case 'local-file':
      yield tryLocalFile(walk, candidate.path, address);
      return;
    default:
      yield followUrl(walk, candidate.step, new URL(candidate.url), address, `the ${candidate.step} step`);
  }
}

/** An anonymous GET over http whose only use is the redirection it may answer. Nothing else in the answer is believed. */
async function tryHttpRedirect(walk: Walk, url: URL, address: string): Promise<Verdict> {
  const { deps } = walk;
  const doing = begin(walk, 'http-redirect', `GET ${url.href}`);
  if (!(await walk.trust.allows(url.hostname, 'the http-redirect step'))) {
    record(walk, doing, 'redirect-refused', `${url.hostname} was not consented to`);
    return { kind: 'next', reason: 'consent-refused', detail: `${url.hostname} was not consented to` };
  }
  const connection = deps.http.open();
  const request = { method: 'GET', url, headers: { 'User-Agent': USER_AGENT } } as const;
  const outcome = await connection.send(request).finally(() => connection.close());
  if (outcome.kind === 'failed') {
    record(walk, doing, outcome.reason, outcome.detail);
    return { kind: 'next' };
  }
  const http = { answer: outcome, scheme: undefined };
  const location = redirectionOf(outcome);
  if (location === undefined) {
    record(walk, doing, 'not-autodiscover', `HTTP ${outcome.status}, no redirection`, http);
    return { kind: 'next' };
  }
  const target = URL.parse(location, url.href);
  if (target === null || !isServicePath(target)) {
    const detail = `HTTP ${outcome.status} to ${location.slice(0, 300)}, not the path of an Autodiscover service`;
    record(walk, doing, 'redirect-refused', detail, http);
    return { kind: 'next' };
  }
  record(walk, doing, 'http-redirect', `HTTP ${outcome.status} to ${target.href}`, http);
  return followUrl(walk, 'http-redirect', inDialect(target, walk.dialect), address, url.href);
}

/** [MS-OXDISCO] 3.1.5.3 SRV, RFC 2782: lowest priority first; among equals the heavier, always in the same order so that runs can be compared. */
async function* trySrv(walk: Walk, name: string, address: string): AsyncGenerator<Verdict> {
  const doing = begin(walk, 'srv', `SRV ${name}`);
  let records: readonly SrvRecord[];
  try {
    records = await walk.deps.resolveSrv(name);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const none = code === 'ENOTFOUND' || code === 'ENODATA';
    const detail = none ? 'no such record' : error instanceof Error ? error.message : String(error);
    record(walk, doing, none ? 'no-record' : 'lookup-failed', detail);
    return;
  }
  // A record with another port is ignored by Outlook's peers alike: EWS Managed API and exchangelib discard it.
  const usable = records.filter((srv) => srv.port === 443 && srv.name !== '' && srv.name !== '.');
  const shown = records
    .map((srv) => `${srv.name}:${srv.port}`)
    .join(', ')
    .slice(0, 300);
  if (usable.length === 0) {
    const detail = records.length > 0 ? `no target with port 443 among ${shown}` : 'no such record';
    record(walk, doing, 'no-record', detail);
    return;
  }
  record(walk, doing, 'record', shown);
  const ordered = usable.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
  for (const srv of ordered.slice(0, SRV_LIMIT)) {
    const url = URL.parse(serviceUrl(srv.name.replace(/\.$/, ''), walk.dialect));
    if (url !== null) yield followUrl(walk, 'srv', url, address, doing.action);
  }
}

async function tryLocalFile(walk: Walk, path: string, address: string): Promise<Verdict> {
  const doing = begin(walk, 'local-file', `file ${path}`);
  let body: Uint8Array;
  try {
    body = await walk.deps.readFile(path);
  } catch (error) {
    record(walk, doing, 'unreadable', error instanceof Error ? error.message : String(error));
    return { kind: 'next' };
  }
  const answer = readSavedResponse(body);
  const [name, detail] = describeAnswer(answer);
  record(walk, doing, name, detail);
  switch (answer.action) {
    case 'malformed':
      return { kind: 'next' };
    case 'redirectUrl': {
      const url = URL.parse(answer.url);
      if (url === null || !isServicePath(url)) {
        const refused = begin(walk, 'local-file', `redirect to ${answer.url.slice(0, 300)}`);
        record(walk, refused, 'redirect-refused', 'not the path of an Autodiscover service');
        return { kind: 'next' };
      }
      walk.trust.add(url.hostname); // the file is the user's own configuration
      return followUrl(walk, 'local-file', inDialect(url, walk.dialect), address, path);
    }
    default: {
      const dialect = dialectOf(body) ?? 'pox';
      return {
        kind: 'answered',
        answer,
        source: { step: 'local-file', location: path, dialect, body, scheme: undefined },
      };
    }
  }
}
