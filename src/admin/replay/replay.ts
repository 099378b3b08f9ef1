// Sends recordings to a server and judges what comes back, and compares two servers setting by setting.

import { type Authenticator, sendAuthenticated } from '../../autodiscover/client/authenticate.ts';
import type { Dialect } from '../../autodiscover/client/discovery.ts';
import { inModelOrder } from '../../autodiscover/client/discovery-report.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from '../../autodiscover/client/http-client.ts';
import { readServiceAnswer } from '../../autodiscover/client/service-answer.ts';
import { parseJsonResponse } from '../../autodiscover/wire/json-redirect.ts';
import { parseMobileSyncResponse } from '../../autodiscover/wire/mobilesync-response.ts';
import { judge, type Violation } from './judge.ts';
import { RECORDINGS, type Recording } from './recordings.ts';

/** How one server took one recording. `status` is absent when there was no HTTP answer; `failure` then says why. */
export interface Playback {
  readonly recording: string;
  readonly status: number | undefined;
  readonly failure: string | undefined;
  readonly violations: readonly Violation[];
  /** What the answer says, for comparing: setting names and values, or the verdict. */
  readonly says: Readonly<Record<string, string>>;
}

export interface ReplayDeps {
  readonly http: HttpClient;
  readonly authenticators: readonly Authenticator[];
}

const NO_LEGACY_DN = '(none)';

/** Plays every recording against `server` (an https origin), one after the other: later ones need what the first answer tells. */
export async function replay(server: URL, address: string, deps: ReplayDeps): Promise<readonly Playback[]> {
  const played: Playback[] = [];
  let legacyDn = NO_LEGACY_DN;
  for (const recording of RECORDINGS) {
    if (recording.body?.includes('{legacyDn}') && legacyDn === NO_LEGACY_DN) continue;
    const playback = await play(server, recording, { address, legacyDn }, deps);
    legacyDn = playback.says.UserDN ?? legacyDn;
    played.push(playback);
  }
  return played;
}

interface Values {
  readonly address: string;
  readonly legacyDn: string;
}

async function play(server: URL, recording: Recording, values: Values, deps: ReplayDeps): Promise<Playback> {
  const connection = deps.http.open();
  try {
    const request = requestOf(server, recording, values);
    const outcome = recording.authenticated
      ? (await sendAuthenticated(connection, request, deps.authenticators)).outcome
      : await connection.send(request);
    if (outcome.kind === 'failed') {
      const failure = `${outcome.reason}: ${outcome.detail}`;
      const violations = [{ rule: 'answered', detail: failure }] as const;
      return { recording: recording.name, status: undefined, failure, violations, says: { failure: outcome.reason } };
    }
    return {
      recording: recording.name,
      status: outcome.status,
      failure: undefined,
      violations: judge(recording, outcome),
      says: saysOf(recording, outcome),
    };
  } finally {
    connection.close();
  }
}

function requestOf(server: URL, recording: Recording, { address, legacyDn }: Values): HttpRequest {
  const fill = (text: string, asked: string, dn = legacyDn) =>
    text.replaceAll(/\{address\}|\{legacyDn\}/g, (name) => (name === '{address}' ? asked : dn));
  const body = recording.body && fill(recording.body, xml(address), xml(legacyDn));
  const headers = Object.entries(recording.headers).map(([name, value]) => [name, fill(value, address)]);
  return {
    method: recording.method,
    url: new URL(fill(recording.path, encodeURIComponent(address)), server),
    headers: Object.fromEntries(headers) as Record<string, string>,
    ...(body !== undefined && { body }),
  };
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function saysOf(recording: Recording, answer: HttpAnswer): Readonly<Record<string, string>> {
  const location = answer.headers.location?.[0];
  const status = { status: String(answer.status), ...(location !== undefined && { location }) };
  if (answer.status !== 200) return status;
  const contentType = answer.headers['content-type']?.[0];
  switch (recording.expects) {
    case 'pox':
    case 'unknown':
    case 'soap':
      return { ...status, ...documentSays(recording.expects === 'soap' ? 'soap' : 'pox', answer.body, contentType) };
    case 'mobilesync': {
      const { servers, ...rest } = { servers: [], ...parseMobileSyncResponse(answer.body, contentType) };
      const urls = servers.map(({ type, url, name }) => [`${type} URL`, url ?? name]);
      return { ...status, ...asTexts(rest), ...asTexts(Object.fromEntries(urls)) };
    }
    case 'json':
      return { ...status, ...asTexts(parseJsonResponse(Buffer.from(answer.body).toString('utf8'))) };
    case 'challenge':
    case 'any':
      return status;
  }
}

function documentSays(dialect: Dialect, body: Uint8Array, contentType: string | undefined): Record<string, string> {
  const read = readServiceAnswer(dialect, body, contentType);
  if (read.action !== 'settings') return asTexts(read);
  const { mapiHttp, exHttp } = read.pox ?? {};
  return asTexts({ ...inModelOrder(read.settings), mapiHttp, EXHTTP: exHttp });
}

/** Every field that is there as one line of text. */
function asTexts(fields: object): Record<string, string> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    present.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(inOrder(value))]),
  );
}

/** The same value with its lists sorted: their order means nothing, and two servers need not share it. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(inOrder).map((item) => ({ item, text: JSON.stringify(item) }));
    return items.sort((one, other) => (one.text < other.text ? -1 : 1)).map(({ item }) => item);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, inOrder(part)]));
}

/** One thing that two servers say differently to the same recording. */
export interface Difference {
  readonly recording: string;
  readonly name: string;
  readonly server: string | undefined;
  readonly against: string | undefined;
}

/** Names that two good servers differ in: which of them answers, and with which domain controller and version. */
const OWN_TO_A_SERVER: ReadonlySet<string> = new Set(['ActiveDirectoryServer', 'message', 'location']);

/** What differs, in the order of the recordings; one that only one of them could be asked differs in all that is said. */
export function comparePlaybacks(server: readonly Playback[], against: readonly Playback[]): readonly Difference[] {
  const find = (played: readonly Playback[], name: string) => played.find(({ recording }) => recording === name)?.says;
  const recordings = new Set([...server, ...against].map(({ recording }) => recording));
  return [...recordings].flatMap((recording) => {
    const [one, other] = [find(server, recording), find(against, recording)];
    const names = new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})]);
    return [...names]
      .filter((name) => !OWN_TO_A_SERVER.has(name) && one?.[name] !== other?.[name])
      .map((name) => ({ recording, name, server: one?.[name], against: other?.[name] }));
  });
}
