// The plain-old-XML request, both dialects, read and written. What a client leaves out, misspells in case or puts into another
// namespace is forgiven as long as the meaning is certain; only AcceptableResponseSchema decides the dialect.
import type { AutodiscoverFault } from '../settings/user-settings.ts';
import { normalizeAddress } from './address.ts';
import {
  POX_MOBILESYNC_REQUEST,
  POX_MOBILESYNC_RESPONSE,
  POX_OUTLOOK_REQUEST,
  POX_OUTLOOK_RESPONSE,
  sameUri,
} from './namespaces.ts';
import { childText, findChild, findChildren, parseXml, XML_LIMITS, type XmlElement } from './xml.ts';
import { leaf, optionalLeaf, parent, writeXml } from './xml-writer.ts';

/** Which POX dialect the answer is to be in. */
export type PoxSchema = 'outlook' | 'mobilesync';

/** What was asked ([MS-OXDSCLI] 2.2.3.1.1.2 EMailAddress, [MS-OXDSCLI] 2.2.3.1.1.3 LegacyDN). At least one of the two names is present; whoever resolves it lets `legacyDn` win. */
export interface PoxRequest {
  readonly schema: PoxSchema;
  /** Normalised by `normalizeAddress`. */
  readonly emailAddress: string | undefined;
  /** A legacyExchangeDN or X500 address, verbatim but for surrounding blanks. */
  readonly legacyDn: string | undefined;
}

/** A request nothing can be looked up for. `detail` is for the log. */
export interface RequestFault {
  readonly fault: AutodiscoverFault;
  readonly detail: string;
}

export const LEGACY_DN_LENGTH_LIMIT = 1024;

const RESPONSE_SCHEMAS: Readonly<Record<PoxSchema, string>> = {
  outlook: POX_OUTLOOK_RESPONSE,
  mobilesync: POX_MOBILESYNC_RESPONSE,
};

/** Reads a request body; `contentType` is the whole header value. */
export function parsePoxRequest(body: Uint8Array, contentType?: string): PoxRequest | RequestFault {
  const parsed = parseXml(body, XML_LIMITS.poxRequest, contentType);
  if ('fault' in parsed) return invalid(parsed.fault.message);
  const { root } = parsed;
  if (root.local.toLowerCase() !== 'autodiscover')
    return invalid(`the root element is <${root.local}>, not <Autodiscover>`);
  const request = findChild(root, 'Request');
  if (!request) return invalid('<Autodiscover> has no <Request>');
  const schema = schemaOf(request);
  if (typeof schema !== 'string') return schema;
  return readNames(request, schema);
}

// [MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode: an unknown schema is 601; a missing one is a request improperly formatted, 600.
// Outlook for Windows (new): asks for mobilesync inside a request in the outlook namespace, so the namespace decides nothing.
function schemaOf(request: XmlElement): PoxSchema | RequestFault {
  const wanted = childText(request, 'AcceptableResponseSchema');
  if (!wanted) return invalid('no <AcceptableResponseSchema>');
  if (sameUri(wanted, RESPONSE_SCHEMAS.outlook)) return 'outlook';
  if (sameUri(wanted, RESPONSE_SCHEMAS.mobilesync)) return 'mobilesync';
  return {
    fault: 'no-provider',
    detail: `AcceptableResponseSchema ${JSON.stringify(wanted.slice(0, 200))} is not known`,
  };
}

// [MS-OXDSCLI] 3.2.5 LegacyDN: with both names present the server goes by LegacyDN.
function readNames(request: XmlElement, schema: PoxSchema): PoxRequest | RequestFault {
  for (const name of ['EMailAddress', 'LegacyDN']) {
    if (findChildren(request, name).length > 1) return invalid(`<${name}> is given more than once`);
  }
  const legacyDn = childText(request, 'LegacyDN');
  if (legacyDn !== undefined && !isLegacyDn(legacyDn)) return invalid('<LegacyDN> is not of the form /o=.../cn=...');
  const written = childText(request, 'EMailAddress');
  if (written === undefined) {
    return legacyDn ? { schema, emailAddress: undefined, legacyDn } : invalid('neither <EMailAddress> nor <LegacyDN>');
  }
  const normalized = normalizeAddress(written);
  if ('address' in normalized) return { schema, emailAddress: normalized.address, legacyDn };
  // The LegacyDN is what will be looked up; an address beside it that is none does no harm.
  return legacyDn ? { schema, emailAddress: undefined, legacyDn } : invalid(normalized.reason);
}

function isLegacyDn(text: string): boolean {
  return text.length <= LEGACY_DN_LENGTH_LIMIT && /^\/[a-z]+=/i.test(text) && !/\p{Cc}/u.test(text);
}

function invalid(detail: string): RequestFault {
  return { fault: 'invalid-request', detail };
}

/** Writes a request as Outlook does: declaration, then EMailAddress or LegacyDN, then the schema. */
export function renderPoxRequest(request: PoxRequest): string {
  const names = [
    optionalLeaf('EMailAddress', request.emailAddress),
    optionalLeaf('LegacyDN', request.legacyDn),
    leaf('AcceptableResponseSchema', RESPONSE_SCHEMAS[request.schema]),
  ];
  const xmlns = request.schema === 'outlook' ? POX_OUTLOOK_REQUEST : POX_MOBILESYNC_REQUEST;
  return writeXml(parent('Autodiscover', [parent('Request', names)], { xmlns }), { declaration: true });
}
