import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { lookUpScps } from '../../../src/autodiscover/client/scp-lookup.ts';
import { startDemo } from '../../../src/autodiscover/commands/demo.ts';
import { directoryScpLookup } from '../../../src/autodiscover/commands/directory-scps.ts';
import { createLogger } from '../../../src/autodiscover/log.ts';

test('the demo organisation’s published records, as a client of a site sees them', async () => {
  const certs = mkdtempSync(join(tmpdir(), 'scps-test-'));
  const demo = await startDemo({ https: '127.0.0.1:0', http: '127.0.0.1:0', certs });
  try {
    const log = createLogger('error', new PassThrough());
    const all = await lookUpScps('contoso.test', directoryScpLookup(demo.settings, undefined, log), () => 0);
    assert.equal(all.hops[0]?.outcome, 'record', all.hops[0]?.detail);
    const sites = new Set(all.urls.flatMap((scp) => scp.sites));
    assert.ok(sites.size > 0, 'the demo scopes its records by site');
    for (const site of sites) {
      const { urls } = await lookUpScps('contoso.test', directoryScpLookup(demo.settings, site, log), () => 0);
      assert.ok(urls[0]?.sites.includes(site), `${site} first for its own clients`);
      assert.equal(urls.length, all.urls.length);
    }
    const elsewhere = await lookUpScps('contoso.test', directoryScpLookup(demo.settings, 'seattle', log), () => 0);
    assert.ok(elsewhere.urls[0]?.sites.includes('Seattle'), 'in whatever letters');
    const nowhere = await lookUpScps('contoso.test', directoryScpLookup(demo.settings, 'Seatle', log), () => 0);
    assert.equal(nowhere.hops[0]?.outcome, 'lookup-failed');
    assert.match(nowhere.hops[0]?.detail ?? '', /^no site is called Seatle: there are .*Dublin.*Seattle/);
    await assert.rejects(directoryScpLookup(demo.settings, undefined, log)('LDAP://fabrikam.test'), /another forest/);
  } finally {
    await demo.directory.close();
    rmSync(certs, { recursive: true });
  }
});
