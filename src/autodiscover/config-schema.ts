// Every field of the configuration file, once: name, type, default, help, example. Validation, the printed example and the manual page
// come from this table.

import { z } from 'zod';
import {
  baseUrl,
  certificate,
  count,
  file,
  hostPort,
  httpsUrl,
  isSamePort,
  ldapUrl,
  mailDomain,
  network,
  ownUrl,
  seconds,
  workersSetting,
} from './config-values.ts';

/** What the printed example shows of a field: its help and, where the default is no good example, an example. */
declare module 'zod' {
  interface GlobalMeta {
    help?: string;
    example?: unknown;
  }
}

const help = (text: string, extra: { example?: unknown } = {}) => ({ help: text, ...extra });
type Listeners = { readonly [key in 'https' | 'http' | 'metrics']?: string | undefined };

/** Listeners that cannot both have their port, and why, by key. */
export function listenerFaults(listeners: Listeners): { readonly key: keyof Listeners; readonly fault: string }[] {
  const pairs = [
    ['http', 'https'],
    ['metrics', 'https'],
    ['metrics', 'http'],
  ] as const;
  return pairs
    .filter(([key, other]) => isSamePort(listeners[key], listeners[other]))
    .map(([key, other]) => ({ key, fault: `is the address and port of listen.${other}` }));
}

export const configSchema = z.strictObject({
  directory: z
    .strictObject({
      servers: z
        .array(ldapUrl)
        .min(1)
        .meta(
          help('Domain controllers in the order they are asked.', {
            example: ['ldaps://dc1.contoso.test', 'ldaps://dc2.contoso.test'],
          }),
        ),
      caFile: file.optional().meta(
        help(
          "PEM file of the CA that signed the controllers' certificates; without it the CAs known to Node.js are trusted.",
          {
            example: '/etc/exchange-autodiscover/ad-ca.pem',
          },
        ),
      ),
      bindDn: z
        .string()
        .min(1)
        .meta(
          help('The service account: DN, UPN or DOMAIN\\name.', {
            example: 'CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test',
          }),
        ),
      passwordFile: file.meta(
        help("File that holds the service account's password and nothing else; readable by this service alone.", {
          example: '/etc/exchange-autodiscover/bind-password',
        }),
      ),
      startTls: z.boolean().default(false).meta(help('Upgrade ldap:// connections with StartTLS.')),
      allowPlainText: z
        .boolean()
        .default(false)
        .meta(
          help(
            'Permit ldap:// without StartTLS. Passwords then cross the network in clear text: for loopback demos only.',
          ),
        ),
      serverName: z
        .string()
        .min(1)
        .optional()
        .meta(
          help("Name the controllers' certificates must carry, when it is not the host of their URL.", {
            example: 'contoso.test',
          }),
        ),
      searchBase: z
        .string()
        .min(1)
        .optional()
        .meta(
          help("Where recipients are searched; the controller's domain when not given.", {
            example: 'DC=contoso,DC=test',
          }),
        ),
      connections: z.number().int().min(1).max(64).default(4).meta(help('Connections kept to the controller in use.')),
      connectTimeoutSeconds: seconds(3, 1, 60).meta(help('Seconds to wait for a connection to a controller.')),
      operationTimeoutSeconds: seconds(8, 1, 120).meta(help("Seconds to wait for a controller's answer.")),
      refreshSeconds: seconds(60, 5, 3600).meta(help('Seconds between two reads of the Exchange organisation.')),
      recipientSeconds: seconds(60, 0, 3600).meta(
        help('Seconds for which what was read of a recipient is given without asking again; 0 asks for every request.'),
      ),
      unknownRecipientSeconds: seconds(10, 0, 600).meta(
        help('The same for an address that nobody has, or that several objects have.'),
      ),
      watchSeconds: seconds(3, 0, 3600).meta(
        help(
          'Seconds between two questions to the controller in use whether anything has changed; what changed is read again at once. ' +
            '0 does not ask.',
        ),
      ),
      outageSeconds: seconds(3600, 0, 86_400).meta(
        help(
          'While no domain controller answers, recipients and the organisation are answered from memory up to this age; ' +
            'then ErrorCode 603.',
        ),
      ),
    })
    .meta(help('Active Directory.')),
  listen: z
    .strictObject({
      https: hostPort.default('0.0.0.0:443').meta(help('Address and port of the Autodiscover service.')),
      http: hostPort
        .optional()
        .meta(
          help('Address and port of the redirector for clients that ask http:// first.', { example: '0.0.0.0:80' }),
        ),
      metrics: hostPort.optional().meta(
        help('Address and port of Prometheus metrics (/metrics), in clear text and for everybody who reaches it.', {
          example: '127.0.0.1:9464',
        }),
      ),
      workers: workersSetting
        .default(1)
        .meta(
          help('Processes that share the listeners; cores takes one per processor. Limits are shared out among them.'),
        ),
      trustedProxies: z
        .array(network)
        .default([])
        .meta(
          help(
            "Proxies and balancers in front, as addresses or networks: only their word about a client's address counts.",
            {
              example: ['192.0.2.10', '192.0.2.11'],
            },
          ),
        ),
      forwardedHeader: z
        .enum(['x-forwarded-for', 'forwarded'])
        .default('x-forwarded-for')
        .meta(help('Header to which the trusted proxies append the address they were asked from.')),
      proxyProtocol: z
        .boolean()
        .default(false)
        .meta(
          help(
            'Connections to listen.https begin with a PROXY header (version 1 or 2), as balancers send it that pass TLS through; others are closed.',
          ),
        ),
      drainSeconds: seconds(0, 0, 300).meta(
        help(
          'Seconds between the order to stop and the end of accepting: /health/ready answers 503 and each answer ends its connection, so that balancers turn elsewhere.',
        ),
      ),
    })
    .refine(({ proxyProtocol, trustedProxies }) => !proxyProtocol || trustedProxies.length > 0, {
      path: ['proxyProtocol'],
      error: 'needs listen.trustedProxies: PROXY headers are taken from nobody else',
    })
    .superRefine((listeners, context) => {
      for (const { key, fault } of listenerFaults(listeners))
        context.addIssue({ code: 'custom', path: [key], message: fault });
    })
    .prefault({})
    .meta(help('Listeners.')),
  publicUrl: ownUrl.meta(
    help('The https URL clients reach this service by; redirects point to it.', {
      example: 'https://autodiscover.contoso.test',
    }),
  ),
  tls: z
    .strictObject({
      certificates: z
        .array(certificate)
        .min(1)
        .meta(
          help(
            'Certificates with their keys: PEM pairs or PFX files. An RSA and an ECDSA one may stand side by side, no two of a kind.',
            {
              example: [
                {
                  certificateFile: '/etc/exchange-autodiscover/tls.pem',
                  keyFile: '/etc/exchange-autodiscover/tls.key',
                },
              ],
            },
          ),
        ),
      ticketKeyFile: file
        .optional()
        .meta(
          help(
            'File of 48 random bytes or more under which session tickets are sealed, the same for all instances; readable by this service alone. ' +
              'Without it a restart makes every client do a full handshake.',
            { example: '/etc/exchange-autodiscover/ticket.key' },
          ),
        ),
      reloadSeconds: seconds(10, 1, 3600).meta(
        help(
          'Seconds between two looks at the files of certificates and of the ticket key; a changed one is taken without a restart.',
        ),
      ),
      warnDays: z
        .number()
        .int()
        .min(1)
        .max(365)
        .default(30)
        .meta(help('Days before its end from which a certificate is warned about.')),
    })
    .meta(help('TLS of the Autodiscover service.')),
  authentication: z
    .strictObject({
      schemes: z
        .array(z.enum(['negotiate', 'ntlm', 'basic']))
        .min(1)
        .default(['basic'])
        .meta(
          help('Schemes in the order they are offered; one that cannot complete is left out with a warning.', {
            example: ['negotiate', 'ntlm', 'basic'],
          }),
        ),
      keytabFile: file.optional().meta(
        help('Keytab for negotiate: the keys of HTTP/<every name clients use>, all of one account.', {
          example: '/etc/exchange-autodiscover/http.keytab',
        }),
      ),
      ntlmHelper: z
        .strictObject({
          path: z.string().min(1).default('/usr/bin/ntlm_auth').meta(help("winbind's ntlm_auth.")),
          arguments: z
            .array(z.string())
            .default([])
            .meta(help('Further arguments.', { example: ['--configfile=/etc/samba/smb.conf'] })),
          processes: z
            .number()
            .int()
            .min(1)
            .max(256)
            .default(16)
            .meta(help('Most processes, and so handshakes, at a time.')),
          timeoutSeconds: seconds(10, 1, 60).meta(help('Seconds a process may take to answer.')),
        })
        .prefault({})
        .meta(
          help(
            'Helper processes for NTLM, alone and inside negotiate. The service must be allowed to use winbind (group winbindd_priv).',
          ),
        ),
      realm: z.string().min(1).max(200).default('Autodiscover').meta(help('Realm of Basic authentication.')),
      cacheSeconds: seconds(120, 0, 3600).meta(
        help('Seconds for which good credentials are remembered; 0 asks the directory every time.'),
      ),
      outageSeconds: seconds(3600, 0, 86_400).meta(
        help(
          'While no domain controller answers, credentials that were good within this time are still good; 0 is no longer than cacheSeconds.',
        ),
      ),
      rejectedCacheSeconds: seconds(30, 0, 600).meta(
        help('Seconds for which the same wrong credentials are refused without asking again.'),
      ),
      failures: z
        .strictObject({
          perName: count(5, 1, 1000).meta(
            help(
              'Wrong passwords for one name within the window, before it is answered 503 without asking the directory. ' +
                'Always below the lock-out threshold of the domain. Where that is 0, an account may fail as often under all its names.',
            ),
          ),
          perAddress: count(100, 0, 1_000_000).meta(
            help('Wrong passwords from one client address (IPv6: one /64) within the window; 0 counts none.'),
          ),
          total: count(1000, 0, 10_000_000).meta(
            help(
              'Wrong passwords of all within the window, beyond which an address is allowed a tenth of its number; 0 counts none.',
            ),
          ),
          windowSeconds: seconds(600, 10).meta(
            help(
              'The window. Where the domain locks accounts out, its lockOutObservationWindow counts for accounts, and for names where it is longer.',
            ),
          ),
          lockoutThreshold: z
            .number()
            .int()
            .min(0)
            .max(999)
            .optional()
            .meta(
              help(
                "Instead of the domain's lockoutThreshold, where a fine-grained password policy is stricter; 0 means nobody is locked out.",
                { example: 10 },
              ),
            ),
          sharedBy: count(1, 1, 64).meta(
            help(
              'Instances of this service that ask the same domain; each takes its share of what an account may fail.',
            ),
          ),
        })
        .prefault({})
        .meta(help('How many wrong passwords are tried, so that nobody can guess many or lock accounts out.')),
    })
    .prefault({})
    .meta(help('Authentication of callers.')),
  answers: z
    .strictObject({
      externalSite: z
        .string()
        .min(1)
        .optional()
        .meta(
          help(
            'AD site whose external URLs and Outlook Anywhere serve mailboxes of sites without any; the first by name when not given.',
            { example: 'Seattle' },
          ),
        ),
      domains: z
        .array(mailDomain)
        .default([])
        .meta(
          help('Mail domains whose settings may be asked for by domain; the DNS domains of the forest when empty.', {
            example: ['contoso.test', 'contoso-sales.test'],
          }),
        ),
      othersMailboxes: z
        .enum(['allow', 'deny'])
        .default('allow')
        .meta(
          help(
            "Whether callers may ask for other people's mailboxes, as Exchange allows. With deny, an address that is neither the caller's " +
              'nor of a mailbox opened to him is answered like one that does not exist.',
          ),
        ),
      mayAskForOthers: z
        .array(z.string().min(1))
        .default([])
        .meta(
          help('DNs of accounts that may ask for every mailbox even so: programs that act for other people.', {
            example: ['CN=svc-calendar,OU=Service Accounts,DC=contoso,DC=test'],
          }),
        ),
      mapiHttp: z
        .strictObject({ internalUrl: baseUrl.optional(), externalUrl: baseUrl.optional() })
        .optional()
        .meta(
          help('Base URLs of MAPI over HTTP, for clients that announce it; Exchange 2010 has none.', {
            example: { internalUrl: 'https://mail.contoso.test/mapi', externalUrl: 'https://mail.contoso.test/mapi' },
          }),
        ),
      exHttp: z
        .boolean()
        .default(false)
        .meta(
          help('Give clients that announce ExHttpInfo an EXHTTP block for Outlook Anywhere; Exchange 2010 gives none.'),
        ),
      otherVersions: z
        .record(z.string().regex(/^\d+$/, 'must be a major version number, as 15'), httpsUrl)
        .default({})
        .meta(
          help('Autodiscover URLs of newer Exchange versions, by major version: mailboxes there are redirected.', {
            example: { '15': 'https://mail.contoso.test/autodiscover/autodiscover.xml' },
          }),
        ),
    })
    .prefault({})
    .meta(help('What clients are answered.')),
  limits: z
    .strictObject({
      requestBytes: z
        .number()
        .int()
        .min(1024)
        .max(16_777_216)
        .default(1_048_576)
        .meta(help('Largest request body in bytes.')),
      requestSeconds: seconds(30, 1, 600).meta(
        help(
          'Seconds a client may take to send a request, and for which an answer may wait without any of it being read.',
        ),
      ),
      connections: z
        .number()
        .int()
        .min(10)
        .max(1_000_000)
        .default(20_000)
        .meta(
          help(
            'Connections to listen.https and listen.http held at once; more are refused. listen.metrics may have as many.',
          ),
        ),
      connectionsPerAddress: count(1000, 0, 1_000_000).meta(
        help(
          'Connections one client address (IPv6: one /64) may hold at once, counted in the same way; more are closed. 0 is no limit.',
        ),
      ),
      pipelined: count(32, 1, 1000).meta(
        help(
          'Requests that one connection may have unanswered, because they were sent without waiting; with one more it is closed. ' +
            'Clients of Autodiscover wait for each answer.',
        ),
      ),
      headerSeconds: seconds(20, 1, 600).meta(
        help('Seconds a client may take to send the headers, and for the TLS handshake.'),
      ),
      headers: count(100, 10, 2000).meta(help('Header lines of a request; more are answered 431.')),
      passwordChecks: count(64, 1, 10_000).meta(help('Passwords checked against the directory at once.')),
      waitingChecks: count(10_000, 0, 1_000_000).meta(
        help('Checks that may wait for their turn; more are answered 503 at once.'),
      ),
      waitingSeconds: seconds(20, 1, 120).meta(help('Seconds a check may wait for its turn.')),
      exemptAddresses: z
        .array(network)
        .default([])
        .meta(
          help(
            'Addresses and networks to which the limits per address do not apply: load balancers, gateways with many people behind.',
            { example: ['192.0.2.10', '198.51.100.0/24'] },
          ),
        ),
    })
    .prefault({})
    .meta(help('Limits.')),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info').meta(help('error, warn, info or debug.')),
      requests: z
        .boolean()
        .default(false)
        .meta(
          help(
            'Log headers and an outline of the body of each request, without credentials (docs/operations.md). For finding faults: it holds addresses and names.',
          ),
        ),
    })
    .prefault({})
    .meta(help('Logging, as JSON lines on standard error.')),
});

export type Config = Readonly<z.infer<typeof configSchema>>;
