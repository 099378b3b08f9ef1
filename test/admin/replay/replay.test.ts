// Two services that answer differently, told apart by the recordings of the clients that notice.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { replayCommand } from '../../../src/admin/commands/replay.ts';
import { comparePlaybacks, type Playback, replay } from '../../../src/admin/replay/replay.ts';
import type { HttpRequest } from '../../../src/autodiscover/client/http-client.ts';
import { DEMO_PASSWORD, startDemo } from '../../../src/autodiscover/commands/demo.ts';
import { startService } from '../../../src/autodiscover/commands/service.ts';
import { createLogger } from '../../../src/autodiscover/log.ts';
import { renderPoxResponse } from '../../../src/autodiscover/wire/pox-response.ts';
import { runCommand } from '../../autodiscover/commands/run-command.ts';
import { fullAnswer, fullSettings } from '../../autodiscover/wire/samples.ts';

test('newer protocols, ActiveSync and JSON are part of what is compared', async (t) => {
  const certs = mkdtempSync(join(tmpdir(), 'replay-two-'));
  t.after(() => rmSync(certs, { recursive: true }));
  const demo = await startDemo({ https: '127.0.0.1:0', http: '127.0.0.1:0', certs });
  t.after(() => demo.directory.close());
  const { config } = demo.settings;
  const mapiHttp = { internalUrl: 'https://mail.contoso.test/mapi' };
  const other = { ...demo.settings, config: { ...config, answers: { ...config.answers, mapiHttp, exHttp: true } } };
  const log = createLogger('silent', new PassThrough());
  const [one, two] = [await startService(demo.settings, log), await startService(other, log)];
  t.after(() => one.stop());
  t.after(() => two.stop());
  const args = ['alice@contoso.test', '--server', one.httpsUrl, '--against', two.httpsUrl, '--ca', demo.caFile];
  const run = await runCommand(replayCommand, [...args, '--json'], { env: { AUTODISCOVER_PASSWORD: DEMO_PASSWORD } });
  assert.equal(run.error, undefined, run.error?.stack);
  assert.equal(run.exitCode, 1);
  const { server, differences } = JSON.parse(run.stdout) as {
    server: readonly { recording: string; says: Record<string, string> }[];
    differences: readonly { recording: string; name: string; server?: string; against?: string }[];
  };
  assert.deepEqual(
    differences.map(({ recording, name }) => [recording, name]),
    [
      ['Outlook 2016', 'mapiHttp'],
      ['Outlook 2016', 'EXHTTP'],
    ],
  );
  assert.match(differences[0]?.against ?? '', /https:\/\/mail\.contoso\.test\/mapi\/emsmdb/);
  const says = (recording: string) => server.find((playback) => playback.recording === recording)?.says;
  assert.equal(says('ActiveSync on iOS')?.['MobileSync URL'], 'https://mail.contoso.test/Microsoft-Server-ActiveSync');
  assert.equal(says('Outlook 2016, JSON before POX')?.kind, 'url');
});

test('an address is sent as it is, whatever signs it has', async () => {
  const sent: HttpRequest[] = [];
  const send = async (request: HttpRequest) => {
    sent.push(request);
    return { kind: 'failed', reason: 'connection-refused', detail: '' } as const;
  };
  const address = "a$&b$'c$$@contoso.test";
  await replay(new URL('https://a.test'), address, {
    http: { open: () => ({ send, close: () => undefined }) },
    authenticators: [],
  });
  const all = sent.map(({ url, body }) => `${url.href} ${body ?? ''}`);
  const named = all.filter((text) => text.includes('contoso.test</'));
  assert.ok(named.length > 10);
  for (const text of named) assert.ok(text.includes("a$&amp;b$'c$$@contoso.test"), text);
  assert.ok(sent.some(({ url }) => url.searchParams.get('Email') === address));
  assert.ok(!all.some((text) => text.includes('{address}')));
});

test('the order of lists is no difference', async () => {
  const played = (turned: boolean) => {
    const { AlternateMailboxes: [first] = [], InternalWebClientUrls: [url] = [] } = fullSettings;
    if (!first || !url) return assert.fail('samples without lists');
    const boxes = [first, { ...first, displayName: 'Another' }];
    const methods = ['Basic', 'Fba'];
    const settings = {
      ...fullSettings,
      AlternateMailboxes: turned ? boxes.reverse() : boxes,
      InternalWebClientUrls: [{ ...url, authenticationMethods: turned ? methods.reverse() : methods }],
    };
    const result = { action: 'settings', answer: { ...fullAnswer, settings } } as const;
    const body = Buffer.from(renderPoxResponse(result, { schema: 'outlook', now: new Date(0), serverId: 0 }));
    const answer = {
      kind: 'answer',
      status: 200,
      headers: {},
      body,
      remoteAddress: undefined,
      tls: undefined,
    } as const;
    const http = { open: () => ({ send: async () => answer, close: () => undefined }) };
    return replay(new URL('https://a.test'), 'a@contoso.test', { http, authenticators: [] });
  };
  const [one, other] = [await played(false), await played(true)];
  assert.ok(one.some(({ says }) => says.AlternateMailboxes?.includes('Another')));
  assert.deepEqual(comparePlaybacks(one, other), []);
});

test('a recording that only one of two servers could be asked is a difference', () => {
  const both: Playback = { recording: 'a', status: 200, failure: undefined, violations: [], says: { status: '200' } };
  const only = { ...both, recording: 'b' };
  const difference = { recording: 'b', name: 'status' };
  assert.deepEqual(comparePlaybacks([both], [both, only]), [{ ...difference, server: undefined, against: '200' }]);
  assert.deepEqual(comparePlaybacks([only, both], [both]), [{ ...difference, server: '200', against: undefined }]);
});
