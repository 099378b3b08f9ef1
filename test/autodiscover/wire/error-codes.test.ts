import assert from 'node:assert/strict';
import test from 'node:test';
import { AUTODISCOVER_FAULTS } from '../../../src/autodiscover/settings/user-settings.ts';
import {
  faultOfPoxCode,
  parseSoapErrorCode,
  poxError,
  SOAP_ERROR_CODES,
  soapError,
} from '../../../src/autodiscover/wire/error-codes.ts';

test('[MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode: the six numbers', () => {
  const codes = AUTODISCOVER_FAULTS.map((fault) => poxError(fault).code);
  assert.deepEqual(codes, [500, 501, 600, 601, 602, 603]);
  assert.deepEqual(codes.map(faultOfPoxCode), [...AUTODISCOVER_FAULTS]);
  assert.equal(faultOfPoxCode(404), undefined);
});

test('exchangelib: an unknown mailbox is recognised by this text alone', () => {
  assert.equal(poxError('unknown-address').message, 'The e-mail address cannot be found.');
});

test('SOAP: 500 and 501 are InvalidUser, 602 and 603 InternalServerError ([WSREF] errorcode-soap ErrorCode)', () => {
  assert.deepEqual(
    AUTODISCOVER_FAULTS.map((fault) => soapError(fault).code),
    ['InvalidUser', 'InvalidUser', 'InvalidRequest', 'InvalidRequest', 'InternalServerError', 'InternalServerError'],
  );
});

test('no text names an internal ([WSREF] errormessage-soap ErrorMessage)', () => {
  for (const fault of AUTODISCOVER_FAULTS) {
    assert.doesNotMatch(
      `${poxError(fault).message} ${soapError(fault).message}`,
      /ldap|directory|database|CN=|homeMDB/i,
    );
  }
});

test('SOAP error names are read exactly ([WSREF] errorcode-soap ErrorCode)', () => {
  for (const code of SOAP_ERROR_CODES) assert.equal(parseSoapErrorCode(code), code);
  for (const text of ['', 'noerror', 'InvalidUser ', '500']) assert.equal(parseSoapErrorCode(text), undefined);
});
