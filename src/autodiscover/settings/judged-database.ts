// The part of an answer that depends on the database alone, worked out once per database and snapshot. Snapshots are immutable, so nothing
// here can become stale: a new snapshot is judged anew, and what was known of the old one goes with it.

import type { MailboxDatabase } from '../../ldap/exchange-organization.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { type DatabaseAnswer, databaseAnswer } from './build-settings.ts';
import { type RpcEndpointDecision, rpcEndpoint } from './rpc-endpoint.ts';
import { type ChosenUrl, Trace, type TraceStep } from './trace.ts';

export interface JudgedDatabase {
  readonly endpoint: RpcEndpointDecision;
  /** Undefined without an endpoint, and when no web service URL is known anywhere. */
  readonly answer: DatabaseAnswer | undefined;
  readonly steps: readonly TraceStep[];
  readonly urls: readonly ChosenUrl[];
}

interface Remembered {
  readonly externalSite: string | undefined;
  readonly judged: JudgedDatabase;
}

/** By snapshot and database, for the site that was asked about last: a service asks about one alone. */
const remembered = new WeakMap<OrganizationIndex, Map<MailboxDatabase, Remembered>>();

export function judgeDatabase(
  database: MailboxDatabase,
  index: OrganizationIndex,
  externalSite: string | undefined,
): JudgedDatabase {
  let known = remembered.get(index);
  if (!known) {
    known = new Map();
    remembered.set(index, known);
  }
  const before = known.get(database);
  if (before && before.externalSite === externalSite) return before.judged;
  const judged = judge(database, index, externalSite);
  known.set(database, { externalSite, judged });
  return judged;
}

function judge(database: MailboxDatabase, index: OrganizationIndex, externalSite: string | undefined): JudgedDatabase {
  const trace = new Trace();
  const endpoint = rpcEndpoint(database, index);
  trace.info(endpoint.reason);
  if (endpoint.status !== 'endpoint') return { endpoint, answer: undefined, steps: trace.steps, urls: [] };
  if (endpoint.warning) trace.warn(endpoint.warning);
  const answer = databaseAnswer({ database, endpoint, index, externalSite }, trace);
  return { endpoint, answer, steps: trace.steps, urls: trace.facts.urls };
}
