// A secret planted into a request, wherever a client may put one and wherever chance puts it, must not come out in the log.
import assert from 'node:assert/strict';
import { shownTarget } from '../../../src/autodiscover/server/request-log.ts';
import { bodyOutline } from '../../../src/autodiscover/server/request-outline.ts';

/** Has signs that no shown value may have: bare, chance may put it into the text of an e-mail address. */
const SECRET = '!9geheim%7';
/** Only letters, for places where it is no part of what is shown. */
const PLAIN = 'Geheimnis';

/** Ways to write a secret into XML; each is whole in itself, so that it stays apart from the text around it. */
const IN_XML: readonly ((secret: string) => string)[] = [
  (secret) => `<é:Password>${secret}</é:Password>`,
  (secret) => `<w:Password><![CDATA[</w:Password>${secret}]]></w:Password>`,
  (secret) => `<![CDATA[<a/><Mailbox>${secret}@contoso.test</Mailbox>]]>`,
  (secret) => `<User Password="${secret}" xmlns:${secret}='${secret}'/>`,
  (secret) => `<a b='>' c="${secret}<Mailbox>${secret}@contoso.test</Mailbox>"></a>`,
  (secret) => `<Passwd>${secret}</Passwd>`,
  (secret) => `<${secret}/>`,
  (secret) => `<!-- <a/><Mailbox>${secret}@contoso.test</Mailbox> -->`,
  (secret) => `<?${secret} ${secret}?>`,
  (secret) => `<Token><EMailAddress>${secret}@contoso.test</EMailAddress></Token>`,
  (secret) => `<Assertion><a:Domain xmlns:a="x">${secret}</a:Domain></Assertion>`,
];

/** Chosen by the input itself, so that a failure repeats. */
function* placesIn(data: Buffer, count: number): Generator<number> {
  let state = data.length + 1;
  for (const byte of data.subarray(0, 64)) state = (Math.imul(state, 31) + byte) >>> 0;
  for (let n = 0; n < count; n++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield (state >>> 8) % (Math.min(data.length, 4096) + 1);
  }
}

function assertHidden(shown: string, secret: string, input: Buffer): void {
  assert.ok(!shown.includes(secret), `${JSON.stringify(input.toString('latin1'))} is logged as ${shown}`);
}

/** Whatever the body is: the secret at some places of it, bare and written in one of the ways. */
export function assertBodyHidesSecret(data: Buffer): void {
  bodyOutline(data);
  for (const at of placesIn(data, 3)) {
    const write = IN_XML[(at + data.length) % IN_XML.length];
    for (const secret of [SECRET, write?.(SECRET) ?? '']) {
      const planted = Buffer.concat([data.subarray(0, at), Buffer.from(secret), data.subarray(at)]);
      assertHidden(bodyOutline(planted), SECRET, planted);
      const wide = Buffer.from(planted.toString('utf8'), 'utf16le');
      assertHidden(bodyOutline(wide), SECRET, wide);
    }
  }
}

/** A well-formed body: a secret of letters only, between any two of its tags, which belongs to no element whose text is shown. */
export function assertBodyHidesWords(body: string): void {
  for (const { index } of body.matchAll(/>(?=\s*<)/g)) {
    for (const write of [(secret: string) => secret, ...IN_XML]) {
      const planted = Buffer.from(`${body.slice(0, index + 1)}${write(PLAIN)}${body.slice(index + 1)}`);
      assertHidden(bodyOutline(planted), PLAIN, planted);
    }
  }
}

export function assertTargetHidesSecret(target: string): void {
  for (const at of placesIn(Buffer.from(target), 8)) {
    const planted = `${target.slice(0, at)}${SECRET}${target.slice(at)}`;
    assertHidden(shownTarget(planted), SECRET, Buffer.from(planted));
  }
  const mark = target.includes('?') ? '&' : '?';
  for (const name of ['password', 'access_token', 'Constructor', '__proto__', 'email', 'a%00b', '']) {
    const planted = `${target}${mark}${name}=${PLAIN}`;
    assertHidden(shownTarget(planted), PLAIN, Buffer.from(planted));
  }
}
