// The service description: what `?wsdl` and a plain GET of autodiscover.svc answer. No known client asks for either; they are for
// the administrator who opens the address in a browser or feeds it to a tool.
import { SOAP_AUTODISCOVER, WSDL, WSDL_SOAP, XML_SCHEMA } from './namespaces.ts';
import { soapAction } from './soap-envelope.ts';
import { escapeText, leaf, parent, writeXml, type XmlOutput } from './xml-writer.ts';

/** The operations, in the order the description lists them. */
export const SOAP_OPERATIONS = [
  'GetUserSettings',
  'GetDomainSettings',
  'GetFederationInformation',
  'GetOrganizationRelationshipSettings',
] as const;

/** The WSDL 1.1 document: document/literal over SOAP 1.1, message contents left open. `serviceUrl` is this service's address. */
export function renderWsdl(serviceUrl: string): string {
  const attributes = {
    'xmlns:wsdl': WSDL,
    'xmlns:soap': WSDL_SOAP,
    'xmlns:xs': XML_SCHEMA,
    'xmlns:tns': SOAP_AUTODISCOVER,
    name: 'Autodiscover',
    targetNamespace: SOAP_AUTODISCOVER,
  };
  const definitions = [types(), ...SOAP_OPERATIONS.flatMap(messages), portType(), binding(), service(serviceUrl)];
  return writeXml(parent('wsdl:definitions', definitions, attributes), { declaration: true });
}

/** The one line of HTML behind a plain GET. */
export function renderServicePage(serviceUrl: string): string {
  const url = escapeText(serviceUrl).replaceAll('"', '&quot;');
  return `<!DOCTYPE html><html lang="en"><title>Autodiscover</title><p>Autodiscover SOAP service. Description: <a href="${url}?wsdl">${url}?wsdl</a></p></html>\n`;
}

function types(): XmlOutput {
  const elements = SOAP_OPERATIONS.flatMap((operation) => [
    openElement(`${operation}RequestMessage`, 'Request'),
    openElement(`${operation}ResponseMessage`, 'Response'),
  ]);
  const schema = { elementFormDefault: 'qualified', targetNamespace: SOAP_AUTODISCOVER };
  return parent('wsdl:types', [parent('xs:schema', elements, schema)]);
}

/** A message element with one child of any content. */
function openElement(name: string, child: string): XmlOutput {
  const inner = parent('xs:element', [], { minOccurs: '0', name: child, type: 'xs:anyType' });
  return parent('xs:element', [parent('xs:complexType', [parent('xs:sequence', [inner])])], { name });
}

function messages(operation: string): readonly XmlOutput[] {
  return [
    message(`${operation}Request`, `${operation}RequestMessage`),
    message(`${operation}Response`, `${operation}ResponseMessage`),
  ];
}

function message(name: string, element: string): XmlOutput {
  return parent('wsdl:message', [leaf('wsdl:part', '', { name: 'parameters', element: `tns:${element}` })], { name });
}

function portType(): XmlOutput {
  const operations = SOAP_OPERATIONS.map((name) =>
    parent(
      'wsdl:operation',
      [
        leaf('wsdl:input', '', { message: `tns:${name}Request` }),
        leaf('wsdl:output', '', { message: `tns:${name}Response` }),
      ],
      { name },
    ),
  );
  return parent('wsdl:portType', operations, { name: 'Autodiscover' });
}

function binding(): XmlOutput {
  const literal = (): XmlOutput => leaf('soap:body', '', { use: 'literal' });
  const operations = SOAP_OPERATIONS.map((name) =>
    parent(
      'wsdl:operation',
      [
        leaf('soap:operation', '', { soapAction: soapAction(name), style: 'document' }),
        parent('wsdl:input', [literal()]),
        parent('wsdl:output', [literal()]),
      ],
      { name },
    ),
  );
  const transport = leaf('soap:binding', '', { transport: 'http://schemas.xmlsoap.org/soap/http', style: 'document' });
  return parent('wsdl:binding', [transport, ...operations], { name: 'AutodiscoverSoap', type: 'tns:Autodiscover' });
}

function service(serviceUrl: string): XmlOutput {
  const port = parent('wsdl:port', [leaf('soap:address', '', { location: serviceUrl })], {
    name: 'AutodiscoverSoap',
    binding: 'tns:AutodiscoverSoap',
  });
  return parent('wsdl:service', [port], { name: 'AutodiscoverService' });
}
