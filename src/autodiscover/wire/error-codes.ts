// What each reason for "no settings" is called in each dialect. The detail of a fault never leaves the server: clients get these
// texts and no others.
import type { AutodiscoverFault } from '../settings/user-settings.ts';

/** ErrorCode and Message of a POX error answer. */
export interface PoxErrorText {
  readonly code: number;
  readonly message: string;
}

// [MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode
// exchangelib 4.9: recognises an unknown mailbox by the exact text of 500.
const POX_ERRORS: Readonly<Record<AutodiscoverFault, PoxErrorText>> = {
  'unknown-address': { code: 500, message: 'The e-mail address cannot be found.' },
  'not-a-mailbox': { code: 501, message: 'Bad Address' },
  'invalid-request': { code: 600, message: 'Invalid Request' },
  'no-provider': { code: 601, message: 'Provider is not available' },
  misconfigured: { code: 602, message: 'Bad Address' },
  'server-error': { code: 603, message: 'Server Error' },
};

/** ErrorCode names of the SOAP service, all of them. [WSREF] errorcode-soap ErrorCode */
export const SOAP_ERROR_CODES = [
  'NoError',
  'RedirectAddress',
  'RedirectUrl',
  'InvalidUser',
  'InvalidRequest',
  'InvalidSetting',
  'SettingIsNotAvailable',
  'ServerBusy',
  'InvalidDomain',
  'NotFederated',
  'InternalServerError',
] as const;
export type SoapErrorCode = (typeof SOAP_ERROR_CODES)[number];

/** ErrorCode and ErrorMessage of a SOAP answer. [WSREF] errormessage-soap ErrorMessage */
export interface SoapErrorText {
  readonly code: SoapErrorCode;
  readonly message: string;
}

const SOAP_ERRORS: Readonly<Record<AutodiscoverFault, SoapErrorText>> = {
  'unknown-address': { code: 'InvalidUser', message: 'The e-mail address cannot be found.' },
  'not-a-mailbox': { code: 'InvalidUser', message: 'The e-mail address does not belong to a mailbox.' },
  'invalid-request': { code: 'InvalidRequest', message: 'The request is not valid.' },
  'no-provider': { code: 'InvalidRequest', message: 'The requested schema is not available.' },
  misconfigured: { code: 'InternalServerError', message: 'The settings of this mailbox cannot be determined.' },
  'server-error': { code: 'InternalServerError', message: 'The request could not be processed. Try again later.' },
};

/** The POX number and text of a fault. */
export function poxError(fault: AutodiscoverFault): PoxErrorText {
  return POX_ERRORS[fault];
}

/** The SOAP name and text of a fault. */
export function soapError(fault: AutodiscoverFault): SoapErrorText {
  return SOAP_ERRORS[fault];
}

/** The fault behind a POX ErrorCode, or undefined for a number the specification does not list. */
export function faultOfPoxCode(code: number): AutodiscoverFault | undefined {
  for (const [fault, error] of Object.entries(POX_ERRORS)) if (error.code === code) return fault as AutodiscoverFault;
  return undefined;
}

/** Reads an ErrorCode name; undefined for a name the SOAP service does not list. */
export function parseSoapErrorCode(text: string): SoapErrorCode | undefined {
  return SOAP_ERROR_CODES.find((code) => code === text);
}
