// The plan that the tests of the balancer's configuration share.
import type { BalancerPlan } from '../../../src/admin/balancer/haproxy-config.ts';

export const PLAN: BalancerPlan = {
  array: 'outlook-sea.contoso.test',
  members: ['sea-cas1', 'sea-cas2', 'sea-cas3'].map((name) => ({ name, fqdn: `${name}.contoso.test` })),
  rpcPort: 59_531,
  addressBookPort: 59_532,
  bind: '10.1.0.10',
  socket: '/run/haproxy/admin.sock',
  resolvers: ['10.1.0.1:53'],
  maxConnections: 20_000,
  web: { kind: 'pass-through' },
};

export const CUT_OVER: BalancerPlan = {
  ...PLAN,
  web: {
    kind: 'cut-over',
    service: new URL('https://autodiscover.contoso.test:8443'),
    certificateFile: '/etc/haproxy/mail.pem',
    caFile: '/etc/ssl/ca.pem',
    webHost: 'mail.contoso.test',
  },
};
