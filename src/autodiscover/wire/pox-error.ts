// The error answer of the POX dialects, rendered and read back: HTTP 200, and everything in the base response namespace.
import type { AutodiscoverFault } from '../settings/user-settings.ts';
import { poxError } from './error-codes.ts';
import { POX_RESPONSE_BASE } from './namespaces.ts';
import { childText, type XmlElement } from './xml.ts';
import { leaf, parent, writeXml, type XmlOutput } from './xml-writer.ts';

/** When and by whom an error is reported: the server's clock, and a 32-bit number that stays the same for one server. */
export interface ErrorStamp {
  readonly now: Date;
  readonly serverId: number;
}

/** The document for a fault. [MS-OXDSCLI] 2.2.4.1.1.3 Error */
export function renderPoxError(fault: AutodiscoverFault, stamp: ErrorStamp): string {
  // exchangelib: looks for Response and Error in the base namespace only.
  const response = parent('Response', [errorElement(fault, stamp)], { xmlns: POX_RESPONSE_BASE });
  return writeXml(parent('Autodiscover', [response], { xmlns: POX_RESPONSE_BASE }), { declaration: true });
}

// [MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode
export function errorElement(fault: AutodiscoverFault, { now, serverId }: ErrorStamp): XmlOutput {
  const { code, message } = poxError(fault);
  const children = [leaf('ErrorCode', String(code)), leaf('Message', message), leaf('DebugData', '')];
  return parent('Error', children, { Time: errorTime(now), Id: String(serverId >>> 0) });
}

/** Time of day with seven decimals and no date, in UTC so that an answer does not tell where the server stands. */
function errorTime(now: Date): string {
  return `${now.toISOString().slice('yyyy-mm-ddT'.length, -1)}0000`;
}

/** An error answer: the number as sent, which may be one the specification does not list. */
export interface PoxErrorAnswer {
  readonly action: 'error';
  readonly code: number;
  readonly message: string;
}

/** Reads an `Error` element. */
export function readPoxError(
  error: XmlElement,
): PoxErrorAnswer | { readonly action: 'malformed'; readonly detail: string } {
  const code = childText(error, 'ErrorCode');
  if (!code || !/^\d{1,9}$/.test(code)) return { action: 'malformed', detail: '<Error> has no numeric <ErrorCode>' };
  return { action: 'error', code: Number(code), message: childText(error, 'Message') ?? '' };
}
