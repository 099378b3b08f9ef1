// What is said of the organisation as a whole: which domains are its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { servesDomain } from '../../../src/autodiscover/settings/organization-facts.ts';
import { organization } from './organization-builder.ts';

const index = organization();
const rows: readonly (readonly [domain: string, configured: readonly string[], served: boolean])[] = [
  ['x.test', [], true], // a DNS domain of the forest
  ['X.Test', [], true],
  ['mail.x.test', [], false],
  ['contoso.test', ['Contoso.TEST'], true],
  ['x.test', ['contoso.test'], false], // what is configured takes the forest's place
  ['xn--bcher-kva.test', ['Bücher.test'], true], // requests bring A-labels
  ['xn--bcher-kva.test', ['xn--bcher-kva.test'], true],
  ['contoso.test', ['no domain'], false],
];
for (const [domain, configured, served] of rows) {
  test(`${domain} is ${served ? '' : 'not '}served where [${configured}] is configured`, () => {
    assert.equal(servesDomain(index, domain, configured), served);
  });
}
