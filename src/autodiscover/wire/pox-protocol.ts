// The EXCH, EXPR and EXHTTP blocks of an outlook answer, along one table each.

import { parseServerVersionHex, serverVersionHex } from '../settings/server-version.ts';
import type { ExHttpEndpoint, MailboxAnswer, UserSettings } from '../settings/user-settings.ts';
import {
  ECP_PAGES,
  EXPR,
  fromPoxText,
  type ProtocolMap,
  type ProtocolSlot,
  type StringSettingName,
  toPoxText,
} from './pox-settings-map.ts';
import { childText, findChild, type XmlElement } from './xml.ts';
import { leaf, optionalLeaf, parent, type XmlOutput } from './xml-writer.ts';

/** What one block says beyond the settings of its table. */
export interface ProtocolReading {
  readonly settings: UserSettings;
  readonly serverVersion: number | undefined;
  readonly sharingUrl: string | undefined;
  readonly ttlHours: number | undefined;
}

type StringSettings = { [N in StringSettingName]?: string };

// [MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol
export function renderProtocol(map: ProtocolMap, answer: MailboxAnswer, type: string = map.type): XmlOutput {
  const children = map.slots.flatMap((slot) => renderSlot(slot, map, answer));
  return parent('Protocol', [leaf('Type', type), ...children]);
}

function renderSlot(slot: ProtocolSlot, map: ProtocolMap, answer: MailboxAnswer): readonly (XmlOutput | undefined)[] {
  const { settings } = answer;
  if ('element' in slot) {
    const value = settings[slot.setting];
    return [optionalLeaf(slot.element, value && toPoxText(value, slot.encoding))];
  }
  switch (slot.special) {
    case 'server-version':
      return [
        answer.serverVersion === undefined ? undefined : leaf('ServerVersion', serverVersionHex(answer.serverVersion)),
      ];
    case 'ews-url':
      return [optionalLeaf('ASUrl', ewsUrl(map, settings)), optionalLeaf('EwsUrl', ewsUrl(map, settings))];
    case 'oof-url':
      return [optionalLeaf('OOFUrl', ewsUrl(map, settings))];
    case 'sharing-url':
      return [optionalLeaf('SharingUrl', answer.sharingUrl)];
    case 'ecp-fragments':
      // A fragment means nothing without the URL it is appended to.
      return settings[map.ecpUrl] ? ECP_PAGES.map((page) => optionalLeaf(page.element, settings[page.fragment])) : [];
    case 'ttl': {
      const hours = map.type === 'EXCH' ? answer.ttlHours.exch : answer.ttlHours.expr;
      return [hours === undefined ? undefined : leaf('TTL', String(hours))];
    }
  }
}

/**
 * The EWS URL of a block; where its own side has none, the other side's. A block without is worse: exchangelib takes the URL of
 * EXPR before EXCH and fails for good when it finds an EXPR without one, and Evolution needs ASUrl in whichever it picks.
 */
function ewsUrl(map: ProtocolMap, settings: UserSettings): string | undefined {
  return settings[map.ewsUrl] || settings.InternalEwsUrl || settings.ExternalEwsUrl;
}

/** EXHTTP is EXPR under another name, with its own server, and internal URLs where no external ones are known. */
export function renderExHttp(endpoint: ExHttpEndpoint, answer: MailboxAnswer): XmlOutput {
  const { settings } = answer;
  const outside: Record<string, unknown> = { ...settings };
  const fallBack: readonly (readonly [StringSettingName, StringSettingName])[] = [
    ['ExternalEwsUrl', 'InternalEwsUrl'],
    ['ExternalEcpUrl', 'InternalEcpUrl'],
    ['ExternalUMUrl', 'InternalUMUrl'],
    ['ExternalOABUrl', 'InternalOABUrl'],
  ];
  for (const [external, internal] of fallBack) outside[external] ??= settings[internal];
  outside.ExternalMailboxServer = endpoint.server;
  outside.ExternalMailboxServerRequiresSSL = endpoint.requiresSsl ? 'True' : 'False';
  outside.ExternalMailboxServerAuthenticationMethods = endpoint.authPackage;
  return renderProtocol(EXPR, { ...answer, settings: outside as UserSettings }, 'EXHTTP');
}

/** Reads a block; an absent one yields nothing. The joined ECP URLs are made from EcpUrl and its fragments, as clients do. */
export function readProtocol(map: ProtocolMap, block: XmlElement | undefined): ProtocolReading {
  const settings: StringSettings = {};
  for (const slot of map.slots) {
    if (!('element' in slot)) continue;
    const value = fromPoxText(findChild(block, slot.element)?.text ?? '', slot.encoding);
    if (value) settings[slot.setting] = value;
  }
  const ews = childText(block, 'EwsUrl') ?? childText(block, 'ASUrl');
  if (ews) settings[map.ewsUrl] = ews;
  const ecp = settings[map.ecpUrl];
  for (const page of ECP_PAGES) {
    const fragment = childText(block, page.element);
    if (!fragment) continue;
    settings[page.fragment] = fragment;
    if (ecp) settings[page[map.ecpSide]] = ecp + fragment;
  }
  return {
    settings,
    serverVersion: parseServerVersionHex(childText(block, 'ServerVersion') ?? ''),
    sharingUrl: childText(block, 'SharingUrl'),
    ttlHours: readHours(block),
  };
}

/** `TTL` in hours, or undefined when absent or no whole number. */
export function readHours(block: XmlElement | undefined): number | undefined {
  const text = childText(block, 'TTL');
  return text && /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}
