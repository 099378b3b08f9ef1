// A complete HAProxy configuration for a CAS array, as text. Pure: everything it says comes from the plan.
//
// One member is in or out as a whole: the RPC backend checks all three ports of a member and the others track it. Persistence is by
// client address in one table for all three, so that an Outlook's connections meet at one member. HAProxy 2.4 or later.

export interface BalancerMember {
  /** The short name by which it is drained and enabled. */
  readonly name: string;
  readonly fqdn: string;
}

export interface BalancerPlan {
  /** FQDN of the array. */
  readonly array: string;
  readonly members: readonly BalancerMember[];
  /** Static port of MSExchangeRPC (EMSMDB). */
  readonly rpcPort: number;
  /** Static port of MSExchangeAB (NSPI and RFR). */
  readonly addressBookPort: number;
  /** Where the array's name points; `*` for every address. */
  readonly bind: string;
  /** Path of the runtime socket. */
  readonly socket: string;
  /** DNS servers as `address:port`; those of /etc/resolv.conf when empty. */
  readonly resolvers: readonly string[];
  /** Client connections at a time; HAProxy needs two file descriptors for each. */
  readonly maxConnections: number;
  readonly web: WebPlan;
}

/**
 * How 443 is served. `pass-through` forwards TLS untouched. `cut-over` ends TLS here and sends `/autodiscover` to this project's
 * service and the other Exchange paths to the members.
 */
export type WebPlan =
  | { readonly kind: 'pass-through' }
  | {
      readonly kind: 'cut-over';
      readonly service: URL;
      /** PEM with certificate, chain and key that clients see. */
      readonly certificateFile: string;
      /** Authorities of the service's and the members' own certificates. */
      readonly caFile: string;
      /** The name on the members' certificates that checks and requests use. */
      readonly webHost: string;
    };

/** Exchange's own web applications, which stay on the members. */
const EXCHANGE_PATHS = ['/EWS', '/OAB', '/owa', '/ecp', '/rpc', '/Microsoft-Server-ActiveSync'] as const;
/** With `inter` and `fall` below: a member that stops is out after this many seconds at most. */
export const CHECK_SECONDS = { interval: 2, connect: 1, falls: 2 } as const;

/**
 * Silence that a connection must outlive, in seconds. `rpc`: a peer whose TCP keep-alive is Windows' own (KeepAliveTime) speaks every two
 * hours at first. `web`: the longest ActiveSync heartbeat is 59 minutes.
 */
export const SILENCE_SECONDS = { rpc: 7200, web: 3540 } as const;

/** The names of everything that belongs to one array. */
export function sectionNames(array: string) {
  const slug = (array.split('.')[0] ?? array).toLowerCase();
  return {
    clients: `${slug}_clients`,
    rpc: `${slug}_rpc`,
    addressBook: `${slug}_address_book`,
    endpointMapper: `${slug}_endpoint_mapper`,
    web: `${slug}_web`,
    autodiscover: `${slug}_autodiscover`,
    dns: `${slug}_dns`,
  };
}

/** The server line of the service in the Autodiscover backend. */
const SERVICE_NAME = 'service';

export function renderHaproxy(plan: BalancerPlan): string {
  const names = sectionNames(plan.array);
  const sections = [
    heading(plan),
    globalSection(plan),
    resolversSection(plan, names.dns),
    clientsTable(names.clients),
    forward(plan, names.endpointMapper, 135, [`timeout client 5m`], [`timeout server 5m`], `track ${names.rpc}/`),
    forward(plan, names.rpc, plan.rpcPort, [], checkLines(plan), 'check'),
    forward(plan, names.addressBook, plan.addressBookPort, [], [], `track ${names.rpc}/`),
    ...(plan.web.kind === 'pass-through' ? [passThrough(plan)] : [cutOver(plan, plan.web)]),
  ];
  return `${sections.join('\n\n')}\n`;
}

function heading({ array, members, rpcPort, addressBookPort, socket }: BalancerPlan): string {
  return `# HAProxy for the CAS array ${array}; made by: autodiscover balancer haproxy --array ${array}
# Members: ${members.map(({ fqdn }) => fqdn).join(', ')}
#
# Each member must have these static ports (registry, then restart both services):
${portCommands(rpcPort, addressBookPort)
  .map((line) => `#   ${line}`)
  .join('\n')}
#
# Check: autodiscover balancer check --array ${array} --rpc-port ${rpcPort} --address-book-port ${addressBookPort} --haproxy THIS-FILE
# Maintenance: autodiscover balancer drain MEMBER --socket ${socket}, and enable to take it back`;
}

/** What sets the static ports on a member: command lines for an elevated prompt there. */
export function portCommands(rpcPort: number, addressBookPort: number): readonly string[] {
  const services = 'HKLM\\SYSTEM\\CurrentControlSet\\Services';
  return [
    `reg add "${services}\\MSExchangeRPC\\ParametersSystem" /v "TCP/IP Port" /t REG_DWORD /d ${rpcPort} /f`,
    `reg add "${services}\\MSExchangeAB\\Parameters" /v RpcTcpPort /t REG_SZ /d ${addressBookPort} /f`,
    'powershell -Command "Restart-Service MSExchangeAB, MSExchangeRPC"',
  ];
}

function globalSection({ socket, maxConnections }: BalancerPlan): string {
  return `global
    log /dev/log local0
    maxconn ${maxConnections}
    stats socket ${socket} mode 660 level admin
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-server-options ssl-min-ver TLSv1.2

defaults
    log global
    mode tcp
    option tcplog
    option dontlognull
    # Outlook keeps its connections for days, often silent; only a peer that is gone may end them.
    option clitcpka
    option srvtcpka
    timeout connect 5s
    timeout client 2h
    timeout server 2h
    timeout check ${CHECK_SECONDS.connect}s
    retries 3
    option redispatch 1
    # A member that fails is out after ${CHECK_SECONDS.falls} checks; its connections are ended, so that Outlook reconnects to another at once.
    default-server inter ${CHECK_SECONDS.interval}s fastinter 1s downinter 5s fall ${CHECK_SECONDS.falls} rise 3 on-marked-down shutdown-sessions`;
}

function resolversSection({ resolvers }: BalancerPlan, name: string): string {
  const servers =
    resolvers.length === 0
      ? ['    parse-resolv-conf']
      : resolvers.map((address, at) => `    nameserver dns${at + 1} ${address}`);
  return `resolvers ${name}
${servers.join('\n')}
    resolve_retries 3
    timeout resolve 1s
    timeout retry 1s
    hold valid 30s
    # A DNS that is away must not take the members away with it.
    hold obsolete 1h
    hold nx 1h
    hold timeout 1h
    hold refused 1h
    hold other 1h`;
}

function clientsTable(name: string): string {
  return `# Which member a client address was given: one table for all three RPC ports.
backend ${name}
    stick-table type ip size 500k expire 12h`;
}

/** One port: a listener and a backend with every member. `how` ends in `/` where the member's name is to follow. */
function forward(
  plan: BalancerPlan,
  name: string,
  port: number,
  frontLines: readonly string[],
  backLines: readonly string[],
  how: string,
): string {
  const { clients } = sectionNames(plan.array);
  return `frontend ${name}_in
    bind ${plan.bind}:${port}
${indent(frontLines)}    default_backend ${name}

backend ${name}
    balance leastconn
    stick on src table ${clients}
${indent(backLines)}${serverLines(plan, port, (member) => (how.endsWith('/') ? `${how}${member}` : how)).join('\n')}`;
}

function indent(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}\n`).join('');
}

/** A member is in when all of its RPC ports accept connections. */
function checkLines({ rpcPort, addressBookPort }: BalancerPlan): readonly string[] {
  return ['option tcp-check', ...[135, rpcPort, addressBookPort].map((port) => `tcp-check connect port ${port}`)];
}

function serverLines(plan: BalancerPlan, port: number, more: (member: string) => string): readonly string[] {
  const { dns } = sectionNames(plan.array);
  return plan.members.map(
    ({ name, fqdn }, at) =>
      `    server ${name} ${fqdn}:${port} id ${at + 1} ${more(name)} resolvers ${dns} init-addr last,libc,none`,
  );
}

function passThrough(plan: BalancerPlan): string {
  const { web } = sectionNames(plan.array);
  return `# HTTPS as it comes. The longest silence is an ActiveSync heartbeat, just under an hour.
frontend ${web}_in
    bind ${plan.bind}:443
    timeout client 65m
    default_backend ${web}

backend ${web}
    balance leastconn
    timeout server 65m
    stick-table type ip size 500k expire 12h
    stick on src
${serverLines(plan, 443, () => 'check').join('\n')}`;
}

function cutOver(plan: BalancerPlan, web: Extract<WebPlan, { kind: 'cut-over' }>): string {
  const names = sectionNames(plan.array);
  const tls = `ssl verify required ca-file ${web.caFile}`;
  const member = `${tls} sni str(${web.webHost}) verifyhost ${web.webHost} check check-sni ${web.webHost}`;
  const port = web.service.port || '443';
  const host = web.service.hostname;
  return `# HTTPS ends here: /autodiscover goes to the service, Exchange's other paths to the members, nothing else exists.
# Negotiate and NTLM bind a connection to a user: HAProxy keeps such connections to their client by itself.
frontend ${names.web}_in
    mode http
    option httplog
    bind ${plan.bind}:443 ssl crt ${web.certificateFile} alpn http/1.1
    timeout client 65m
    timeout http-request 20s
    timeout http-keep-alive 2m
    acl is_autodiscover path_beg -i /autodiscover/
    acl is_exchange path_beg -i ${EXCHANGE_PATHS.join(' ')}
    http-request return status 404 unless is_autodiscover or is_exchange
    use_backend ${names.autodiscover} if is_autodiscover
    use_backend ${names.web} if is_exchange

# The way back in one step: drain "${SERVICE_NAME}", and the members' own Autodiscover answers again. So it does while the service is down.
backend ${names.autodiscover}
    mode http
    balance leastconn
    timeout server 1m
    option allbackups
    # Whose request it is: counts where the service has this machine among listen.trustedProxies.
    http-request set-header X-Forwarded-For %[src]
    option httpchk
    http-check send meth GET uri /health/ready ver HTTP/1.1 hdr Host ${host}
    http-check expect status 200
    server ${SERVICE_NAME} ${host}:${port} ${tls} sni str(${host}) verifyhost ${host} check check-sni ${host} resolvers ${names.dns} init-addr last,libc,none
${serverLines(plan, 443, (name) => `${tls} sni str(${web.webHost}) verifyhost ${web.webHost} track ${names.web}/${name} backup`).join('\n')}

backend ${names.web}
    mode http
    balance leastconn
    timeout server 65m
    stick-table type ip size 500k expire 12h
    stick on src
    option httpchk
    http-check send meth GET uri /EWS/Exchange.asmx ver HTTP/1.1 hdr Host ${web.webHost}
    http-check expect status 401
${serverLines(plan, 443, () => member).join('\n')}`;
}
