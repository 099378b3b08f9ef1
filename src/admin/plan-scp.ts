// Publishing, scoping and withdrawing Autodiscover service connection points, and pointers to other forests. Idempotent: what already
// stands as asked is not written again.

import { clientAccessServers } from '../autodiscover/settings/rpc-endpoint.ts';
import { addContainer } from '../ldap/array-changes.ts';
import { deleteEntry, type GuardedChange } from '../ldap/change.ts';
import {
  addPointer,
  addScp,
  changePointer,
  changeScp,
  childOf,
  organizationScpContainer,
  pointerContainer,
  SCP_ATTRIBUTES,
  serverScpDn,
} from '../ldap/connection-point-changes.ts';
import { ownName } from '../ldap/distinguished-name.ts';
import type { EntryReader } from '../ldap/entry.ts';
import { SERVER_ROLE } from '../ldap/exchange-organization.ts';
import { dnTextKey, type OrganizationIndex } from '../ldap/organization-index.ts';
import { SCP_POINTER_KEYWORD, SCP_URL_KEYWORD } from '../ldap/read-organization.ts';
import type { DirectoryWriter } from '../ldap/writer.ts';
import { fqdnFault, nameFault } from './array-names.ts';
import type { ControllerSession } from './controller-session.ts';
import { AdminError } from './errors.ts';
import { findScp, findServer, findSite } from './find-objects.ts';
import { makePlan, type Plan } from './plan.ts';

export interface PublishScp {
  readonly url: string;
  /** Servers whose own points get the URL; they are made where missing. */
  readonly servers: readonly string[];
  /** Every point that names a URL, and every Client Access server without one. */
  readonly all: boolean;
  /** Name of a point that belongs to no server. */
  readonly name: string | undefined;
  /** AD sites; undefined leaves the scope of existing points alone and gives new ones the whole forest. */
  readonly sites: readonly string[] | undefined;
}

export async function planPublishScp(session: ControllerSession, wish: PublishScp): Promise<Plan> {
  const { index } = session;
  const ways = [wish.servers.length > 0, wish.all, wish.name !== undefined].filter(Boolean).length;
  if (ways !== 1) {
    throw new AdminError(
      'configuration',
      'where is the URL to be published? Give one of --server SERVER..., --all-servers, --name NAME',
    );
  }
  const url = checkedUrl(wish.url);
  const sites = wish.sites && siteNames(index, wish.sites);
  const targets = targetsOf(session, wish);
  const changes: GuardedChange[] = [];
  for (const { container, point, host } of targets) {
    const current = await session.writer.read(point, SCP_ATTRIBUTES);
    if (current) {
      changes.push(changeScp(mustBePoint(current, 'url'), { url, ...(sites ? { sites } : {}) }));
      continue;
    }
    if (container && (await isMissing(session.writer, container))) changes.push(addContainer(container));
    changes.push(addScp({ dn: point, host, url, sites: sites ?? [] }));
  }
  return makePlan({
    title: `publish ${url} in ${targets.length === 1 ? ownName(targets[0]?.point ?? '') : `${targets.length} service connection points`}`,
    changes,
    warnings: [...withoutRole(session, wish.servers), ...pathWarning(url)],
    notes: [
      'Clients inside the domain take the oldest point of their site first; the certificate must carry the host of the URL.',
    ],
  });
}

/** The sites' names as the directory spells them, each once. */
function siteNames(index: OrganizationIndex, sites: readonly string[]): string[] {
  return [...new Set(sites.map((site) => findSite(index, site).name))];
}

/** What stands at a point's place must be a point of the same kind: a URL in a pointer, or in a container, would lead nobody. */
function mustBePoint(entry: EntryReader, kind: 'url' | 'pointer'): EntryReader {
  const fault = (what: string) => new AdminError('rule', `${entry.dn} is ${what}: choose another name with --name`);
  if (!entry.hasClass('serviceConnectionPoint')) throw fault('no service connection point');
  const other = kind === 'url' ? SCP_POINTER_KEYWORD : SCP_URL_KEYWORD;
  if (entry.many('keywords').some((keyword) => keyword.toLowerCase() === other.toLowerCase()))
    throw fault(kind === 'url' ? 'a pointer to another forest' : 'a point that names a URL');
  return entry;
}

function pathWarning(url: string): string[] {
  const usual = new URL(url).pathname.toLowerCase() === '/autodiscover/autodiscover.xml';
  return usual ? [] : [`${url}: clients expect the path /Autodiscover/Autodiscover.xml`];
}

function withoutRole({ index }: ControllerSession, servers: readonly string[]): string[] {
  return servers
    .map((server) => findServer(index, server))
    .filter(({ roles }) => (roles & SERVER_ROLE.CLIENT_ACCESS) === 0)
    .map(({ name }) => `${name} has no Client Access role: clients would be led to it all the same`);
}

interface Target {
  readonly container?: string;
  readonly point: string;
  readonly host: string;
}

function targetsOf({ index }: ControllerSession, { servers, all, name, url }: PublishScp): Target[] {
  const { organization } = index;
  const ofServer = ({ distinguishedName, name }: { distinguishedName: string; name: string }): Target => ({
    ...serverScpDn(distinguishedName, name),
    host: name,
  });
  if (all) {
    const own = clientAccessServers(organization.servers).map(ofServer);
    const known = new Set(own.map(({ point }) => dnTextKey(point)));
    const others = organization.serviceConnectionPoints
      .filter(({ kind, distinguishedName }) => kind === 'url' && !known.has(dnTextKey(distinguishedName)))
      .map(({ distinguishedName }) => ({ point: distinguishedName, host: ownName(distinguishedName) }));
    return [...own, ...others];
  }
  if (name !== undefined) {
    const fault = nameFault(name);
    if (fault) throw new AdminError('rule', `"${name}" cannot be a name: ${fault}`);
    const container = organizationScpContainer(organization.distinguishedName);
    return [{ container, point: childOf(container, name), host: new URL(url).hostname }];
  }
  return [...new Set(servers.map((server) => findServer(index, server)))].map(ofServer);
}

export async function planScopeScp(
  { writer, index }: ControllerSession,
  identities: readonly string[],
  sites: readonly string[],
): Promise<Plan> {
  const names = siteNames(index, sites);
  const changes: GuardedChange[] = [];
  for (const point of new Set(identities.map((identity) => findScp(index, identity)))) {
    if (point.kind === 'pointer')
      throw new AdminError(
        'rule',
        `${point.distinguishedName} is a pointer to another forest; it has domains, not sites`,
      );
    changes.push(changeScp(await mustRead(writer, point.distinguishedName), { sites: names }));
  }
  return makePlan({ title: `scope ${identities.join(', ')} to ${names.join(', ') || 'the whole forest'}`, changes });
}

export async function planRemoveScp({ writer, index }: ControllerSession, identity: string): Promise<Plan> {
  const point = findScp(index, identity);
  const found = await writer.readWritable(point.distinguishedName);
  if (!found) throw gone(writer, point.distinguishedName);
  const left = index.organization.serviceConnectionPoints.filter(({ kind }) => kind === 'url');
  const last = point.kind === 'url' && left.length === 1;
  return makePlan({
    title: `remove service connection point ${ownName(point.distinguishedName)}`,
    changes: [deleteEntry(point.distinguishedName, found)],
    warnings: last ? ['it is the last one that names a URL: clients inside the domain will have to go by DNS'] : [],
    notes: ['Undoing this creates it anew: it will then be the youngest, and clients ask the oldest first.'],
  });
}

export interface PointScp {
  readonly ldapUrl: string;
  readonly domains: readonly string[];
  /** The first domain when not given. */
  readonly name: string | undefined;
}

export async function planPointer({ writer, index }: ControllerSession, wish: PointScp): Promise<Plan> {
  const { rootDse } = index.organization;
  const domains = [...new Map(wish.domains.map((domain) => [domain.toLowerCase(), domain])).values()];
  if (!/^LDAPS?:\/\/[^/\s]+(\/\S*)?$/i.test(wish.ldapUrl)) {
    throw new AdminError(
      'rule',
      `"${wish.ldapUrl}" is no LDAP URL: a pointer names the other forest's directory, as LDAP://fabrikam.test`,
    );
  }
  for (const domain of domains) {
    const fault = fqdnFault(domain);
    if (fault) throw new AdminError('rule', `"${domain}" is no mail domain: ${fault}`);
  }
  const name = wish.name ?? domains[0] ?? '';
  const fault = nameFault(name);
  if (fault) throw new AdminError('rule', `"${name}" cannot be a name: ${fault}`);
  const container = pointerContainer(rootDse.configurationNamingContext);
  const dn = childOf(container, name);
  const current = await writer.read(dn, SCP_ATTRIBUTES);
  const create = async () => [
    ...((await isMissing(writer, container)) ? [addContainer(container)] : []),
    addPointer(dn, wish.ldapUrl, domains),
  ];
  return makePlan({
    title: `point ${domains.join(', ')} to ${wish.ldapUrl}`,
    changes: current ? [changePointer(mustBePoint(current, 'pointer'), wish.ldapUrl, domains)] : await create(),
  });
}

async function isMissing(writer: DirectoryWriter, dn: string): Promise<boolean> {
  return (await writer.read(dn, ['cn'])) === undefined;
}

async function mustRead(writer: DirectoryWriter, dn: string) {
  const entry = await writer.read(dn, SCP_ATTRIBUTES);
  if (!entry) throw gone(writer, dn);
  return entry;
}

function gone(writer: DirectoryWriter, dn: string): AdminError {
  return new AdminError('not-found', `reading ${dn} on ${writer.url}: it is gone`);
}

function checkedUrl(text: string): string {
  if (!/^https:\/\/[^/\s]+\/\S+$/i.test(text) || !URL.canParse(text)) {
    throw new AdminError(
      'rule',
      `"${text}" cannot be published: clients take https URLs with a path only, as https://autodiscover.contoso.test/Autodiscover/Autodiscover.xml`,
    );
  }
  return text;
}
