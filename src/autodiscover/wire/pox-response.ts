// The POX answer, rendered by the server and read by our own client, both along the tables of pox-settings-map.ts. For this
// dialect the comments name the clients that a change would break.
import { sharedPartOf } from '../settings/shared-part.ts';
import type { DiscoverResult, MailboxAnswer, UserSettings } from '../settings/user-settings.ts';
import { KeptDocuments } from './kept-documents.ts';
import { renderMobileSyncResponse } from './mobilesync-response.ts';
import { POX_OUTLOOK_RESPONSE, POX_RESPONSE_BASE } from './namespaces.ts';
import { readAlternativeMailboxes, renderAlternativeMailbox } from './pox-alternative-mailbox.ts';
import { type ErrorStamp, type PoxErrorAnswer, readPoxError, renderPoxError } from './pox-error.ts';
import { readMapiHttp, renderMapiHttp } from './pox-mapi-http.ts';
import { readProtocol, renderExHttp, renderProtocol } from './pox-protocol.ts';
import type { PoxSchema } from './pox-request.ts';
import { EXCH, EXPR, fromPoxText, toPoxText, USER_ELEMENTS } from './pox-settings-map.ts';
import { readWeb, renderWeb } from './pox-web.ts';
import { attributeValue, childText, findChild, findChildren, parseXml, XML_LIMITS, type XmlElement } from './xml.ts';
import { leaf, optionalLeaf, optionalParent, parent, writeXml, writtenXml, type XmlOutput } from './xml-writer.ts';

/**
 * The Content-Type of every POX answer, errors included.
 * DavMail 6: compares the whole header value with this string.
 */
export const POX_CONTENT_TYPE = 'text/xml; charset=utf-8';

/** What rendering needs beside the result. `requestedAddress` is repeated in mobilesync errors. */
export interface PoxContext extends ErrorStamp {
  readonly schema: PoxSchema;
  readonly requestedAddress?: string | undefined;
}

/** What the outlook dialect carries of a mailbox's answer. */
export type PoxAnswer = Omit<MailboxAnswer, 'mobileSync'>;

/** What an outlook answer says. `malformed` is a document that is no Autodiscover answer. */
export type PoxResponse =
  | { readonly action: 'settings'; readonly answer: PoxAnswer }
  | { readonly action: 'redirectAddr'; readonly address: string }
  | { readonly action: 'redirectUrl'; readonly url: string }
  | PoxErrorAnswer
  | { readonly action: 'malformed'; readonly detail: string };

/** Renders a result in the dialect that was asked for, as text to send in UTF-8 with POX_CONTENT_TYPE and status 200. */
export function renderPoxResponse(result: DiscoverResult, context: PoxContext): string {
  if (context.schema === 'mobilesync') return renderMobileSyncResponse(result, context);
  switch (result.action) {
    case 'settings':
      return document([renderUser(result.answer.settings), renderAccount(result.answer)]);
    // [MS-OXDSCLI] 2.2.4.1.1.2.8 RedirectAddr
    case 'redirectAddr':
      return document([parent('Account', [leaf('Action', 'redirectAddr'), leaf('RedirectAddr', result.address)])]);
    // [MS-OXDSCLI] 2.2.4.1.1.2.9 RedirectUrl
    case 'redirectUrl':
      return document([parent('Account', [leaf('Action', 'redirectUrl'), leaf('RedirectUrl', result.url)])]);
    case 'error':
      return renderPoxError(result.fault, context);
  }
}

const documents = new KeptDocuments<DiscoverResult, Buffer>(2, ownBytes);

/** The same bytes apart from the pool of `Buffer.from`, whose block of 64 KiB would stay as long as one document of it. */
function ownBytes(document: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(document.length);
  document.copy(own);
  return own;
}

/** As renderPoxResponse, in bytes. A mailbox's settings carry neither time nor asked address: their bytes are kept with the result. */
export function poxDocument(result: DiscoverResult, context: PoxContext): Buffer {
  const render = () => Buffer.from(renderPoxResponse(result, context));
  return dependsOnResultAlone(result, context.schema) ? documents.of(result, context.schema, render) : render();
}

function dependsOnResultAlone(result: DiscoverResult, schema: PoxSchema): boolean {
  return result.action === 'settings' && (schema === 'outlook' || result.answer.mobileSync.url !== undefined);
}

function document(children: readonly (XmlOutput | undefined)[]): string {
  const response = parent('Response', children, { xmlns: POX_OUTLOOK_RESPONSE });
  return writeXml(parent('Autodiscover', [response], { xmlns: POX_RESPONSE_BASE }), { declaration: true });
}

function renderUser(settings: UserSettings): XmlOutput | undefined {
  const children = USER_ELEMENTS.map(({ element, setting, encoding }) => {
    const value = settings[setting];
    return optionalLeaf(element, value && toPoxText(value, encoding));
  });
  return optionalParent('User', children);
}

// EWS Managed API: takes one block each of EXCH, EXPR and WEB, and one of any other kind; a second spoils the whole answer.
function renderAccount(answer: MailboxAnswer): XmlOutput {
  const { settings } = answer;
  return parent('Account', [
    leaf('AccountType', 'email'),
    leaf('Action', 'settings'),
    ...protocols(answer),
    answer.exHttp ? renderExHttp(answer.exHttp, answer) : undefined,
    answer.mapiHttp ? renderMapiHttp(answer.mapiHttp) : undefined,
    ...(settings.AlternateMailboxes ?? []).map(renderAlternativeMailbox),
  ]);
}

const written = new KeptDocuments<object, readonly XmlOutput[]>(1);
/** Of a Protocol element below the root. */
const PROTOCOL_DEPTH = 3;

/** Blocks say nothing about the mailbox, so those of its database are written once for all. */
function protocols(answer: MailboxAnswer): readonly XmlOutput[] {
  const shared = sharedPartOf(answer);
  if (!shared) return renderProtocols(answer);
  return written.of(shared, '', () =>
    renderProtocols({ ...answer, settings: shared.settings }).map((block) => writtenXml(block, PROTOCOL_DEPTH)),
  );
}

function renderProtocols(answer: MailboxAnswer): readonly XmlOutput[] {
  const expr = answer.settings.ExternalMailboxServer ? [renderProtocol(EXPR, answer)] : [];
  const web = renderWeb(answer);
  return [renderProtocol(EXCH, answer), ...expr, ...(web ? [web] : [])];
}

/** Reads an outlook answer, ours or another server's. Elements are found by local name, in any namespace and order. */
export function parsePoxResponse(xml: Uint8Array | string, contentType?: string): PoxResponse {
  const parsed = parseXml(xml, XML_LIMITS.response, contentType);
  if ('fault' in parsed) return malformed(parsed.fault.message);
  if (parsed.root.local.toLowerCase() !== 'autodiscover') {
    return malformed(`the root element is <${parsed.root.local}>, not <Autodiscover>`);
  }
  const response = findChild(parsed.root, 'Response');
  if (!response) return malformed('<Autodiscover> has no <Response>');
  const account = findChild(response, 'Account');
  const error = findChild(response, 'Error') ?? findChild(account, 'Error');
  if (error) return readPoxError(error);
  return account ? readAccount(response, account) : malformed('<Response> has neither <Account> nor <Error>');
}

function readAccount(response: XmlElement, account: XmlElement): PoxResponse {
  // [MS-OXDSCLI] 2.2.4.1.1.2.2 Action
  const action = childText(account, 'Action')?.toLowerCase();
  switch (action) {
    case 'redirectaddr': {
      const address = childText(account, 'RedirectAddr');
      return address
        ? { action: 'redirectAddr', address }
        : malformed('<Action> is redirectAddr without <RedirectAddr>');
    }
    case 'redirecturl': {
      const url = childText(account, 'RedirectUrl');
      return url ? { action: 'redirectUrl', url } : malformed('<Action> is redirectUrl without <RedirectUrl>');
    }
    case 'settings':
      return { action: 'settings', answer: readAnswer(response, account) };
    default:
      return malformed(
        action ? `<Action> ${JSON.stringify(action.slice(0, 40))} is not known` : '<Account> has no <Action>',
      );
  }
}

function readAnswer(response: XmlElement, account: XmlElement): PoxAnswer {
  const blocks = findChildren(account, 'Protocol');
  const block = (type: string): XmlElement | undefined =>
    blocks.find((protocol) => childText(protocol, 'Type')?.toUpperCase() === type);
  const exch = readProtocol(EXCH, block('EXCH'));
  const expr = readProtocol(EXPR, block('EXPR'));
  const web = readWeb(block('WEB'));
  const exHttp = block('EXHTTP');
  const mapiHttp = blocks.find((protocol) => attributeValue(protocol, 'Type')?.toLowerCase() === 'mapihttp');
  const mailboxes = readAlternativeMailboxes(account);
  const sharingUrl = exch.sharingUrl ?? expr.sharingUrl;
  return {
    settings: {
      ...web.settings,
      ...expr.settings,
      ...exch.settings,
      ...readUser(findChild(response, 'User')),
      // EWS Managed API: reports this setting from the presence of SharingUrl.
      CrossOrganizationSharingEnabled: sharingUrl ? 'True' : 'False',
      ...(mailboxes.length > 0 ? { AlternateMailboxes: mailboxes } : {}),
    },
    serverVersion: exch.serverVersion,
    ttlHours: {
      ...(exch.ttlHours === undefined ? {} : { exch: exch.ttlHours }),
      ...(expr.ttlHours === undefined ? {} : { expr: expr.ttlHours }),
      ...(web.ttlHours === undefined ? {} : { web: web.ttlHours }),
    },
    sharingUrl,
    mapiHttp: mapiHttp && readMapiHttp(mapiHttp),
    exHttp: exHttp && {
      server: childText(exHttp, 'Server') ?? '',
      requiresSsl: childText(exHttp, 'SSL')?.toLowerCase() !== 'off',
      authPackage: childText(exHttp, 'AuthPackage') ?? '',
    },
  };
}

function readUser(user: XmlElement | undefined): UserSettings {
  const read: Record<string, string> = {};
  for (const { element, setting, encoding } of USER_ELEMENTS) {
    const value = fromPoxText(findChild(user, element)?.text ?? '', encoding);
    if (value) read[setting] = value;
  }
  return read;
}

function malformed(detail: string): { readonly action: 'malformed'; readonly detail: string } {
  return { action: 'malformed', detail };
}
