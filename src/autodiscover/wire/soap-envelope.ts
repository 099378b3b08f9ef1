// The SOAP envelope around every operation of autodiscover.svc, read and written, with its faults. Requests are told apart by the
// body's first element; headers are read where they carry something and ignored otherwise, mustUnderstand included, because the
// clients in use send headers (BinarySecret, ExchangeImpersonation, WS-Security) that no answer depends on.

import { decodeVersionNumber } from '../settings/server-version.ts';
import { SOAP_11_ENVELOPE, SOAP_12_ENVELOPE, SOAP_AUTODISCOVER, sameUri, WS_ADDRESSING } from './namespaces.ts';
import { childText, findChild, parseXml, XML_LIMITS, type XmlElement, type XmlLimits } from './xml.ts';
import { leaf, parent, writeXml, type XmlOutput } from './xml-writer.ts';

export type SoapVersion = '1.1' | '1.2';

/** A message, either way. `operation` is the local name of the body's first element, which is `body`. */
export interface SoapMessage {
  readonly version: SoapVersion;
  readonly operation: string;
  readonly body: XmlElement;
  /** WS-Addressing MessageID of a request, to be repeated as RelatesTo of its answer. */
  readonly messageId: string | undefined;
  /** Any string, or none: exchangelib asks for versions that Exchange 2010 has never heard of. */
  readonly requestedServerVersion: string | undefined;
  /** ServerVersionInfo of an answer. */
  readonly serverVersionInfo: ServerVersionInfo | undefined;
}

/** The five children of ServerVersionInfo; 14.3.123.4 and `Exchange2010_SP2`. [WSREF] serverversioninfo-soap ServerVersionInfo */
export interface ServerVersionInfo {
  readonly major: number;
  readonly minor: number;
  readonly majorBuild: number;
  readonly minorBuild: number;
  readonly version: string;
}

export type SoapFaultCode = 'Client' | 'Server' | 'VersionMismatch' | 'ActionNotSupported';

/** A request that is answered by a Fault and HTTP 500. `reason` goes to the client, `detail` to the log. */
export interface SoapFault {
  readonly code: SoapFaultCode;
  readonly reason: string;
  readonly detail: string;
}

/** What rendering an answer needs beside its content. */
export interface SoapContext {
  readonly serverVersionInfo: ServerVersionInfo;
  /** Envelope of the request; answers use the same. */
  readonly version?: SoapVersion | undefined;
  /** MessageID of the request. */
  readonly relatesTo?: string | undefined;
}

/** Longer MessageIDs are not repeated: no client makes them, and headers are not for storage. */
const MESSAGE_ID_LENGTH_LIMIT = 256;
const FAULT_ACTION = `${WS_ADDRESSING}/soap/fault`;

const ENVELOPES: Readonly<Record<SoapVersion, string>> = { '1.1': SOAP_11_ENVELOPE, '1.2': SOAP_12_ENVELOPE };

/** Content-Type of an answer. SOAP 1.1 is what every known client speaks. */
export function soapContentType(version: SoapVersion = '1.1'): string {
  return version === '1.1' ? 'text/xml; charset=utf-8' : 'application/soap+xml; charset=utf-8';
}

/** The `wsa:Action` of an operation, request or `...Response`. The name "Autodiscover" does stand there twice. */
export function soapAction(operation: string): string {
  return `${SOAP_AUTODISCOVER}/Autodiscover/${operation}`;
}

/** Reads a request body, or says which Fault answers it. */
export function parseSoapEnvelope(
  body: Uint8Array | string,
  contentType?: string,
  limits: XmlLimits = XML_LIMITS.soapRequest,
): SoapMessage | { readonly soapFault: SoapFault } {
  const parsed = parseXml(body, limits, contentType);
  if ('fault' in parsed) return clientFault('The request is not well-formed XML.', parsed.fault.message);
  const { root } = parsed;
  if (root.local !== 'Envelope')
    return clientFault('The request is not a SOAP envelope.', `the root element is <${root.local}>`);
  const version = envelopeVersion(root);
  if (!version) {
    const detail = `the envelope is in namespace ${JSON.stringify(root.namespace.slice(0, 200))}`;
    return { soapFault: { code: 'VersionMismatch', reason: 'The SOAP version is not supported.', detail } };
  }
  const content = findChild(root, 'Body')?.children[0];
  if (!content) return clientFault('The SOAP body is empty.', 'no element in <Body>');
  const header = findChild(root, 'Header');
  const messageId = childText(header, 'MessageID');
  return {
    version,
    operation: content.local,
    body: content,
    messageId: messageId && messageId.length <= MESSAGE_ID_LENGTH_LIMIT ? messageId : undefined,
    requestedServerVersion: childText(header, 'RequestedServerVersion'),
    serverVersionInfo: readServerVersionInfo(findChild(header, 'ServerVersionInfo')),
  };
}

function envelopeVersion(root: XmlElement): SoapVersion | undefined {
  if (sameUri(root.namespace, SOAP_11_ENVELOPE)) return '1.1';
  return sameUri(root.namespace, SOAP_12_ENVELOPE) ? '1.2' : undefined;
}

function clientFault(reason: string, detail: string): { readonly soapFault: SoapFault } {
  return { soapFault: { code: 'Client', reason, detail } };
}

/** Wraps the body of an answer: Action, RelatesTo and ServerVersionInfo as headers. */
export function renderSoapAnswer(operation: string, body: XmlOutput, context: SoapContext): string {
  const { relatesTo, serverVersionInfo } = context;
  // EWS Managed API and ews-javascript-api: fail on an answer without Header.
  return renderEnvelope(context.version, soapAction(operation), body, [
    relatesTo ? leaf('a:RelatesTo', relatesTo) : undefined,
    renderServerVersionInfo(serverVersionInfo),
  ]);
}

/** Wraps the body of a request. `to` is the URL it is posted to. */
export function renderSoapRequest(
  operation: string,
  body: XmlOutput,
  options: { readonly to?: string; readonly messageId?: string } = {},
): string {
  return renderEnvelope('1.1', soapAction(operation), body, [
    leaf('h:RequestedServerVersion', 'Exchange2010', { 'xmlns:h': SOAP_AUTODISCOVER }),
    options.messageId ? leaf('a:MessageID', options.messageId) : undefined,
    options.to ? leaf('a:To', options.to) : undefined,
  ]);
}

function renderEnvelope(
  version: SoapVersion = '1.1',
  action: string,
  body: XmlOutput,
  headers: readonly (XmlOutput | undefined)[],
): string {
  const header = parent('s:Header', [leaf('a:Action', action, { 's:mustUnderstand': '1' }), ...headers]);
  const namespaces = { 'xmlns:s': ENVELOPES[version], 'xmlns:a': WS_ADDRESSING };
  // exchangelib: takes an answer for XML only when it begins with <s:Envelope or an XML declaration.
  return writeXml(parent('s:Envelope', [header, parent('s:Body', [body])], namespaces), { declaration: false });
}

// SOAP 1.1 4.4 Fault; SOAP 1.2 part 1, 5.4 Fault
/** Renders a Fault, to be sent with HTTP 500. EWS Managed API: reads faults only from answers with that status. */
export function renderSoapFault(fault: SoapFault, version: SoapVersion = '1.1'): string {
  const code = fault.code === 'ActionNotSupported' ? 'a:ActionNotSupported' : `s:${faultName(fault.code, version)}`;
  const body =
    version === '1.1'
      ? parent('s:Fault', [leaf('faultcode', code), leaf('faultstring', fault.reason, { 'xml:lang': 'en-US' })])
      : parent('s:Fault', [
          fault.code === 'ActionNotSupported'
            ? parent('s:Code', [leaf('s:Value', 's:Sender'), parent('s:Subcode', [leaf('s:Value', code)])])
            : parent('s:Code', [leaf('s:Value', code)]),
          parent('s:Reason', [leaf('s:Text', fault.reason, { 'xml:lang': 'en-US' })]),
        ]);
  return renderEnvelope(version, FAULT_ACTION, body, []);
}

function faultName(code: Exclude<SoapFaultCode, 'ActionNotSupported'>, version: SoapVersion): string {
  if (version === '1.1' || code === 'VersionMismatch') return code;
  return code === 'Client' ? 'Sender' : 'Receiver';
}

/** The text of a Fault of either version, or undefined when the message is none. */
export function readSoapFault(message: SoapMessage): { readonly code: string; readonly reason: string } | undefined {
  if (message.operation !== 'Fault') return undefined;
  const { body } = message;
  const code = findChild(body, 'Code');
  return {
    code:
      childText(findChild(code, 'Subcode'), 'Value') ?? childText(code, 'Value') ?? childText(body, 'faultcode') ?? '',
    reason: childText(findChild(body, 'Reason'), 'Text') ?? childText(body, 'faultstring') ?? '',
  };
}

/** ServerVersionInfo for a 32-bit version number; the fourth part is not in it. */
export function serverVersionInfo(versionNumber: number, minorBuild = 0): ServerVersionInfo {
  const { major, minor, build } = decodeVersionNumber(versionNumber);
  return { major, minor, majorBuild: build, minorBuild, version: schemaVersion(major, minor) };
}

/** The newest EWS schema a server of that version has. Exchange 2010 SP3 has none of its own. */
function schemaVersion(major: number, minor: number): string {
  if (major < 14) return minor === 0 ? 'Exchange2007' : 'Exchange2007_SP1';
  if (major === 14) return ['Exchange2010', 'Exchange2010_SP1'][minor] ?? 'Exchange2010_SP2';
  return minor === 0 ? 'Exchange2013' : 'Exchange2016';
}

function renderServerVersionInfo(info: ServerVersionInfo): XmlOutput {
  return parent(
    'h:ServerVersionInfo',
    [
      leaf('h:MajorVersion', String(info.major)),
      leaf('h:MinorVersion', String(info.minor)),
      leaf('h:MajorBuildNumber', String(info.majorBuild)),
      leaf('h:MinorBuildNumber', String(info.minorBuild)),
      leaf('h:Version', info.version),
    ],
    { 'xmlns:h': SOAP_AUTODISCOVER },
  );
}

function readServerVersionInfo(element: XmlElement | undefined): ServerVersionInfo | undefined {
  if (!element) return undefined;
  const number = (name: string): number => {
    const text = childText(element, name) ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : 0;
  };
  return {
    major: number('MajorVersion'),
    minor: number('MinorVersion'),
    majorBuild: number('MajorBuildNumber'),
    minorBuild: number('MinorBuildNumber'),
    version: childText(element, 'Version') ?? '',
  };
}
