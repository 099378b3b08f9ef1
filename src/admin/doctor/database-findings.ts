// What each mailbox database names as its RPC endpoint, judged. The decisions are those of the answer itself (rpc-endpoint.ts); here
// they become findings with a remedy. Pure.

import { rpcEndpoint } from '../../autodiscover/settings/rpc-endpoint.ts';
import { type MailboxDatabase, SERVER_ROLE } from '../../ldap/exchange-organization.ts';
import { rpcEndpointDn } from '../../ldap/legacy-dn.ts';
import { dnTextKey, type OrganizationIndex } from '../../ldap/organization-index.ts';
import { command, type Finding, type FindingCode, finding, identityOf } from './finding.ts';

/** `flags` are the words that lead a suggested command to the same directory. */
export function databaseFindings(index: OrganizationIndex, flags: readonly string[]): readonly Finding[] {
  return index.organization.databases
    .filter(({ isRecovery }) => !isRecovery)
    .flatMap((database) => {
      const decision = rpcEndpoint(database, index);
      // Databases of other Exchange versions have no array.
      if (decision.status === 'newer-version') return [];
      if (decision.status === 'endpoint' && decision.source === 'legacy-server') return [];
      const fault = endpointFault(database, index);
      if (fault === undefined) return [];
      return [
        finding(fault.code, {
          object: database.distinguishedName,
          what: `database ${database.name} ${fault.what}`,
          why: fault.why,
          remedy: associate(database, index, flags),
        }),
      ];
    });
}

interface EndpointFault {
  readonly code: FindingCode;
  readonly what: string;
  readonly why: string;
}

const FALLS_BACK = 'Autodiscover answers some endpoint of the site instead, and Exchange itself may name another one';

function endpointFault(database: MailboxDatabase, index: OrganizationIndex): EndpointFault | undefined {
  if (database.legacyDn === undefined)
    return { code: 'database-without-endpoint', what: 'names no RPC endpoint (no legacyExchangeDN)', why: FALLS_BACK };
  const serverDn = rpcEndpointDn(database.legacyDn);
  if (serverDn === undefined) {
    const what = `has a legacyExchangeDN that names no RPC endpoint: "${database.legacyDn}"`;
    return { code: 'database-malformed-endpoint', what, why: FALLS_BACK };
  }
  const endpoint = index.endpoint(serverDn);
  if (!endpoint) {
    return {
      code: 'database-unknown-endpoint',
      what: `names ${serverDn}, which no array or server has as its legacyExchangeDN`,
      why: 'the array or server was removed or renamed: new profiles point to a name that nobody looks after',
    };
  }
  if (!endpoint.fqdn) {
    const what = `names ${endpoint.distinguishedName}, which has no ncacn_ip_tcp network address`;
    return { code: 'database-endpoint-without-name', what, why: FALLS_BACK };
  }
  if (endpoint.kind === 'server' && (endpoint.roles & SERVER_ROLE.CLIENT_ACCESS) === 0) {
    return {
      code: 'database-endpoint-not-client-access',
      what: `names ${endpoint.name}, a server without the Client Access role`,
      why: 'Outlook cannot open mailboxes through it; Autodiscover answers an endpoint of the site instead, existing profiles stay broken',
    };
  }
  if (endpoint.kind === 'server') {
    return {
      code: 'database-single-server',
      what: `names the single server ${endpoint.fqdn}`,
      why: `when ${endpoint.name} stops, every Outlook of this database is offline, and profiles made until then keep its name`,
    };
  }
  const owner = index.server(database.owningServerDn);
  if (owner?.siteDn === undefined || endpoint.siteDn === undefined) return undefined;
  if (dnTextKey(owner.siteDn) === dnTextKey(endpoint.siteDn)) return undefined;
  return {
    code: 'database-endpoint-in-other-site',
    what: `is on ${owner.name} in site ${index.site(owner.siteDn)?.name}, but names the array ${endpoint.fqdn} of site ${index.site(endpoint.siteDn)?.name}`,
    why: 'Outlook goes through another site to reach it: right after a fail-over, wrong when it stays so',
  };
}

/**
 * The command that associates a database with the array of its owning server's site, preceded by making one where there is none, and by
 * naming the one that has no name: a site has one array at most.
 */
function associate(database: MailboxDatabase, index: OrganizationIndex, flags: readonly string[]): string {
  const siteDn = index.server(database.owningServerDn)?.siteDn;
  const arrays = index.arraysIn(siteDn);
  const fqdn = arrays.find((array) => array.fqdn !== undefined)?.fqdn;
  const set = (name: string) => command('database', 'set', database.name, '--rpc-client-access-server', name, ...flags);
  if (fqdn !== undefined) return set(fqdn);
  const site = index.site(siteDn)?.name ?? 'SITE';
  const domain = index.organization.domains[0]?.dnsName ?? 'DOMAIN';
  const made = `outlook-${site.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.${domain}`;
  const [nameless] = arrays;
  if (nameless) return `${command('array', 'set', identityOf(nameless), '--fqdn', made, ...flags)} && ${set(made)}`;
  return `${command('array', 'create', made, '--site', site, ...flags)} && ${set(made)}`;
}
