import assert from 'node:assert/strict';
import test from 'node:test';
import { type PoxResponse, parsePoxResponse, renderPoxResponse } from '../../../src/autodiscover/wire/pox-response.ts';
import { exHttpAnswer, fullAnswer, mapiHttpAnswer, minimalAnswer, poxContext, settings } from './samples.ts';

const answer = (account: string, user = ''): string =>
  `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">${user}<Account>${account}</Account></Response></Autodiscover>`;
const good = (name: string, xml: string, expected: PoxResponse): void => {
  test(`reads ${name}`, () => assert.deepEqual(parsePoxResponse(xml), expected));
};
const bad = (name: string, xml: string | Uint8Array, detail: RegExp): void => {
  test(`finds malformed: ${name}`, () => {
    const parsed = parsePoxResponse(xml);
    if (parsed.action !== 'malformed') assert.fail(`read as ${parsed.action}`);
    assert.match(parsed.detail, detail);
  });
};
function read(xml: string): Extract<PoxResponse, { action: 'settings' }>['answer'] {
  const parsed = parsePoxResponse(xml);
  if (parsed.action !== 'settings') assert.fail(JSON.stringify(parsed));
  return parsed.answer;
}

good(
  'a redirection to an address',
  answer('<Action>redirectAddr</Action><RedirectAddr> ken@fabrikam.test </RedirectAddr>'),
  {
    action: 'redirectAddr',
    address: 'ken@fabrikam.test',
  },
);
good(
  'a redirection to a URL',
  answer('<Action>redirectUrl</Action><RedirectUrl>https://a.test/autodiscover/autodiscover.xml</RedirectUrl>'),
  {
    action: 'redirectUrl',
    url: 'https://a.test/autodiscover/autodiscover.xml',
  },
);
good(
  'RedirectURL in the other spelling',
  answer('<Action>RedirectUrl</Action><RedirectURL>https://a.test/</RedirectURL>'),
  {
    action: 'redirectUrl',
    url: 'https://a.test/',
  },
);
good(
  'an error',
  '<Autodiscover><Response><Error Time="1" Id="2"><ErrorCode>500</ErrorCode><Message>M</Message></Error></Response></Autodiscover>',
  {
    action: 'error',
    code: 500,
    message: 'M',
  },
);
good('an error under Account', answer('<Error><ErrorCode>601</ErrorCode></Error>'), {
  action: 'error',
  code: 601,
  message: '',
});
good('an error of another vendor', answer('<Error><ErrorCode>404</ErrorCode><Message>x</Message></Error>'), {
  action: 'error',
  code: 404,
  message: 'x',
});

bad('nothing', '', /empty/);
bad('HTML', '<!DOCTYPE html><html></html>', /document type/);
bad('another root', '<html/>', /root element is <html>/);
bad('no Response', '<Autodiscover/>', /no <Response>/);
bad('an empty Response', '<Autodiscover><Response/></Autodiscover>', /neither <Account> nor <Error>/);
bad('no Action', answer('<AccountType>email</AccountType>'), /no <Action>/);
bad('an unknown Action', answer('<Action>explode</Action>'), /"explode" is not known/);
bad('redirectAddr without target', answer('<Action>redirectAddr</Action>'), /without <RedirectAddr>/);
bad('redirectUrl without target', answer('<Action>redirectUrl</Action><RedirectUrl/>'), /without <RedirectUrl>/);
bad('an error without code', '<Autodiscover><Response><Error/></Response></Autodiscover>', /no numeric <ErrorCode>/);
bad(
  'an error with a word for code',
  '<Autodiscover><Response><Error><ErrorCode>x</ErrorCode></Error></Response></Autodiscover>',
  /numeric/,
);
bad(
  'a mobilesync answer',
  renderPoxResponse(settings(fullAnswer), { ...poxContext, schema: 'mobilesync' }),
  /neither <Account>/,
);

test('element order inside a Protocol does not matter ([MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol)', () => {
  const { settings: found, serverVersion } = read(
    answer(
      '<Action>settings</Action><Protocol><ServerVersion>7383807B</ServerVersion><Server>a.test</Server><Type>EXCH</Type></Protocol>',
    ),
  );
  assert.equal(found.InternalRpcClientServer, 'a.test');
  assert.equal(serverVersion, 0x7383807b);
});

test('ASUrl stands in for a missing EwsUrl', () => {
  const xml = answer('<Action>settings</Action><Protocol><Type>EXCH</Type><ASUrl>https://a.test/e</ASUrl></Protocol>');
  assert.equal(read(xml).settings.InternalEwsUrl, 'https://a.test/e');
});

test('unreadable numbers are as good as absent', () => {
  const xml = answer(
    '<Action>settings</Action><Protocol><Type>EXCH</Type><ServerVersion>14.3.123</ServerVersion><TTL>soon</TTL></Protocol>',
  );
  assert.deepEqual([read(xml).serverVersion, read(xml).ttlHours], [undefined, {}]);
});

test('the first of two blocks of a type counts, unknown types are passed over', () => {
  const block = (type: string, server: string): string =>
    `<Protocol><Type>${type}</Type><Server>${server}</Server></Protocol>`;
  const xml = answer(`<Action>settings</Action>${block('IMAP', 'i')}${block('EXCH', 'a')}${block('EXCH', 'b')}`);
  assert.equal(read(xml).settings.InternalRpcClientServer, 'a');
});

test('a TeamMailbox of Exchange 2013 is passed over, a Delegate without RPC names is kept ([MS-OXDSCLI] 2.2.4.1.1.2.5 AlternativeMailbox)', () => {
  const mailbox = (type: string): string =>
    `<AlternativeMailbox><Type>${type}</Type><DisplayName>D</DisplayName><SmtpAddress>d@contoso.test</SmtpAddress></AlternativeMailbox>`;
  const found = read(answer(`<Action>settings</Action>${mailbox('TeamMailbox')}${mailbox('Delegate')}`));
  assert.deepEqual(found.settings.AlternateMailboxes, [
    { type: 'Delegate', displayName: 'D', legacyDn: '', server: '', smtpAddress: 'd@contoso.test' },
  ]);
});

test('the whole of a full answer is read back', () => {
  const { mobileSync: _, ...expected } = fullAnswer;
  const parsed = read(renderPoxResponse(settings(fullAnswer), poxContext));
  for (const name of Object.keys(parsed.settings)) {
    const key = name as keyof typeof parsed.settings;
    assert.deepEqual(parsed.settings[key], expected.settings[key], name);
  }
  assert.deepEqual({ ...parsed, settings: undefined }, { ...expected, settings: undefined, exHttp: undefined });
});

test('mapiHttp and EXHTTP blocks are read back ([MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol)', () => {
  assert.deepEqual(read(renderPoxResponse(settings(mapiHttpAnswer), poxContext)).mapiHttp, mapiHttpAnswer.mapiHttp);
  assert.deepEqual(read(renderPoxResponse(settings(exHttpAnswer), poxContext)).exHttp, exHttpAnswer.exHttp);
});

test('an EXPR without an EWS URL of its own gets the internal one, and EXCH the other way round ([MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol)', () => {
  const expr = {
    ...minimalAnswer,
    settings: { ...minimalAnswer.settings, ExternalMailboxServer: 'mail.contoso.test' },
  };
  assert.equal(
    read(renderPoxResponse(settings(expr), poxContext)).settings.ExternalEwsUrl,
    minimalAnswer.settings.InternalEwsUrl,
  );
  const { InternalEwsUrl: _, ...without } = minimalAnswer.settings;
  const exch = { ...minimalAnswer, settings: { ...without, ExternalEwsUrl: 'https://mail.contoso.test/e' } };
  assert.equal(
    read(renderPoxResponse(settings(exch), poxContext)).settings.InternalEwsUrl,
    'https://mail.contoso.test/e',
  );
});

test('an external EWS URL without EXPR travels in the WEB block ([MS-OXDSCLI] 2.2.4.1.1.2.6 OWAUrl)', () => {
  const answerOf = {
    ...minimalAnswer,
    settings: {
      ...minimalAnswer.settings,
      ExternalEwsUrl: 'https://mail.contoso.test/e',
      ExternalWebClientUrls: [{ authenticationMethods: ['Fba'], url: 'https://mail.contoso.test/owa/' }],
    },
  };
  assert.equal(
    read(renderPoxResponse(settings(answerOf), poxContext)).settings.ExternalEwsUrl,
    'https://mail.contoso.test/e',
  );
});
