// The WEB block of an outlook answer: Outlook Web App's addresses from outside and inside. [MS-OXDSCLI] 2.2.4.1.1.2.6 OWAUrl
import type { MailboxAnswer, UserSettings, WebClientUrl } from '../settings/user-settings.ts';
import { readHours } from './pox-protocol.ts';
import { attributeValue, childText, findChild, findChildren, type XmlElement } from './xml.ts';
import { leaf, optionalParent, parent, type XmlOutput } from './xml-writer.ts';

export interface WebReading {
  readonly settings: UserSettings;
  readonly ttlHours: number | undefined;
}

/** The block, or undefined when no Outlook Web App URL is known: a WEB block without one is of no use to any client. */
export function renderWeb({ settings, ttlHours }: MailboxAnswer): XmlOutput | undefined {
  const sides = [
    renderSide('External', settings.ExternalWebClientUrls, 'EXPR', settings.ExternalEwsUrl),
    renderSide('Internal', settings.InternalWebClientUrls, 'EXCH', settings.InternalEwsUrl),
  ];
  if (sides.every((side) => side === undefined)) return undefined;
  const ttl = ttlHours.web === undefined ? undefined : leaf('TTL', String(ttlHours.web));
  return parent('Protocol', [leaf('Type', 'WEB'), ...sides, ttl]);
}

// Thunderbird: takes External before Internal and fails when the side it took has no OWAUrl; so a side is printed only with one.
function renderSide(
  side: 'External' | 'Internal',
  urls: readonly WebClientUrl[] | undefined,
  type: 'EXCH' | 'EXPR',
  ewsUrl: string | undefined,
): XmlOutput | undefined {
  if (!urls || urls.length === 0) return undefined;
  const inner = ewsUrl ? parent('Protocol', [leaf('Type', type), leaf('ASUrl', ewsUrl)]) : undefined;
  return optionalParent(side, [...urls.map(renderUrl), inner]);
}

function renderUrl({ authenticationMethods, url }: WebClientUrl): XmlOutput {
  return leaf('OWAUrl', url, { AuthenticationMethod: authenticationMethods.join(', ') });
}

/** Reads the block; an EWS URL named here counts only until an EXCH or EXPR block names one. */
export function readWeb(block: XmlElement | undefined): WebReading {
  const external = findChild(block, 'External');
  const internal = findChild(block, 'Internal');
  return {
    settings: {
      ...readSide(external, 'ExternalWebClientUrls', 'ExternalEwsUrl'),
      ...readSide(internal, 'InternalWebClientUrls', 'InternalEwsUrl'),
    },
    ttlHours: readHours(block),
  };
}

function readSide(
  side: XmlElement | undefined,
  urlsName: 'ExternalWebClientUrls' | 'InternalWebClientUrls',
  ewsName: 'ExternalEwsUrl' | 'InternalEwsUrl',
): UserSettings {
  const urls = findChildren(side, 'OWAUrl').flatMap(readUrl);
  const ewsUrl = childText(findChild(side, 'Protocol'), 'ASUrl');
  return { ...(urls.length > 0 ? { [urlsName]: urls } : {}), ...(ewsUrl ? { [ewsName]: ewsUrl } : {}) };
}

function readUrl(element: XmlElement): readonly WebClientUrl[] {
  const url = element.text.trim();
  if (url === '') return [];
  return [{ authenticationMethods: splitMethods(attributeValue(element, 'AuthenticationMethod') ?? ''), url }];
}

/** Reads the comma-separated list of authentication methods that POX and SOAP share. */
export function splitMethods(text: string): readonly string[] {
  return text
    .split(',')
    .map((method) => method.trim())
    .filter((method) => method !== '');
}
