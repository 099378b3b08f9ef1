// Whatever a network answers: discovery ends, and only hosts inside the rules are told anything. No sockets: the network is a table
// of random answers behind the client's own seam.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { basicAuthenticator } from '../../../src/autodiscover/client/authenticate.ts';
import { discover } from '../../../src/autodiscover/client/discover.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from '../../../src/autodiscover/client/http-client.ts';
import { poxError, poxRedirectAddress, poxRedirectUrl, poxSettings } from './fake-service.ts';

const INSIDE = ['contoso.test', 'autodiscover.contoso.test', 'mail.contoso.test', 'deep.mail.contoso.test'];
const OUTSIDE = [
  'test',
  'evil.test',
  'evilcontoso.test',
  'contoso.test.evil.test',
  'autodiscover.evil.test',
  'fabrikam.test',
];
const ADDRESSES = [
  'alice@contoso.test',
  'bob@contoso.test',
  'alice@mail.contoso.test',
  'alice@evil.test',
  'alice@fabrikam.test',
];

const target = fc
  .tuple(
    fc.constantFrom('https', 'https', 'http'),
    fc.constantFrom(...INSIDE, ...OUTSIDE),
    fc.constantFrom('', 'x/', 'y/'),
  )
  .map(([scheme, host, segment]) => `${scheme}://${host}/autodiscover/${segment}autodiscover.xml`);

type Reply = {
  readonly status: number;
  readonly headers: Record<string, string[]>;
  readonly body: string;
  readonly wall: boolean;
};

const reply: fc.Arbitrary<Reply> = fc
  .tuple(
    fc.oneof(
      target.map((url) => ({ status: 302, headers: { location: [url] }, body: '' })),
      target.map((url) => ({ status: 200, headers: {}, body: poxRedirectUrl(url) })),
      fc.constantFrom(...ADDRESSES).map((address) => ({ status: 200, headers: {}, body: poxRedirectAddress(address) })),
      fc.constantFrom(500, 603).map((code) => ({ status: 200, headers: {}, body: poxError(code) })),
      fc.constantFrom(404, 200, 500).map((status) => ({ status, headers: {}, body: '<html>' })),
      fc.constant({ status: 200, headers: {}, body: poxSettings() }),
    ),
    fc.boolean(),
  )
  .map(([answer, wall]) => ({ ...answer, headers: answer.headers as Record<string, string[]>, wall }));

const world = fc.record({
  replies: fc.dictionary(fc.constantFrom(...INSIDE, ...OUTSIDE), fc.array(reply, { minLength: 1, maxLength: 4 })),
  srv: fc.array(fc.constantFrom(...INSIDE, ...OUTSIDE), { maxLength: 4 }),
  scp: fc.array(fc.constantFrom('cas1.ad.internal', ...INSIDE), { maxLength: 2 }),
  consent: fc.subarray(OUTSIDE),
});

test('discovery ends, and only allowed hosts are contacted or told the password', async () => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(world, async ({ replies, srv, scp, consent }) => {
      const sent: HttpRequest[] = [];
      const counters = new Map<string, number>();
      const answerTo = (request: HttpRequest): HttpAnswer | undefined => {
        const { hostname } = request.url;
        const list = replies[hostname];
        if (list === undefined) return undefined;
        const n = counters.get(hostname) ?? 0;
        counters.set(hostname, n + 1);
        const found = list[n % list.length];
        if (found === undefined) return undefined;
        const answer = { kind: 'answer', remoteAddress: undefined, tls: undefined } as const;
        if (found.wall && request.headers.Authorization === undefined) {
          return { ...answer, status: 401, headers: { 'www-authenticate': ['Basic'] }, body: Buffer.alloc(0) };
        }
        return { ...answer, status: found.status, headers: found.headers, body: Buffer.from(found.body) };
      };
      const http: HttpClient = {
        open: () => ({
          send: async (request) => {
            sent.push(request);
            return answerTo(request) ?? { kind: 'failed', reason: 'connection-refused', detail: 'refused' };
          },
          close() {},
        }),
      };
      const found = await discover(
        { address: 'alice@contoso.test', dialect: 'pox' },
        {
          http,
          authenticators: [basicAuthenticator('alice', async () => 'secret')],
          resolveSrv: async () => srv.map((name) => ({ name, port: 443, priority: 0, weight: 0 })),
          lookupScp: async () => ({
            urls: scp.map((name) => ({
              url: `https://${name}/autodiscover/autodiscover.xml`,
              sites: [],
              distinguishedName: name,
            })),
            pointers: [],
            site: undefined,
          }),
          readFile: async () => Buffer.alloc(0),
          askConsent: async ({ name }) => consent.includes(name),
          clock: () => 0,
        },
      );
      reached.add(found.result.outcome);
      const below = (host: string, name: string): boolean => `.${host}`.slice(-name.length - 1) === `.${name}`;
      const allowed = (host: string): boolean =>
        below(host, 'contoso.test') || scp.includes(host) || consent.some((name) => below(host, name));
      for (const { url, headers } of sent) {
        assert.ok(allowed(url.hostname), `${url} was contacted`);
        if (headers.Authorization !== undefined) assert.equal(url.protocol, 'https:', `${url} was told the password`);
        if (url.protocol === 'http:') assert.equal(headers.Authorization, undefined);
      }
      assert.ok(sent.length < 500, `${sent.length} requests`);
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 300), seed: 2010 },
  );
  assert.deepEqual([...reached].sort(), ['found', 'not-found', 'service-error'], 'every kind of end was reached');
});
