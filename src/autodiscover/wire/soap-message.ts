// What the operations of autodiscover.svc have in common: request and answer bodies, the ErrorCode pair, and how an answer is read.
import { parseSoapErrorCode, type SoapErrorText } from './error-codes.ts';
import { SOAP_AUTODISCOVER, XML_SCHEMA_INSTANCE } from './namespaces.ts';
import {
  parseSoapEnvelope,
  readSoapFault,
  renderSoapAnswer,
  type ServerVersionInfo,
  type SoapContext,
} from './soap-envelope.ts';
import { childText, findChild, XML_LIMITS, type XmlElement } from './xml.ts';
import { leaf, parent, type XmlOutput } from './xml-writer.ts';

/** The outcome of a whole request that went well. */
const NO_ERROR: SoapErrorText = { code: 'NoError', message: '' };

/** A well-formed request with unusable content, answered by HTTP 200 and InvalidRequest. `detail` may be shown to the client. */
export interface InvalidSoapRequest {
  readonly invalid: string;
}

/** Why an answer's content cannot be had: a Fault, or a document that is no answer to the operation. */
export type SoapFailure =
  | { readonly kind: 'fault'; readonly code: string; readonly reason: string }
  | { readonly kind: 'malformed'; readonly detail: string };

/** Code and text as the server sent them; a code outside the enumeration is kept. */
export interface SoapErrorReading {
  readonly code: string;
  readonly message: string;
}

/** The InvalidRequest that answers unusable content. */
export function invalidRequest({ invalid }: InvalidSoapRequest): SoapErrorText {
  return { code: 'InvalidRequest', message: invalid };
}

/** `<Op>RequestMessage/Request` around `children`. */
export function requestBody(operation: string, children: readonly (XmlOutput | undefined)[]): XmlOutput {
  return parent(`${operation}RequestMessage`, [parent('Request', children)], { xmlns: SOAP_AUTODISCOVER });
}

/** `<Op>ResponseMessage/Response` around ErrorCode, ErrorMessage and `children`. */
export function responseBody(
  operation: string,
  error: SoapErrorText,
  children: readonly (XmlOutput | undefined)[],
): XmlOutput {
  const response = parent('Response', [...errorPair(error), ...children], { 'xmlns:i': XML_SCHEMA_INSTANCE });
  return parent(`${operation}ResponseMessage`, [response], { xmlns: SOAP_AUTODISCOVER });
}

/** ErrorCode and ErrorMessage, which come first wherever they stand. */
function errorPair({ code, message }: SoapErrorText): readonly XmlOutput[] {
  return [leaf('ErrorCode', code), leaf('ErrorMessage', message)];
}

/** Whom an operation with several answers in one response is about: users or domains. */
export type SoapSubject = 'User' | 'Domain';

/** What is said of one user or domain; the settings as rendered. */
export type SubjectOutcome =
  | { readonly settings: readonly (XmlOutput | undefined)[] }
  | { readonly redirect: 'RedirectAddress' | 'RedirectUrl'; readonly target: string }
  | { readonly error: SoapErrorText };

/** `<Subject>Response`: the ErrorCode pair, then the members in the order of their names, as data contracts are written. */
export function subjectResponse(subject: SoapSubject, outcome: SubjectOutcome): XmlOutput {
  const target = 'redirect' in outcome && outcome.target;
  const members = [
    target ? leaf('RedirectTarget', target) : nil('RedirectTarget'),
    parent(`${subject}SettingErrors`, []),
    parent(`${subject}Settings`, 'settings' in outcome ? outcome.settings : []),
  ];
  members.sort((a, b) => (a.name < b.name ? -1 : 1));
  return parent(`${subject}Response`, [...errorPair(subjectError(outcome)), ...members]);
}

function subjectError(outcome: SubjectOutcome): SoapErrorText {
  if ('error' in outcome) return outcome.error;
  if ('settings' in outcome) return { code: 'NoError', message: 'No error.' };
  return {
    code: outcome.redirect,
    message: outcome.redirect === 'RedirectUrl' ? 'Redirection URL.' : 'Redirection address.',
  };
}

/** The whole answer: one response per subject, in the order asked; or what was wrong with the request. */
export function renderSubjectResponses(
  operation: string,
  subject: SoapSubject,
  outcome: { readonly responses: readonly XmlOutput[] } | SoapErrorText,
  context: SoapContext,
): string {
  const name = `${subject}Responses`;
  const body =
    'responses' in outcome
      ? responseBody(operation, NO_ERROR, [parent(name, outcome.responses)])
      : responseBody(operation, outcome, [nil(name)]);
  return renderSoapAnswer(`${operation}Response`, body, context);
}

/** How deep a subject's response stands: Envelope, Body, message, Response, responses. */
export const SUBJECT_DEPTH = 5;

/** An element that says "none" rather than being empty. */
function nil(name: string): XmlOutput {
  return leaf(name, '', { 'i:nil': 'true' });
}

/** Reads an ErrorCode pair; an element without one counts as NoError. */
export function readError(element: XmlElement): SoapErrorReading {
  return { code: childText(element, 'ErrorCode') ?? 'NoError', message: childText(element, 'ErrorMessage') ?? '' };
}

/** True for a code of the SOAP enumeration other than NoError, or one unknown to it. */
export function isFailure({ code }: SoapErrorReading): boolean {
  return parseSoapErrorCode(code) !== 'NoError';
}

/** Opens an answer to `operation`: its Response element and the server's version, or what it is instead. */
export function openAnswer(
  operation: string,
  xml: Uint8Array | string,
  contentType?: string,
):
  | {
      readonly kind: 'answer';
      readonly response: XmlElement;
      readonly serverVersionInfo: ServerVersionInfo | undefined;
    }
  | SoapFailure {
  const message = parseSoapEnvelope(xml, contentType, XML_LIMITS.response);
  if ('soapFault' in message) return { kind: 'malformed', detail: message.soapFault.detail };
  const fault = readSoapFault(message);
  if (fault) return { kind: 'fault', ...fault };
  const response = findChild(message.body, 'Response');
  if (message.operation !== `${operation}ResponseMessage` || !response) {
    return { kind: 'malformed', detail: `<${message.operation}> is no answer to ${operation}` };
  }
  return { kind: 'answer', response, serverVersionInfo: message.serverVersionInfo };
}
