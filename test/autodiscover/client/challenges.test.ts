import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CHALLENGE_LIMIT, findChallenge, parseChallenges } from '../../../src/autodiscover/client/challenges.ts';
import { mutate, mutationRuns, seededRandom } from '../../helpers/mutation.ts';

function good(headers: string | string[], want: string): void {
  test(`reads ${JSON.stringify(headers)} ([RFC 9110] 11.6.1 WWW-Authenticate)`, () => {
    const found = parseChallenges([headers].flat());
    assert.equal(found.map((c) => [c.scheme, c.token, c.realm].map((part) => part ?? '').join('|')).join(' '), want);
  });
}

good('Basic realm="mail.contoso.test"', 'Basic||mail.contoso.test');
good(['Negotiate', 'NTLM', 'Basic realm="x"'], 'Negotiate|| NTLM|| Basic||x');
good('Negotiate, NTLM, Basic realm="x"', 'Negotiate|| NTLM|| Basic||x'); // joined by a proxy
good('Negotiate oYG2MIGzoAMKAQChCwYJKoZIgvcSAQIC==', 'Negotiate|oYG2MIGzoAMKAQChCwYJKoZIgvcSAQIC==|');
good('Basic realm="a, Negotiate b", charset="UTF-8", NTLM', 'Basic||a, Negotiate b NTLM||'); // commas within quotes
good(String.raw`Basic realm="a\"b\\c"`, String.raw`Basic||a"b\c`);
good('Basic realm=bare', 'Basic||bare');
good('Digest realm="d", nonce="n", qop="auth,auth-int", Basic realm="b"', 'Digest||d Basic||b');
good('basic REALM = "spaces"', 'basic||spaces');
good('Basic realm="unclosed', 'Basic|| realm|| unclosed||'); // nothing is invented that was not there
good('', '');
good(',,, ,', '');

test('schemes are found without case', () => {
  assert.equal(findChallenge(parseChallenges(['NEGOTIATE abc=']), 'Negotiate')?.token, 'abc=');
  assert.equal(findChallenge(parseChallenges(['Negotiated']), 'Negotiate'), undefined);
});

test('any headers give a bounded list of schemes that stood in them', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary-ascii', maxLength: 200 }), { maxLength: 50 }), (headers) => {
      const found = parseChallenges(headers);
      assert.ok(found.length <= CHALLENGE_LIMIT);
      for (const { scheme } of found) assert.ok(headers.some((header) => header.includes(scheme)));
    }),
    { numRuns: 200 },
  );
});

test('damaged headers give a list', () => {
  const sample = Buffer.from('Negotiate oYG2==, NTLM, Digest realm="d", nonce="\\"", Basic realm="b"');
  const random = seededRandom(401);
  for (let run = mutationRuns(3000); run > 0; run--) {
    assert.ok(parseChallenges([mutate(sample, random).toString('latin1')]).length <= CHALLENGE_LIMIT);
  }
});

test('a header of the greatest length is read at once', () => {
  assert.ok(parseChallenges(['a="'.repeat(5000)]).length <= CHALLENGE_LIMIT);
  assert.ok(parseChallenges(['"'.repeat(16_000)]).length <= CHALLENGE_LIMIT);
});
