import assert from 'node:assert/strict';
import test from 'node:test';
import { inDialect } from '../../../src/autodiscover/wire/service-file.ts';

test('a URL is turned to the other dialect by its file alone', () => {
  const turned = (url: string, dialect: 'pox' | 'soap') => inDialect(new URL(url), dialect).href;
  assert.equal(
    turned('https://x.test/Autodiscover/Autodiscover.xml', 'soap'),
    'https://x.test/Autodiscover/autodiscover.svc',
  );
  assert.equal(
    turned('https://x.test/autodiscover/autodiscover.svc?a=b', 'pox'),
    'https://x.test/autodiscover/autodiscover.xml?a=b',
  );
  for (const other of ['https://x.test/', 'https://x.test/a.xml', 'https://x.test/autodiscover/notautodiscover.xml'])
    assert.equal(turned(other, 'soap'), other);
});
