// The check every document passes before fast-xml-parser sees it. That parser builds trees but accepts mismatched end tags, junk
// after the root, bare ampersands and document type declarations; this one pass refuses them, counts against the limits, and is
// a loop, so that nesting costs no stack.

/** Ceilings for one document. `bytes` counts UTF-8 bytes of a byte body and UTF-16 units of a text body. */
export interface XmlLimits {
  readonly bytes: number;
  readonly depth: number;
  readonly elements: number;
  readonly attributesPerElement: number;
  /** Longest element or attribute name, prefix included. */
  readonly nameLength: number;
}

/** Why a document is refused. `limit` names one of XmlLimits; `doctype` stands for any markup declaration. */
export type XmlFaultCode = 'undecodable' | 'empty' | 'doctype' | 'limit' | 'malformed';

/** A refused document: `message` says what and on which line, without repeating the document's content at length. */
export interface XmlFault {
  readonly code: XmlFaultCode;
  readonly message: string;
}

const NCNAME = '[\\p{L}_][\\p{L}\\p{N}\\p{M}._\\-\\u00b7]*';
const QNAME = new RegExp(`(?:${NCNAME}:)?${NCNAME}`, 'uy');
const BLANKS = /[ \t\r\n]*/y;
const ATTRIBUTE_VALUE = /[ \t\r\n]*=[ \t\r\n]*("[^"<]*"|'[^'<]*')/y;
const REFERENCE = /&(?:amp|lt|gt|quot|apos|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML 1.0 cannot carry
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

class Refusal extends Error {
  readonly fault: XmlFaultCode;
  readonly offset: number;
  constructor(fault: XmlFaultCode, offset: number, message: string) {
    super(message);
    this.fault = fault;
    this.offset = offset;
  }
}

/** Checks well-formedness and limits of a document without XML declaration; undefined when it passes. */
export function guardXml(text: string, limits: XmlLimits): XmlFault | undefined {
  try {
    new Guard(text, limits).run();
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const line = text.slice(0, error.offset).split('\n').length;
    return { code: error.fault, message: `line ${line}: ${error.message}` };
  }
}

class Guard {
  readonly #text: string;
  readonly #limits: XmlLimits;
  readonly #open: string[] = [];
  #elements = 0;
  #at = 0;

  constructor(text: string, limits: XmlLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  run(): void {
    const text = this.#text;
    if (text.length > this.#limits.bytes) throw new Refusal('limit', 0, `longer than ${this.#limits.bytes} characters`);
    if (text.trim() === '') throw new Refusal('empty', 0, 'the document is empty');
    const forbidden = text.search(FORBIDDEN);
    if (forbidden >= 0) throw new Refusal('malformed', forbidden, 'a control character that XML cannot carry');
    if (!text.isWellFormed()) throw new Refusal('malformed', 0, 'half of a surrogate pair');
    while (this.#at < text.length) this.#step();
    if (this.#open.length > 0) throw this.#malformed(`<${this.#open.at(-1)}> is not closed`);
    if (this.#elements === 0) throw this.#malformed('no root element');
  }

  #step(): void {
    const text = this.#text;
    const at = this.#at;
    if (text[at] !== '<') this.#characters();
    else if (text.startsWith('<!--', at)) this.#comment();
    else if (text.startsWith('<![CDATA[', at)) this.#cdata();
    else if (text.startsWith('<!', at)) throw new Refusal('doctype', at, 'document type declarations are not accepted');
    else if (text.startsWith('<?', at)) throw this.#malformed('processing instructions are not accepted');
    else if (text[at + 1] === '/') this.#endTag();
    else this.#startTag();
  }

  #characters(): void {
    const next = this.#text.indexOf('<', this.#at);
    const end = next < 0 ? this.#text.length : next;
    const run = this.#text.slice(this.#at, end);
    if (this.#open.length === 0 && /[^ \t\r\n]/.test(run)) throw this.#malformed('text outside the root element');
    if (run.includes(']]>')) throw this.#malformed('"]]>" outside a CDATA section');
    this.#references(run, this.#at);
    this.#at = end;
  }

  #comment(): void {
    const end = this.#text.indexOf('--', this.#at + 4);
    if (end < 0 || this.#text[end + 2] !== '>') throw this.#malformed('a comment is not closed, or holds "--"');
    this.#at = end + 3;
  }

  #cdata(): void {
    if (this.#open.length === 0) throw this.#malformed('a CDATA section outside the root element');
    const end = this.#text.indexOf(']]>', this.#at);
    if (end < 0) throw this.#malformed('a CDATA section is not closed');
    this.#at = end + 3;
  }

  #endTag(): void {
    const start = this.#at;
    this.#at += 2;
    const name = this.#name();
    this.#match(BLANKS);
    if (this.#text[this.#at] !== '>') throw this.#malformed(`</${name} is not closed by ">"`);
    const open = this.#open.pop();
    if (open !== name) {
      this.#at = start;
      throw this.#malformed(open ? `</${name}> where </${open}> was expected` : `</${name}> closes nothing`);
    }
    this.#at += 1;
  }

  #startTag(): void {
    if (this.#open.length === 0 && this.#elements > 0) throw this.#malformed('a second root element');
    this.#elements += 1;
    if (this.#elements > this.#limits.elements) {
      throw new Refusal('limit', this.#at, `more than ${this.#limits.elements} elements`);
    }
    this.#at += 1;
    const name = this.#name();
    this.#attributes(name);
    const empty = this.#text[this.#at] === '/';
    if (empty) this.#at += 1;
    if (this.#text[this.#at] !== '>') throw this.#malformed(`the start tag <${name} is not well formed`);
    this.#at += 1;
    if (this.#open.length >= this.#limits.depth) {
      throw new Refusal('limit', this.#at, `elements nested deeper than ${this.#limits.depth}`);
    }
    if (!empty) this.#open.push(name);
  }

  #attributes(element: string): void {
    const seen = new Set<string>();
    for (;;) {
      const blanks = this.#match(BLANKS)?.[0] ?? '';
      const next = this.#text[this.#at];
      if (next === undefined || next === '>' || next === '/') return;
      if (blanks === '') throw this.#malformed(`no space before an attribute of <${element}>`);
      const name = this.#name();
      if (seen.has(name)) throw this.#malformed(`attribute ${name} is given twice`);
      seen.add(name);
      if (seen.size > this.#limits.attributesPerElement) {
        throw new Refusal(
          'limit',
          this.#at,
          `more than ${this.#limits.attributesPerElement} attributes on <${element}>`,
        );
      }
      const start = this.#at;
      const value = this.#match(ATTRIBUTE_VALUE)?.[1];
      if (value === undefined) throw this.#malformed(`attribute ${name} has no quoted value`);
      this.#references(value, start);
    }
  }

  #name(): string {
    const name = this.#match(QNAME)?.[0];
    if (name === undefined) throw this.#malformed('a name was expected');
    if (name.length > this.#limits.nameLength) {
      throw new Refusal('limit', this.#at, `a name longer than ${this.#limits.nameLength} characters`);
    }
    return name;
  }

  #references(run: string, offset: number): void {
    for (let at = run.indexOf('&'); at >= 0; at = run.indexOf('&', at + 1)) {
      REFERENCE.lastIndex = at;
      const match = REFERENCE.exec(run);
      if (!match)
        throw new Refusal('malformed', offset + at, 'an ampersand that begins no known reference (write &amp;)');
      const code = match[1] ? Number.parseInt(match[1], 10) : match[2] ? Number.parseInt(match[2], 16) : 0x20;
      if (!isXmlCharacter(code))
        throw new Refusal('malformed', offset + at, 'a reference to a character XML cannot carry');
    }
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (!match) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }

  #malformed(message: string): Refusal {
    return new Refusal('malformed', this.#at, message);
  }
}

/** XML 1.0 production 2, Char. */
function isXmlCharacter(code: number): boolean {
  if (code === 0x9 || code === 0xa || code === 0xd) return true;
  return (
    (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
  );
}
