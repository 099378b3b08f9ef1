// Damaged documents: whatever happens to a message on its way, a parser returns a value or a fault, and never throws. The seed is
// fixed, so a failure repeats; FUZZ_RUNS sets the number of mutants per parser, FUZZ_SEED another sequence.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { AUTODISCOVER_FAULTS } from '../../../src/autodiscover/settings/user-settings.ts';
import { normalizeAddress } from '../../../src/autodiscover/wire/address.ts';
import {
  answerJsonRequest,
  parseJsonRequest,
  parseJsonResponse,
} from '../../../src/autodiscover/wire/json-redirect.ts';
import { parseMobileSyncResponse } from '../../../src/autodiscover/wire/mobilesync-response.ts';
import { parsePoxRequest, renderPoxRequest } from '../../../src/autodiscover/wire/pox-request.ts';
import { parsePoxResponse, renderPoxResponse } from '../../../src/autodiscover/wire/pox-response.ts';
import {
  parseDomainSettingsResponse,
  readDomainSettingsRequest,
} from '../../../src/autodiscover/wire/soap-domain-settings.ts';
import { parseSoapEnvelope } from '../../../src/autodiscover/wire/soap-envelope.ts';
import {
  parseFederationResponse,
  parseOrganizationRelationshipResponse,
  readFederationRequest,
  readOrganizationRelationshipRequest,
} from '../../../src/autodiscover/wire/soap-federation.ts';
import {
  parseUserSettingsResponse,
  readUserSettingsRequest,
  SOAP_USER_LIMIT,
} from '../../../src/autodiscover/wire/soap-user-settings.ts';
import { bytes, poxContext } from './samples.ts';

const RUNS = Number(process.env.FUZZ_RUNS ?? 1_500);
const SEED = Number(process.env.FUZZ_SEED ?? 20_110_304);
const CORPUS = join(import.meta.dirname, '..', '..', 'corpus');

/** Small fast generator (mulberry32): numbers in [0, 1) from a 32-bit seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

const TOKENS = [
  '<',
  '>',
  '&',
  '"',
  "'",
  '/',
  '</',
  '/>',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<!DOCTYPE a>',
  '<?xml version="1.0"?>',
  '&amp;',
  '&#0;',
  '&#x1F600;',
  '&x;',
  'xmlns=""',
  ' xmlns:p="u"',
  '<p:q/>',
  '<__proto__/>',
  ' constructor="1"',
  '@',
  '\u0000',
  '\ufffe',
  '\r\n',
  'utf-16',
  '-1',
  '99999999999999999999',
  '<EMailAddress>',
  '</Request>',
  '<Type>EXCH</Type>',
  '<a>'.repeat(40),
].map(bytes);

function read(folder: string): readonly Uint8Array[] {
  const names = readdirSync(join(CORPUS, folder)).filter((name) => name.endsWith('.xml'));
  return names.map((name) => Uint8Array.from(readFileSync(join(CORPUS, folder, name))));
}

/** Removes, doubles or refills one leaf element, so that the document stays well formed and the readers behind XML are reached. */
function alterLeaf(body: Uint8Array, random: () => number): Uint8Array {
  const text = Buffer.from(body).toString('latin1');
  const leaves = [...text.matchAll(/<([\w:-]+)[^<>]*>([^<>]*)<\/\1>/g)];
  const leaf = leaves[Math.floor(random() * leaves.length)];
  if (!leaf) return body;
  const [whole, name = ''] = leaf;
  const texts = [
    '',
    ' ',
    '0',
    '-1',
    '99999999999',
    'redirectAddr',
    'EXPR',
    'x@y@z',
    'smtp:a@b.test',
    '/o=',
    '&#x1F600;',
  ];
  const replacement = ['', whole + whole, `<${name}>${texts[Math.floor(random() * texts.length)]}</${name}>`];
  const made = replacement[Math.floor(random() * replacement.length)] ?? '';
  const at = leaf.index;
  return Buffer.from(text.slice(0, at) + made + text.slice(at + whole.length), 'latin1');
}

/** A seed with one to four wounds: a leaf altered, bytes changed, cut, doubled, a token or a piece of another seed put in. */
function mutate(seeds: readonly Uint8Array[], random: () => number): Uint8Array {
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  let body: Uint8Array = pick(seeds);
  for (let wounds = 1 + below(4); wounds > 0; wounds -= 1) {
    if (below(4) > 0) {
      body = alterLeaf(body, random);
      continue;
    }
    const at = below(body.length + 1);
    const to = Math.min(body.length, at + below(1 + below(200)));
    const [head, piece, tail] = [body.subarray(0, at), body.subarray(at, to), body.subarray(to)];
    const other = pick(seeds);
    const from = below(other.length);
    const middle = [
      () => piece.map((byte) => (random() < 0.2 ? below(256) : byte)),
      () => new Uint8Array(0),
      () => Buffer.concat([piece, piece]),
      () => Buffer.concat([pick(TOKENS), piece]),
      () => pick(TOKENS),
      () => other.subarray(from, from + below(300)),
    ][below(6)];
    body = below(20) === 0 ? head : Buffer.concat([head, middle?.() ?? piece, tail]);
  }
  return Uint8Array.from(body);
}

function survive(name: string, folder: string, check: (body: Uint8Array) => 'value' | 'fault'): void {
  test(`${name} survives ${RUNS} damaged documents`, () => {
    const seeds = read(folder);
    const random = generator(SEED);
    const outcomes = { value: 0, fault: 0 };
    for (let run = 0; run < RUNS; run += 1) {
      const body = mutate(seeds, random);
      try {
        outcomes[check(body)] += 1;
      } catch (cause) {
        const base64 = Buffer.from(body).toString('base64');
        throw new Error(`run ${run} of seed ${SEED}; document in base64: ${base64}`, { cause });
      }
    }
    // Were all one or all the other, the wounds would be too deep or too shallow to prove anything.
    assert.ok(outcomes.value > 0 && outcomes.fault > 0, JSON.stringify(outcomes));
  });
}

survive('parsePoxRequest', 'pox', (body) => {
  const parsed = parsePoxRequest(body, 'text/xml; charset=utf-8');
  if ('fault' in parsed) {
    assert.ok(AUTODISCOVER_FAULTS.includes(parsed.fault) && parsed.detail !== '');
    return 'fault';
  }
  assert.ok(parsed.emailAddress !== undefined || parsed.legacyDn !== undefined);
  if (parsed.emailAddress) assert.deepEqual(normalizeAddress(parsed.emailAddress), { address: parsed.emailAddress });
  assert.deepEqual(parsePoxRequest(bytes(renderPoxRequest(parsed))), parsed);
  return 'value';
});

survive('parsePoxResponse', 'pox', (body) => {
  const parsed = parsePoxResponse(body);
  if (parsed.action === 'malformed') return 'fault';
  if (parsed.action === 'settings') {
    const answer = { ...parsed.answer, mobileSync: { url: undefined, culture: 'en:us' } };
    assert.equal(parsePoxResponse(renderPoxResponse({ action: 'settings', answer }, poxContext)).action, 'settings');
  }
  return 'value';
});

survive('parseMobileSyncResponse', 'pox', (body) =>
  parseMobileSyncResponse(body).action === 'malformed' ? 'fault' : 'value',
);

survive('parseSoapEnvelope with the readers of all requests', 'soap', (body) => {
  const message = parseSoapEnvelope(body);
  if ('soapFault' in message) return 'fault';
  const readers = [readDomainSettingsRequest, readFederationRequest, readOrganizationRelationshipRequest];
  for (const reader of readers) assert.equal(typeof reader(message.body), 'object');
  const request = readUserSettingsRequest(message.body);
  if ('users' in request) {
    assert.ok(request.users.length > 0 && request.users.length <= SOAP_USER_LIMIT);
    assert.ok(request.settings.length + request.unknownSettings.length > 0);
  }
  return 'value';
});

for (const [name, parse] of Object.entries({
  parseUserSettingsResponse,
  parseDomainSettingsResponse,
})) {
  survive(name, 'soap', (body) => (parse(body).kind === 'answer' ? 'value' : 'fault'));
}

test('the federation readers survive as well, though no seed is an answer to them', () => {
  const seeds = read('soap');
  const random = generator(SEED);
  for (let run = 0; run < RUNS / 5; run += 1) {
    const body = mutate(seeds, random);
    assert.notEqual(parseFederationResponse(body).kind, 'answer');
    assert.notEqual(parseOrganizationRelationshipResponse(body).kind, 'answer');
  }
});

test(`the JSON readers survive ${RUNS} damaged targets and bodies`, () => {
  const targets = [
    '/autodiscover/autodiscover.json?Email=alice%40contoso.test&Protocol=ActiveSync&RedirectCount=1',
    '/autodiscover/autodiscover.json/v1.0/alice%40contoso.test?Protocol=Ews',
    '{"Protocol":"Ews","Url":"https://mail.contoso.test/EWS/Exchange.asmx"}',
    '{"ErrorCode":"InvalidProtocol","ErrorMessage":"m"}',
  ].map(bytes);
  const random = generator(SEED);
  for (let run = 0; run < RUNS; run += 1) {
    const text = Buffer.from(mutate(targets, random)).toString('latin1');
    const answer = answerJsonRequest(parseJsonRequest(text), { Ews: 'https://a.test/' });
    assert.equal(parseJsonResponse(answer.body).kind, answer.status === 200 ? 'url' : 'error');
    parseJsonResponse(text);
  }
});
