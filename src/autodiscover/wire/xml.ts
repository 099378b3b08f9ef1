// XML in: bytes to a namespace-resolved element tree, or a fault. The only importer of fast-xml-parser, which gets nothing that
// guardXml has not passed, expands no entities and sees no document type. Everything here is a loop; depth costs no stack.
import { XMLParser } from 'fast-xml-parser';
import { decodeXml, withoutDeclaration } from './xml-decode.ts';
import { guardXml, type XmlFault, type XmlFaultCode, type XmlLimits } from './xml-guard.ts';

export type { XmlFault, XmlFaultCode, XmlLimits };

/** An attribute with its namespace; '' for one without prefix. Declarations of namespaces are not listed. */
export interface XmlAttribute {
  readonly local: string;
  readonly namespace: string;
  readonly value: string;
}

/** An element: `text` is all its direct text and CDATA, untrimmed; `namespace` is '' when none applies. */
export interface XmlElement {
  readonly local: string;
  readonly namespace: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  readonly text: string;
}

/** One table of ceilings per kind of document; a POX request of a real client is below 1 KiB, a SOAP one for 100 users below 40. */
export const XML_LIMITS = {
  poxRequest: { bytes: 64 * 1024, depth: 16, elements: 64, attributesPerElement: 16, nameLength: 128 },
  soapRequest: { bytes: 1024 * 1024, depth: 24, elements: 10_000, attributesPerElement: 32, nameLength: 128 },
  response: { bytes: 4 * 1024 * 1024, depth: 32, elements: 50_000, attributesPerElement: 32, nameLength: 128 },
} as const satisfies Record<string, XmlLimits>;

export type ParsedXml = { readonly root: XmlElement } | { readonly fault: XmlFault };

const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

type RawNode = Record<string, unknown>;
type MutableElement = {
  local: string;
  namespace: string;
  attributes: XmlAttribute[];
  children: XmlElement[];
  text: string;
};
type Scope = Readonly<Record<string, string>>;
type Pending = { raw: readonly RawNode[]; into: MutableElement; scope: Scope };

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  cdataPropName: '#cdata',
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  strictReservedNames: false,
  jPath: false,
  onDangerousProperty: (name) => name,
  maxNestedTags: Math.max(...Object.values(XML_LIMITS).map((limits) => limits.depth)) + 1,
});

/** Reads a document. `contentType` is the header's whole value and matters only for bytes. */
export function parseXml(body: Uint8Array | string, limits: XmlLimits, contentType?: string): ParsedXml {
  if (body.length > limits.bytes) return fault('limit', `longer than ${limits.bytes} bytes`);
  const decoded = typeof body === 'string' ? { text: withoutDeclaration(body) } : decodeXml(body, contentType);
  if ('reason' in decoded) return fault('undecodable', decoded.reason);
  const refused = guardXml(decoded.text, limits);
  if (refused) return { fault: refused };
  let raw: readonly RawNode[];
  try {
    raw = parser.parse(decoded.text) as RawNode[];
  } catch (error) {
    // What passes the guard and fails here are names such as __proto__, which this parser refuses on principle.
    return fault('malformed', error instanceof Error ? error.message : 'the document cannot be parsed');
  }
  return resolve(raw);
}

function fault(code: XmlFaultCode, message: string): { fault: XmlFault } {
  return { fault: { code, message } };
}

/** Turns fast-xml-parser's ordered nodes into elements with namespaces, with a work list in place of recursion. */
function resolve(raw: readonly RawNode[]): ParsedXml {
  const document: MutableElement = { local: '', namespace: '', attributes: [], children: [], text: '' };
  const work: Pending[] = [{ raw, into: document, scope: bind({}, [['xmlns:xml', XML_NAMESPACE]]) }];
  for (let pending = work.pop(); pending; pending = work.pop()) {
    for (const node of pending.raw) {
      const name = Object.keys(node).find((key) => key !== ':@');
      if (name === undefined) continue;
      const content = node[name];
      if (name === '#text') pending.into.text += decodeReferences(String(content));
      else if (name === '#cdata') pending.into.text += cdataText(content);
      else {
        const made = makeElement(name, (node[':@'] ?? {}) as Record<string, string>, pending.scope);
        if (typeof made === 'string') return fault('malformed', `prefix "${made}" is bound to no namespace`);
        pending.into.children.push(made.element);
        work.push({ raw: content as readonly RawNode[], into: made.element, scope: made.scope });
      }
    }
  }
  const [root] = document.children;
  return root ? { root } : fault('malformed', 'no root element');
}

/** An element and the namespace bindings inside it, or the prefix that nothing binds. */
function makeElement(
  name: string,
  raw: Readonly<Record<string, string>>,
  outer: Scope,
): { element: MutableElement; scope: Scope } | string {
  const entries = Object.entries(raw).map(([key, value]) => [key, attributeText(value)] as const);
  const declared = entries.filter(([key]) => key === 'xmlns' || key.startsWith('xmlns:'));
  const scope = declared.length === 0 ? outer : bind(outer, declared);
  const [prefix, local] = splitName(name);
  const namespace = prefix === '' ? (scope[':'] ?? '') : scope[prefix];
  if (namespace === undefined) return prefix;
  const element: MutableElement = { local, namespace, attributes: [], children: [], text: '' };
  for (const [key, value] of entries) {
    if (key === 'xmlns' || key.startsWith('xmlns:')) continue;
    const [attributePrefix, attributeLocal] = splitName(key);
    const attributeNamespace = attributePrefix === '' ? '' : scope[attributePrefix];
    if (attributeNamespace === undefined) return attributePrefix;
    element.attributes.push({ local: attributeLocal, namespace: attributeNamespace, value });
  }
  return { element, scope };
}

/** Adds bindings; the default namespace is kept under ":", which is no legal prefix. */
function bind(outer: Scope, declared: readonly (readonly [string, string])[]): Scope {
  const scope: Record<string, string> = Object.assign(Object.create(null), outer);
  for (const [key, uri] of declared) scope[key === 'xmlns' ? ':' : key.slice('xmlns:'.length)] = uri;
  return scope;
}

function splitName(name: string): [prefix: string, local: string] {
  const colon = name.indexOf(':');
  return colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 1)];
}

function cdataText(content: unknown): string {
  return (content as readonly RawNode[]).map((part) => String(part['#text'] ?? '')).join('');
}

/** XML 1.0 3.3.3: a line break or tab in an attribute is a blank, unless it is written as a reference. */
function attributeText(raw: string): string {
  return decodeReferences(raw.replace(/[\t\r\n]/g, ' '));
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The five named references and numeric ones; guardXml has already refused all others. */
function decodeReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([a-z]+));/g, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number.parseInt(decimal, 10));
    return NAMED[name] ?? whole;
  });
}

/** First child of that local name in any namespace, compared without case: readers go by local names as every client does. */
export function findChild(element: XmlElement | undefined, local: string): XmlElement | undefined {
  const wanted = local.toLowerCase();
  return element?.children.find((child) => child.local.toLowerCase() === wanted);
}

/** All children of that local name, in document order. */
export function findChildren(element: XmlElement | undefined, local: string): readonly XmlElement[] {
  const wanted = local.toLowerCase();
  return element?.children.filter((child) => child.local.toLowerCase() === wanted) ?? [];
}

/** Trimmed text of a child, or undefined when it is absent or blank. */
export function childText(element: XmlElement | undefined, local: string): string | undefined {
  return findChild(element, local)?.text.trim() || undefined;
}

/** Value of the attribute of that local name in any namespace, or undefined. */
export function attributeValue(element: XmlElement, local: string): string | undefined {
  return element.attributes.find((attribute) => attribute.local === local)?.value;
}
