import assert from 'node:assert/strict';
import test from 'node:test';
import {
  answerJsonRequest,
  type JsonProtocolUrls,
  type JsonRequest,
  parseJsonRequest,
  parseJsonResponse,
  renderJsonRequest,
} from '../../../src/autodiscover/wire/json-redirect.ts';

const urls: JsonProtocolUrls = {
  ActiveSync: 'https://mail.contoso.test/Microsoft-Server-ActiveSync',
  Ews: 'https://mail.contoso.test/EWS/Exchange.asmx',
  AutodiscoverV1: 'https://autodiscover.contoso.test/autodiscover/autodiscover.xml',
};

const reads = (target: string, expected: Partial<JsonRequest>): void => {
  test(`reads ${target.slice(0, 100)}`, () => {
    assert.deepEqual(parseJsonRequest(target), {
      address: undefined,
      protocol: undefined,
      redirectCount: undefined,
      ...expected,
    });
  });
};
const alice = 'alice@contoso.test';

reads('/autodiscover/autodiscover.json?Email=alice%40contoso.test&Protocol=ActiveSync&RedirectCount=1', {
  address: alice,
  protocol: 'ActiveSync',
  redirectCount: 1,
});
reads('/AutoDiscover/AutoDiscover.JSON?EMAIL=alice@contoso.test&protocol=Autodiscoverv1', {
  address: alice,
  protocol: 'Autodiscoverv1',
});
reads('/autodiscover/autodiscover.json/v1.0/alice%40contoso.test?Protocol=EWS', { address: alice, protocol: 'EWS' });
reads('/autodiscover/autodiscover.json/V1.0/alice@contoso.test/?Protocol=Ews', { address: alice, protocol: 'Ews' });
reads('//autodiscover//autodiscover.json//v1.0//alice@contoso.test//?Protocol=Ews', {
  address: alice,
  protocol: 'Ews',
});
reads('/autodiscover/autodiscover.json/v1.0/alice@contoso.test?Email=bob@contoso.test', { address: alice }); // the path wins
reads('/autodiscover/autodiscover.json?Protocol=A&protocol=B', { protocol: 'A' }); // the first counts
reads('/autodiscover/autodiscover.json', {});
reads('/autodiscover/autodiscover.json?', {});
reads('/autodiscover/autodiscover.json?Email=&Protocol=', {});
reads('/autodiscover/autodiscover.json/v1.0/%E0%A4%A?Protocol=Ews', { protocol: 'Ews' }); // stray percent sign
reads('/autodiscover/autodiscover.json?Email=%ff%zz', { address: '\ufffd%zz' });
reads('/autodiscover/autodiscover.json?RedirectCount=-1', {});
reads(`/autodiscover/autodiscover.json?RedirectCount=${'9'.repeat(400)}`, {});
reads('/autodiscover/autodiscover.json?__proto__=1&constructor=2', {});

const answers = (
  name: string,
  query: Partial<JsonRequest>,
  status: number,
  outcome: string,
  body: RegExp,
  configured = urls,
): void => {
  test(`answers ${name}`, () => {
    const answer = answerJsonRequest(
      { address: alice, protocol: undefined, redirectCount: undefined, ...query },
      configured,
    );
    assert.equal(answer.status, status);
    assert.equal(answer.outcome, outcome);
    assert.match(answer.body, body);
    JSON.parse(answer.body);
  });
};

answers(
  'Ews in its canonical spelling',
  { protocol: 'eWS' },
  200,
  'Ews',
  /^\{"Protocol":"Ews","Url":"https:\/\/mail\.contoso\.test\/EWS\/Exchange\.asmx"\}$/,
);
answers('ActiveSync', { protocol: 'activesync' }, 200, 'ActiveSync', /Microsoft-Server-ActiveSync/);
answers(
  "Outlook 2019's spelling of AutodiscoverV1",
  { protocol: 'Autodiscoverv1' },
  200,
  'AutodiscoverV1',
  /"Protocol":"AutodiscoverV1"/,
);
answers('no protocol', {}, 400, 'MissingProtocol', /query parameter 'Protocol'/);
answers('no address', { address: undefined, protocol: 'Ews' }, 400, 'MandatoryParameterMissing', /smtp address/);
answers(
  'something that is no address',
  { address: 'alice', protocol: 'Ews' },
  400,
  'MandatoryParameterMissing',
  /smtp address/,
);
answers(
  'an online protocol',
  { protocol: 'Substrate' },
  400,
  'InvalidProtocol',
  /'Substrate' is invalid. Supported values are 'ActiveSync,Ews,AutodiscoverV1'/,
);
answers('a protocol without URL', { protocol: 'ActiveSync' }, 400, 'InvalidProtocol', /Supported values are 'Ews'/, {
  Ews: 'https://a.test/',
});
answers('nothing configured', { protocol: 'Ews' }, 400, 'InvalidProtocol', /No protocol is supported/, {});
answers('markup in the protocol', { protocol: '<img src=x>"\\' }, 400, 'InvalidProtocol', /'imgsrcx'/);
answers('a member of Object', { protocol: 'constructor' }, 400, 'InvalidProtocol', /'constructor'/);
answers('a long protocol', { protocol: 'x'.repeat(5_000) }, 400, 'InvalidProtocol', /'x{40}'/);

test('the answer does not depend on the address, so that nobody learns who exists', () => {
  const body = (address: string): string =>
    answerJsonRequest({ address, protocol: 'Ews', redirectCount: 1 }, urls).body;
  assert.equal(body('alice@contoso.test'), body('nobody@contoso.test'));
  assert.equal(body('alice@contoso.test'), body('alice@fabrikam.test'));
});

test('what the client asks is read, what the server answers is read', () => {
  const target = renderJsonRequest('/autodiscover/autodiscover.json', 'a+b&c@contoso.test', 'Ews');
  const request = parseJsonRequest(target);
  assert.deepEqual(request, { address: 'a+b&c@contoso.test', protocol: 'Ews', redirectCount: 1 });
  assert.deepEqual(parseJsonResponse(answerJsonRequest(request, urls).body), {
    kind: 'url',
    protocol: 'Ews',
    url: urls.Ews,
  });
  assert.deepEqual(parseJsonResponse(answerJsonRequest({ ...request, protocol: undefined }, urls).body), {
    kind: 'error',
    code: 'MissingProtocol',
    message: "A valid value must be provided for the query parameter 'Protocol'.",
  });
});

for (const text of ['', 'null', '[]', '{}', '"x"', '{"Url":1}', '<html>', '{"Url":""}', 'x'.repeat(70_000)]) {
  test(`no answer: ${text.slice(0, 20)}`, () => assert.equal(parseJsonResponse(text).kind, 'malformed'));
}
