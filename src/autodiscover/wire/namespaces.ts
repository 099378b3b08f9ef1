// The schema URIs of every dialect, verbatim. All begin with http:, whatever rendered documentation shows: with https: namespaces
// exchangelib refuses the answer. Input is compared through sameUri, which forgives exactly that accident.

/** Root `Autodiscover` of every POX answer, and `Response` of the error shape. */
export const POX_RESPONSE_BASE = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006';
/** `Response` of an answer with settings or a redirection; also the AcceptableResponseSchema that Outlook sends. */
export const POX_OUTLOOK_RESPONSE = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';
export const POX_OUTLOOK_REQUEST = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006';
/** [MS-ASCMD] 2.2.1.1 Autodiscover */
export const POX_MOBILESYNC_RESPONSE =
  'http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006';
export const POX_MOBILESYNC_REQUEST =
  'http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006';

export const SOAP_AUTODISCOVER = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';
export const SOAP_11_ENVELOPE = 'http://schemas.xmlsoap.org/soap/envelope/';
export const SOAP_12_ENVELOPE = 'http://www.w3.org/2003/05/soap-envelope';
export const WS_ADDRESSING = 'http://www.w3.org/2005/08/addressing';
export const XML_SCHEMA_INSTANCE = 'http://www.w3.org/2001/XMLSchema-instance';
export const XML_SCHEMA = 'http://www.w3.org/2001/XMLSchema';
export const WSDL = 'http://schemas.xmlsoap.org/wsdl/';
export const WSDL_SOAP = 'http://schemas.xmlsoap.org/wsdl/soap/';

/** True when two schema URIs mean the same: case, surrounding blanks, https for http and a final slash are forgiven. */
export function sameUri(left: string, right: string): boolean {
  return canonicalUri(left) === canonicalUri(right);
}

function canonicalUri(uri: string): string {
  return uri
    .trim()
    .toLowerCase()
    .replace(/^https:/, 'http:')
    .replace(/\/$/, '');
}
