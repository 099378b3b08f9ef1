// The mapiHttp block: the one whose kind is an attribute. Whoever renders it has checked that the client asked for it; EWS Managed
// API counts a block without a Type child as a second EXCH and refuses the whole answer.
import type { MapiHttpUrls } from '../settings/user-settings.ts';
import { attributeValue, childText, findChild, type XmlElement } from './xml.ts';
import { optionalLeaf, optionalParent, type XmlOutput } from './xml-writer.ts';

type UrlPair = MapiHttpUrls['mailStore'];

// [MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol
/** The block, or undefined when neither endpoint has a URL. */
export function renderMapiHttp(urls: MapiHttpUrls): XmlOutput | undefined {
  const block = optionalParent('Protocol', [
    renderPair('MailStore', urls.mailStore),
    renderPair('AddressBook', urls.addressBook),
  ]);
  return block && { ...block, attributes: { Type: 'mapiHttp', Version: String(urls.version) } };
}

function renderPair(name: string, { internalUrl, externalUrl }: UrlPair): XmlOutput | undefined {
  return optionalParent(name, [optionalLeaf('InternalUrl', internalUrl), optionalLeaf('ExternalUrl', externalUrl)]);
}

/** Reads the block; a missing or unreadable version counts as 1. */
export function readMapiHttp(block: XmlElement): MapiHttpUrls {
  const version = attributeValue(block, 'Version') ?? '';
  return {
    version: /^\d{1,4}$/.test(version) ? Number(version) : 1,
    mailStore: readPair(findChild(block, 'MailStore')),
    addressBook: readPair(findChild(block, 'AddressBook')),
  };
}

function readPair(pair: XmlElement | undefined): UrlPair {
  const internalUrl = childText(pair, 'InternalUrl');
  const externalUrl = childText(pair, 'ExternalUrl');
  return { ...(internalUrl ? { internalUrl } : {}), ...(externalUrl ? { externalUrl } : {}) };
}
