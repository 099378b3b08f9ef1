// XML out: an ordered tree of plain values to text, one element per line, two blanks per level. Escaping happens here and
// nowhere else.

/** An element to write: either text or children. Attributes keep their order; `xmlns` is one of them. */
export interface XmlOutput {
  readonly name: string;
  /** The whole element as `writtenXml` made it, instead of all that follows. */
  readonly lines?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly children?: readonly XmlOutput[];
}

const XML_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>';

/** An element holding other elements; `undefined` among them is left out. */
export function parent(
  name: string,
  children: readonly (XmlOutput | undefined)[],
  attributes?: Readonly<Record<string, string>>,
): XmlOutput {
  const present = children.filter((child) => child !== undefined);
  return attributes ? { name, attributes, children: present } : { name, children: present };
}

/** An element holding text. */
export function leaf(name: string, text: string, attributes?: Readonly<Record<string, string>>): XmlOutput {
  return attributes ? { name, attributes, text } : { name, text };
}

/** As `leaf`, but nothing at all for an absent or empty text: no dialect here gives an empty element a meaning. */
export function optionalLeaf(name: string, text: string | undefined): XmlOutput | undefined {
  return text ? leaf(name, text) : undefined;
}

/** As `parent`, but nothing when no child is present. EWS Managed API: an empty `Internal` or `Protocol` runs it off the document. */
export function optionalParent(name: string, children: readonly (XmlOutput | undefined)[]): XmlOutput | undefined {
  const present = children.filter((child) => child !== undefined);
  return present.length > 0 ? { name, children: present } : undefined;
}

/** Writes a document, ending in a line feed; `declaration: false` leaves the XML declaration out, as SOAP stacks do. */
export function writeXml(root: XmlOutput, options: { readonly declaration: boolean }): string {
  const lines = options.declaration ? [XML_DECLARATION] : [];
  write(root, '', lines);
  return `${lines.join('\n')}\n`;
}

/** The element as it is written at that depth below the root, to be put there as often as it is wanted. */
export function writtenXml(element: XmlOutput, depth: number): XmlOutput {
  const lines: string[] = [];
  write(element, '  '.repeat(depth), lines);
  return { name: element.name, lines: lines.join('\n') };
}

function write(element: XmlOutput, indent: string, lines: string[]): void {
  if (element.lines !== undefined) {
    lines.push(element.lines);
    return;
  }
  let start = `${indent}<${element.name}`;
  const { attributes, children = [] } = element;
  if (attributes)
    for (const [name, value] of Object.entries(attributes)) start += ` ${name}="${escapeAttribute(value)}"`;
  if (children.length > 0) {
    lines.push(`${start}>`);
    for (const child of children) write(child, `${indent}  `, lines);
    lines.push(`${indent}</${element.name}>`);
  } else if (element.text) lines.push(`${start}>${escapeText(element.text)}</${element.name}>`);
  else lines.push(`${start} />`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML 1.0 cannot carry
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
};

/** ASCII that stands for itself everywhere: nearly every text. */
const PLAIN = /^[ !#-%'-;=?-~]*$/;

/** Text content, kept on one line. What XML 1.0 cannot carry becomes U+FFFD, so that a stray directory value never spoils a whole answer. */
export function escapeText(text: string): string {
  if (PLAIN.test(text)) return text;
  return writable(text).replace(/[&<>\r\n]/g, (character) => ESCAPES[character] ?? character);
}

/** A double-quoted attribute value; line breaks and tabs as references, since readers turn bare ones into blanks. */
function escapeAttribute(text: string): string {
  if (PLAIN.test(text)) return text;
  return writable(text).replace(/[&<>"\r\n\t]/g, (character) => ESCAPES[character] ?? character);
}

function writable(text: string): string {
  return text.toWellFormed().replace(UNWRITABLE, '\ufffd');
}
