// The outline of a request body for the log: the elements that Autodiscover knows, and their text where it has the form it should have.
// Nothing is copied because it looks harmless: what is not on a list here is told as being there, and no more. So it matters little
// how well a broken body is taken apart.

import {
  POX_MOBILESYNC_REQUEST,
  POX_OUTLOOK_REQUEST,
  SOAP_11_ENVELOPE,
  SOAP_12_ENVELOPE,
  SOAP_AUTODISCOVER,
  WS_ADDRESSING,
  XML_SCHEMA,
  XML_SCHEMA_INSTANCE,
} from '../wire/namespaces.ts';

/** Bytes of a body that are looked at. */
const MAX_BYTES = 4096;
const REDACTED = '[redacted]';

const ADDRESS = /^[\p{L}\p{N}\p{M}._+'-]{1,64}@[\p{L}\p{N}\p{M}.-]{1,253}$/u;
const DOMAIN = /^[\p{L}\p{N}\p{M}.-]{1,253}$/u;
const WORD = /^[\w.]{1,64}$/;
/** Without user, port by name, query and fragment. */
const ADDRESS_OF_SERVICE = /^(?:https?:\/\/[A-Za-z0-9.-]+(?::\d+)?(?:\/[A-Za-z0-9._/-]*)?|urn:[A-Za-z0-9:.-]+)$/;

/** Elements whose text helps to find faults, and the form without which it is not shown. */
const SHOWN = new Map<string, RegExp>(
  Object.entries({
    emailaddress: ADDRESS,
    mailbox: ADDRESS,
    legacydn: /^\/o=[\p{L}\p{N}\p{M} ._()/=+'-]{1,400}$/iu,
    acceptableresponseschema: ADDRESS_OF_SERVICE,
    domain: DOMAIN,
    setting: WORD,
    requestedserverversion: WORD,
    requestedversion: WORD,
    action: ADDRESS_OF_SERVICE,
    to: ADDRESS_OF_SERVICE,
    address: ADDRESS_OF_SERVICE,
    messageid: ADDRESS_OF_SERVICE,
  }),
);

/** Elements that are named; below them others may be shown. */
const OPEN = new Set(
  (
    'Autodiscover Request Envelope Header Body ReplyTo GetUserSettingsRequestMessage Users User RequestedSettings ' +
    'GetDomainSettingsRequestMessage Domains GetFederationInformationRequestMessage GetOrganizationRelationshipSettingsRequestMessage ' +
    [...SHOWN.keys()].join(' ')
  )
    .toLowerCase()
    .split(' '),
);

/** Elements that are named; neither their text nor anything below them is shown. */
const CLOSED = new Set(
  (
    'Password Username UsernameToken Security SecurityTokenReference BinarySecurityToken BinarySecret Assertion Signature SignatureValue ' +
    'Nonce CipherValue EncryptedData Timestamp ExchangeImpersonation'
  )
    .toLowerCase()
    .split(' '),
);

const NAMESPACES = new Set([
  POX_OUTLOOK_REQUEST,
  POX_MOBILESYNC_REQUEST,
  SOAP_AUTODISCOVER,
  SOAP_11_ENVELOPE,
  SOAP_12_ENVELOPE,
  WS_ADDRESSING,
  XML_SCHEMA,
  XML_SCHEMA_INSTANCE,
]);

/** Everything of a text, one piece after the other; a tag that never ends is no tag. */
const PIECE =
  /(?<skipped><!--[\s\S]*?(?:-->|$)|<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<\?[\s\S]*?(?:\?>|$)|<![\s\S]*?(?:>|$))|<\/(?<end>[^<>]*)>|<(?<start>(?:"[^"]*"|'[^']*'|[^<>"'])*)>|(?<text>[^<]+|<)/g;
const ATTRIBUTE = /([^\s=/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

interface Element {
  /** As in the outline. */
  readonly name: string;
  readonly qualified: string;
  readonly isOpen: boolean;
}

/** The outline of a body; of what is no XML only the kind. */
export function bodyOutline(body: Buffer): string {
  const cut = body.subarray(0, MAX_BYTES);
  const text = decoded(cut).replace(/^[\ufeff\s]+/, '');
  if (text === '') return '';
  if (!text.startsWith('<')) return `[${kindOf(cut, text)}]`;
  return outlineOf(text) + (body.length > MAX_BYTES ? '[cut off]' : '');
}

function outlineOf(text: string): string {
  const pieces = [...text.matchAll(PIECE)];
  const open: Element[] = [];
  let outline = '';
  for (const [at, { groups = {} }] of pieces.entries()) {
    const { skipped, start, end, text: plain } = groups;
    if (start !== undefined) {
      const element = elementOf(start);
      const isEmpty = start.endsWith('/');
      if (!isEmpty) open.push(element);
      outline += `<${element.name}${attributesOf(start)}${isEmpty ? '/' : ''}>`;
    } else if (end !== undefined) {
      const { name, qualified } = elementOf(end);
      // A stray end closes nothing: what it seems to end may be a secret that goes on.
      if (open.at(-1)?.qualified === qualified) open.pop();
      outline += `</${name}>`;
    } else if (plain !== undefined) {
      const isWhole = pieces[at - 1]?.groups?.start !== undefined && pieces[at + 1]?.groups?.end !== undefined;
      const next = isWhole ? elementOf(pieces[at + 1]?.groups?.end ?? '').qualified : undefined;
      outline += textOf(plain, open, next);
    } else if (!skipped?.startsWith('<?')) outline += REDACTED;
  }
  return outline.replace(/(?:\[redacted\])+/g, REDACTED);
}

/** Text is shown only as the whole content of an element, when everything around it is open as well. */
function textOf(plain: string, open: readonly Element[], end: string | undefined): string {
  const value = plain.trim();
  if (value === '') return '';
  const element = open.at(-1);
  const form = element && element.qualified === end ? SHOWN.get(element.name.toLowerCase()) : undefined;
  return form?.test(value) && open.every(({ isOpen }) => isOpen) ? value : REDACTED;
}

/** A tag's local name, when it is on a list. The case is the client's: it is what may be wrong. */
function elementOf(tag: string): Element {
  const [qualified = ''] = /^[^\s/]*/.exec(tag) ?? [];
  const local = qualified.slice(qualified.lastIndexOf(':') + 1);
  const key = local.toLowerCase();
  const isOpen = OPEN.has(key);
  return { name: isOpen || CLOSED.has(key) ? local : '[other]', qualified, isOpen };
}

/** Namespaces that are known, without their prefixes, and how many other attributes there are. */
function attributesOf(tag: string): string {
  let [shown, others] = ['', 0];
  for (const [, name = '', double, single] of tag.matchAll(ATTRIBUTE)) {
    const value = double ?? single ?? '';
    if (NAMESPACES.has(value) && name === 'xmlns') shown += ` xmlns="${value}"`;
    else if (NAMESPACES.has(value) && name.startsWith('xmlns:')) shown += ` xmlns:*="${value}"`;
    else others += 1;
  }
  return others === 0 ? shown : `${shown} [${others} more]`;
}

function decoded(bytes: Buffer): string {
  const even = bytes.subarray(0, bytes.length & ~1);
  if (bytes[1] === 0 || (bytes[0] === 0xff && bytes[1] === 0xfe)) return even.toString('utf16le');
  if (bytes[0] === 0 || (bytes[0] === 0xfe && bytes[1] === 0xff)) return Buffer.from(even).swap16().toString('utf16le');
  return bytes.toString('utf8');
}

function kindOf(bytes: Buffer, text: string): string {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
  if (/^[{[]/.test(text)) return 'JSON';
  return /^[^\p{Cc}\ufffd]*$/u.test(text.slice(0, 16)) ? 'text' : 'binary';
}

/** True for an e-mail address of ordinary form. */
export function isAddress(text: string): boolean {
  return ADDRESS.test(text);
}
