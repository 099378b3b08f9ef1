import assert from 'node:assert/strict';
import test from 'node:test';
import { processAttempt } from '../../../src/autodiscover/client/attempt.ts';
import { readSavedResponse } from '../../../src/autodiscover/client/saved-response.ts';
import { mutate, mutationRuns, seededRandom } from '../../helpers/mutation.ts';
import {
  poxError,
  poxRedirectAddress,
  poxRedirectUrl,
  poxSettings,
  SOAP_FAULT,
  soapOutcome,
  soapSettings,
} from './fake-service.ts';

function reads(name: string, text: string, want: RegExp): void {
  test(`saved response: ${name}`, () => assert.match(JSON.stringify(readSavedResponse(Buffer.from(text))), want));
}
reads('POX settings', poxSettings(), /"action":"settings".*"InternalRpcClientServer":"outlook\.contoso\.test"/);
reads('SOAP settings', soapSettings(), /"action":"settings".*"InternalRpcClientServer":"outlook\.contoso\.test"/);
reads('POX redirect', poxRedirectAddress('b@c.test'), /"redirectAddr","address":"b@c\.test"/);
reads('POX URL', poxRedirectUrl('https://c.test/'), /"redirectUrl","url":"https:\/\/c\.test\/"/);
reads('SOAP redirect', soapOutcome('RedirectAddress', 'b@c.test'), /"redirectAddr","address":"b@c\.test"/);
reads('SOAP redirect to nowhere', soapOutcome('RedirectUrl'), /"malformed"/);
reads('POX error', poxError(500), /"error","code":"500".*"fault":"unknown-address"/);
reads('POX error outside the list', poxError(404), /"error","code":"404"/);
reads('SOAP error', soapOutcome('InvalidUser'), /"error","code":"InvalidUser".*"fault":"unknown-address"/);
reads('SOAP fault', SOAP_FAULT, /"error","code":"s:Server","message":"Broken\."/);
reads('HTML', '<html></html>', /"malformed"/);
reads('nothing', '', /"malformed"/);
reads('a document type', '<!DOCTYPE Autodiscover [<!ENTITY a "b">]><Autodiscover/>', /"malformed"/);

test('an error code is looked up in our own table and nowhere else', () => {
  for (const code of ['constructor', 'toString', '__proto__', 'NoSuchCode']) {
    const answer = readSavedResponse(Buffer.from(soapOutcome(code)));
    assert.deepEqual(answer, { action: 'error', code, message: 'text', fault: undefined });
  }
});

test('a byte order mark and UTF-16 are read', () => {
  for (const bytes of [Buffer.from(`\ufeff${poxSettings()}`), Buffer.from(`\ufeff${poxSettings()}`, 'utf16le')]) {
    assert.equal(readSavedResponse(bytes).action, 'settings');
  }
});

test('damaged documents give a value, from a file and from the network', () => {
  const random = seededRandom(500);
  const samples = [poxSettings(), poxError(500), poxRedirectUrl('https://c.test/'), soapSettings(), SOAP_FAULT].map(
    (text) => Buffer.from(text),
  );
  const actions = new Set<string>();
  for (let run = mutationRuns(400); run > 0; run--) {
    for (const sample of samples) {
      const body = mutate(sample, random);
      actions.add(readSavedResponse(body).action);
      const answer = {
        kind: 'answer',
        status: 200,
        headers: {},
        body,
        remoteAddress: undefined,
        tls: undefined,
      } as const;
      for (const dialect of ['pox', 'soap'] as const) assert.ok(processAttempt(dialect, answer).kind.length > 0);
    }
  }
  assert.ok(actions.has('malformed') && actions.has('settings'), [...actions].join());
});
