// One rule per server-bearing property: what becomes of the value in its section, given the mapping. Whether the account may be
// changed at all is decided elsewhere; these rules only say what would be done.
import { readStoreEntryId, type StoreEntryId } from '../mapi/entry-id.ts';
import { readMultiBinary, readMultiString, writeMultiString } from '../mapi/multi-value.ts';
import type { ProfileSection } from '../mapi/profile-section.ts';
import { ACCOUNT_SECTION as A, PROVIDER_SECTION as P, type PropertyTag, valueNameOf } from '../mapi/property-tags.ts';
import { readText, textIn, withText } from '../mapi/property-value.ts';
import { findValue, type RegistryValue, RegType } from '../registry/registry.ts';
import { rewriteBindings } from './bindings.ts';
import type { Action, Decision, ValueReason } from './decision.ts';
import { deriveServerDn, organisationOf, parseServerDn } from './server-dn.ts';
import { type ArrayTarget, type Mapping, sameName } from './targets.ts';

/** What the rules need to know of the account a section belongs to. */
export interface RuleContext {
  readonly mapping: Mapping;
  /** What all arrays are called, lower case: a value that names one is done. */
  readonly arrayNames: ReadonlySet<string>;
  /** The account's `/o=`, which a derived server DN takes. */
  readonly organisation: string | undefined;
  readonly proxies: ReadonlyMap<string, string>;
  readonly publicFolders: string | undefined;
}

export type ValueRule = (section: ProfileSection, context: RuleContext) => Decision | undefined;

/** A host name as the whole value. `otherwise`: the reason when it is neither mapped nor the array. */
export function hostRule(tag: PropertyTag, otherwise: ValueReason = 'not-mapped'): ValueRule {
  return textRule(tag, (text, context, section) => {
    const array = context.mapping.get(text.toLowerCase());
    if (array && isForeign(array, section, context)) return { action: 'report', reason: 'other-organisation' };
    if (array) return { action: 'rewrite', reason: 'names-old-server', text: array.fqdn };
    return { action: 'leave', reason: context.arrayNames.has(text.toLowerCase()) ? 'names-array' : otherwise };
  });
}

/** The DN of a server, or of a database below it. Only within the organisation of the new DN. */
export function serverDnRule(tag: PropertyTag): ValueRule {
  return textRule(tag, (text, context) => {
    const dn = parseServerDn(text);
    if (!dn) return { action: 'leave', reason: 'not-mapped' };
    const array = context.mapping.get(dn.server.toLowerCase());
    if (!array)
      return {
        action: 'leave',
        reason: context.arrayNames.has(dn.server.toLowerCase()) ? 'names-array' : 'not-mapped',
      };
    const target = serverDnOf(array, context);
    if (target === undefined || !sameName(organisationOf(target) ?? '', dn.organisation)) {
      return { action: 'report', reason: 'other-organisation' };
    }
    return { action: 'rewrite-dn', reason: 'names-old-server', text: `${target}${dn.tail}` };
  });
}

/** Public-folder stores go to a mailbox server, which unlike an array has a short name: the old value's form is kept. */
export function publicFolderRule(tag: PropertyTag): ValueRule {
  return textRule(tag, (text, context, section) => {
    const dn = parseServerDn(text);
    const old = dn?.server ?? text;
    const array = context.mapping.get(old.toLowerCase());
    const host = context.publicFolders;
    if (!array || host === undefined) return { action: 'leave', reason: 'public-folder-store' };
    const short = host.split('.')[0] ?? host;
    if (isForeign(array, section, context)) return { action: 'report', reason: 'other-organisation' };
    if (!dn) return { action: 'rewrite', reason: 'public-folders-mapped', text: old.includes('.') ? host : short };
    const target = parseServerDn(serverDnOf(array, context) ?? '');
    if (!target || !sameName(target.organisation, dn.organisation))
      return { action: 'report', reason: 'other-organisation' };
    return { action: 'rewrite-dn', reason: 'public-folders-mapped', text: `${target.container}/cn=${short}${dn.tail}` };
  });
}

/** A URL that is only a memory: deleted when it leads to an old server. */
export function rememberedUrlRule(tag: PropertyTag): ValueRule {
  return textRule(tag, (text, { mapping }) =>
    mapping.has(hostOfUrl(text))
      ? { action: 'delete', reason: 'stale-address' }
      : { action: 'leave', reason: 'not-mapped' },
  );
}

/** A URL of a protocol that Exchange 2010 does not speak: never changed. */
export function foreignUrlRule(tag: PropertyTag): ValueRule {
  return textRule(tag, (text, { mapping }) => ({
    action: mapping.has(hostOfUrl(text)) ? 'report' : 'leave',
    reason: 'mapi-over-http',
  }));
}

/** The RPC proxy, or its principal (`msstd:host`), which has to follow the proxy. */
export function proxyRule(tag: PropertyTag, prefix: '' | 'msstd:', proxyTag: PropertyTag): ValueRule {
  return (section, context) => {
    const proxy = readText(section.key, proxyTag);
    const proxyMoves =
      proxy.kind === 'absent' || (proxy.kind === 'text' && context.proxies.has(proxy.text.toLowerCase()));
    return textRule(tag, (text) => {
      const found = text.toLowerCase().startsWith(prefix) ? prefix.length : 0;
      const host = text.slice(found).toLowerCase();
      const replacement = context.proxies.get(host);
      if (replacement !== undefined && proxyMoves) {
        return { action: 'rewrite', reason: 'proxy-mapped', text: `${text.slice(0, found)}${replacement}` };
      }
      if (context.mapping.has(host)) return { action: 'report', reason: 'proxy-names-old-server' };
      return { action: 'leave', reason: 'proxy-not-mapped' };
    })(section, context);
  };
}

/** The list of RPC bindings, in the layout of the Outlook that wrote it. */
export function bindingsRule(tag: PropertyTag): ValueRule {
  return (section, context) => {
    const value = findValue(section.key, valueNameOf(tag));
    if (!value) return undefined;
    const list = value.type === RegType.BINARY ? readMultiString(value.data) : undefined;
    if (!list) return decide(section, tag, value, { action: 'report', reason: 'unreadable' }, shownBytes(value));
    const rewritten = rewriteBindings(list, (host) => {
      const array = context.mapping.get(host.toLowerCase());
      return array && !isForeign(array, section, context) ? array.fqdn : undefined;
    });
    const after = { ...value, data: writeMultiString(rewritten) };
    const shown = (items: readonly Buffer[]) => items.map((item) => item.toString('latin1')).join(', ');
    if (after.data.equals(value.data)) {
      const done = list.items.some((item) => namesAny(item.toString('latin1'), [...context.arrayNames]));
      return decide(
        section,
        tag,
        value,
        { action: 'leave', reason: done ? 'names-array' : 'not-mapped' },
        shown(list.items),
      );
    }
    return {
      ...decide(section, tag, value, { action: 'rewrite-list', reason: 'names-old-server' }, shown(list.items)),
      new: shown(rewritten.items),
      edit: { keyPath: section.keyPath, name: value.name, before: value, after },
    };
  };
}

/** A store's entry-id. */
export function entryIdRule(tag: PropertyTag): ValueRule {
  return (section, context) => {
    const value = findValue(section.key, valueNameOf(tag));
    return value && entryIdDecision(section, tag.name, value, [readStoreEntryId(value.data)], context);
  };
}

/** Every value of Outlook's own section that is a list of entry-ids, and the account manager's entry-ids by name. */
export function entryIdsInSection(section: ProfileSection, context: RuleContext): Decision[] {
  return [...section.key.values.values()].flatMap((value) => {
    const isList = /^1102/.test(value.name);
    const items = isList ? (readMultiBinary(value.data)?.items ?? []) : [value.data];
    const property = isList ? 'list of entry-ids' : 'entry-id';
    return entryIdDecision(section, property, value, items.map(readStoreEntryId), context) ?? [];
  });
}

/** Text without effect: only mentioned when it contains an old name. */
export function displayTextRule(tag: PropertyTag): ValueRule {
  return (section, context) => {
    const found = readText(section.key, tag);
    if (found.kind !== 'text' || !namesAny(found.text, context.mapping.keys())) return undefined;
    return decide(section, tag, found.value, { action: 'report', reason: 'text-only' }, found.text);
  };
}

/** Undocumented bytes: only mentioned when they contain an old name, in ASCII or in UTF-16. */
export function opaqueRule(tag: PropertyTag): ValueRule {
  return (section, context) => {
    const value = findValue(section.key, valueNameOf(tag));
    if (!value) return undefined;
    const readings = [value.data.toString('latin1'), wide(value.data), wide(value.data.subarray(1))];
    if (!readings.some((text) => namesAny(text, context.mapping.keys()))) return undefined;
    return decide(section, tag, value, { action: 'report', reason: 'undocumented' }, shownBytes(value));
  };
}

/** Whether a text contains one of the names as a whole name. */
export function namesAny(text: string, names: Iterable<string>): boolean {
  const folded = text.toLowerCase();
  for (const name of names) {
    for (let at = folded.indexOf(name); at >= 0; at = folded.indexOf(name, at + 1)) {
      const rest = folded.slice(at + name.length);
      if (!/[a-z0-9_.-]$/.test(folded.slice(0, at)) && !/^(?:[a-z0-9_-]|\.[a-z0-9])/.test(rest)) return true;
    }
  }
  return false;
}

type Outcome = { readonly action: Action; readonly reason: ValueReason; readonly text?: string };

function textRule(
  tag: PropertyTag,
  judge: (text: string, context: RuleContext, section: ProfileSection) => Outcome,
): ValueRule {
  return (section, context) => {
    const found = readText(section.key, tag);
    if (found.kind === 'absent') return undefined;
    const { value } = found;
    if (found.kind === 'malformed') {
      return decide(
        section,
        tag,
        value,
        { action: 'report', reason: 'unreadable' },
        `${shownBytes(value)} (${found.problem})`,
      );
    }
    const outcome = judge(found.text, context, section);
    const decision = decide(section, tag, value, outcome, found.text);
    if (outcome.action === 'delete') {
      return { ...decision, edit: { keyPath: section.keyPath, name: value.name, before: value, after: undefined } };
    }
    if (outcome.text === undefined) return decision;
    const edit = { keyPath: section.keyPath, name: value.name, before: value, after: withText(value, outcome.text) };
    return { ...decision, new: outcome.text, edit };
  };
}

function decide(
  section: ProfileSection,
  tag: PropertyTag,
  value: RegistryValue,
  outcome: Outcome,
  old: string,
): Decision {
  const { action, reason } = outcome;
  return { section, valueName: value.name, property: tag.name, action, reason, old };
}

function entryIdDecision(
  section: ProfileSection,
  property: string,
  value: RegistryValue,
  ids: readonly (StoreEntryId | undefined)[],
  { mapping }: RuleContext,
): Decision | undefined {
  const stores = ids.filter((id) => id !== undefined);
  if (stores.length === 0) return undefined;
  const servers = [...new Set(stores.map(({ server }) => server))];
  const named = stores.flatMap(({ server, serverDn, serverFqdn }) => [
    server,
    parseServerDn(serverDn ?? '')?.server ?? '',
    serverFqdn ?? '',
  ]);
  const mapped = named.some((name) => mapping.has(name.toLowerCase()));
  const action = mapped ? 'report' : 'leave';
  return { section, valueName: value.name, property, action, reason: 'entry-id', old: servers.join(', ') };
}

function serverDnOf(array: ArrayTarget, { organisation }: RuleContext): string | undefined {
  return array.serverDn ?? (organisation === undefined ? undefined : deriveServerDn(organisation, array.fqdn));
}

/** Whether the section belongs to another organisation than the array: then its names stay as its DN does, short ones included. */
function isForeign(array: ArrayTarget, { key }: ProfileSection, context: RuleContext): boolean {
  const own = organisationOf(textIn(key, A.PR_PROFILE_HOME_SERVER_DN, P.PR_PROFILE_SERVER_DN)) ?? context.organisation;
  const target = organisationOf(serverDnOf(array, context));
  return own !== undefined && target !== undefined && !sameName(own, target);
}

function hostOfUrl(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.toLowerCase() : '';
}

function wide(data: Buffer): string {
  return data.toString('utf16le', 0, data.length & ~1);
}

function shownBytes(value: RegistryValue): string {
  return `${value.data.length} bytes`;
}
