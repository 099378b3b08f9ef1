// How probes become checks.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  rootDomainChecks,
  rpcChecks,
  samePortsCheck,
  tlsChecks,
  webServiceChecks,
} from '../../../src/admin/verify/follow-answer.ts';
import type { HttpFailure, HttpOutcome } from '../../../src/autodiscover/client/http-client.ts';
import { answering } from '../doctor/world.ts';

const failed = (reason: HttpFailure): HttpOutcome => ({ kind: 'failed', reason, detail: 'd' });
const answer = (status: number, headers: Record<string, string[]> = {}): HttpOutcome => ({
  kind: 'answer',
  status,
  headers,
  body: Buffer.alloc(0),
  remoteAddress: undefined,
  tls: undefined,
});

const ROOT: readonly (readonly [HttpOutcome, string, RegExp])[] = [
  [failed('name-not-found'), 'passed', /go on at once/],
  [failed('connection-refused'), 'passed', /go on at once/],
  [failed('timeout'), 'warning', /wait/],
  [failed('certificate-name'), 'warning', /bad certificate/],
  [answer(401, { 'x-soap-enabled': ['True'] }), 'passed', /Autodiscover service/],
  [answer(401), 'failed', /send it passwords/], // the trap proper
  [answer(200), 'warning', /take its page for an answer/],
  [answer(302), 'warning', /redirects/],
  [answer(404), 'passed', /go on/],
];
for (const [outcome, want, detail] of ROOT) {
  const what = outcome.kind === 'failed' ? outcome.reason : outcome.status;
  test(`root domain: ${what} is ${want}`, () => {
    const [check] = rootDomainChecks('contoso.test', outcome);
    assert.equal(check?.outcome, want);
    assert.match(check?.detail ?? '', detail);
  });
}

const WEB: readonly (readonly [HttpOutcome, string])[] = [
  [answer(401), 'passed'],
  [answer(200), 'warning'],
  [answer(302), 'failed'],
  [answer(404), 'failed'],
  [answer(503), 'failed'],
  [failed('certificate-expired'), 'failed'],
];
for (const [outcome, want] of WEB) {
  test(`web service: ${outcome.kind === 'failed' ? outcome.reason : outcome.status} is ${want}`, () => {
    assert.equal(webServiceChecks('https://x/EWS', outcome)[0]?.outcome, want);
  });
}

test('TLS: 1.2 must be there, older ones are warned about', () => {
  const outcome = (...versions: readonly ('TLSv1' | 'TLSv1.2' | 'TLSv1.3')[]) => tlsChecks('x', versions)[0]?.outcome;
  assert.equal(outcome('TLSv1.2', 'TLSv1.3'), 'passed');
  assert.equal(outcome('TLSv1.3'), 'failed'); // Windows 7 has no 1.3
  assert.equal(outcome('TLSv1', 'TLSv1.2'), 'warning');
  assert.equal(outcome(), 'failed');
  assert.equal(tlsChecks('x', undefined)[0]?.outcome, 'failed');
});

test('RPC: a name that does not resolve hides the rest; each interface has its check', () => {
  assert.deepEqual(
    rpcChecks('a', { host: 'a', addresses: [], interfaces: [] }).map(({ check, outcome }) => `${check} ${outcome}`),
    ['name failed'],
  );
  assert.deepEqual(
    rpcChecks('a', answering('a')).map(({ check, outcome }) => `${check} ${outcome}`),
    ['name passed', 'EMSMDB passed', 'RFR passed', 'NSPI passed'],
  );
});

test('members must have the same ports', () => {
  assert.equal(samePortsCheck('a', [answering('m1'), answering('m2')])[0]?.outcome, 'passed');
  const [check] = samePortsCheck('a', [answering('m1'), answering('m2', 40_001)]);
  assert.equal(check?.outcome, 'failed');
  assert.match(check?.detail ?? '', /m1: EMSMDB 59531 .*; m2: EMSMDB 40001 /);
  assert.deepEqual(samePortsCheck('a', [answering('m1')]), []); // nothing to compare
});
