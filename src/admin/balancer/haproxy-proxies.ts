// What an HAProxy configuration says of proxies, with what they inherit from their `defaults`: where they listen, whom they lead to, how
// servers are checked, how long silence is suffered. Pure. HAProxy Configuration Manual, chapters 4 and 5.

import { type ConfigLine, type ConfigSection, refused } from './haproxy-lines.ts';

/** `host` is empty for every address; ports from `first` to `last`. */
export interface Bind {
  readonly line: number;
  readonly host: string;
  readonly first: number;
  readonly last: number;
}

/** `fixed` is a port of its own; without it the server is asked on the port the client came to, plus `offset`. */
export interface ServerPort {
  readonly fixed?: number;
  readonly offset: number;
}

/** One `server` or `server-template` line, with what `default-server` lines before it say. */
export interface ProxyServer {
  readonly line: number;
  readonly name: string;
  /** A name or an address; empty for what is no network address. */
  readonly host: string;
  readonly port: ServerPort;
  /** For a template, whose every address is a server: the numbers that follow `name` in the servers' names. */
  readonly numbers: { readonly first: number; readonly last: number } | undefined;
  readonly checked: boolean;
  /** `backend/server` whose state it shares. */
  readonly track: string | undefined;
  readonly initAddr: string | undefined;
  readonly resolvers: string | undefined;
  readonly disabled: boolean;
  /** Asked only while every other server is out. */
  readonly backup: boolean;
}

export interface Timeout {
  readonly line: number;
  readonly ms: number;
}

export interface ProxySection {
  readonly kind: 'frontend' | 'backend' | 'listen';
  readonly name: string;
  readonly line: number;
  readonly isHttp: boolean;
  readonly binds: readonly Bind[];
  readonly servers: readonly ProxyServer[];
  /** By name: `client`, `server`, `tunnel`. */
  readonly timeouts: ReadonlyMap<string, Timeout>;
  /** Backends it leads to. */
  readonly backends: readonly { readonly name: string; readonly line: number }[];
  /** Whether a client is led to the same server again. */
  readonly persistent: boolean;
}

export interface BalancerConfiguration {
  readonly proxies: readonly ProxySection[];
  /** Names of `resolvers` sections, with the one that is always there. */
  readonly resolvers: ReadonlySet<string>;
  /** Whether a runtime socket permits changes. */
  readonly adminSocket: boolean;
}

/** Throws BalancerError `configuration` that names the line. */
export function readProxies(sections: readonly ConfigSection[]): BalancerConfiguration {
  const proxies: ProxySection[] = [];
  const defaults: (readonly ConfigLine[])[] = [];
  const named = new Map<string, readonly ConfigLine[]>();
  for (const section of sections) {
    const { kind, name, from, line, lines } = section;
    const inherited = from === undefined ? [] : named.get(from);
    if (inherited === undefined) throw refused(line, `there is no "defaults ${from}" before it`);
    if (kind === 'defaults') {
      const all = [...inherited, ...lines];
      defaults.push(all);
      if (name !== '') named.set(name, all);
    } else if (kind === 'frontend' || kind === 'backend' || kind === 'listen') {
      const all = [...(from === undefined ? (defaults.at(-1) ?? []) : inherited), ...lines];
      if (!isDisabled(all)) proxies.push(proxyOf(kind, name, line, all));
    }
  }
  const socket = (line: ConfigLine) =>
    line.words[0] === 'stats' && line.words[1] === 'socket' && /\blevel admin\b/.test(line.words.join(' '));
  return {
    proxies,
    // HAProxy makes "default" itself, from /etc/resolv.conf.
    resolvers: new Set(['default', ...sections.filter(({ kind }) => kind === 'resolvers').map(({ name }) => name)]),
    adminSocket: sections.some(({ kind, lines }) => kind === 'global' && lines.some(socket)),
  };
}

/** A proxy that is switched off as a whole (4.2 "disabled") is not there for anybody. */
function isDisabled(lines: readonly ConfigLine[]): boolean {
  return lines.findLast(({ words: [word] }) => word === 'disabled' || word === 'enabled')?.words[0] === 'disabled';
}

/** `lines` are those it inherits, then its own. */
function proxyOf(kind: ProxySection['kind'], name: string, line: number, lines: readonly ConfigLine[]): ProxySection {
  const of = (...keywords: readonly string[]) => lines.filter(({ words }) => keywords.includes(words[0] ?? ''));
  const last = (keyword: string) => of(keyword).at(-1)?.words[1];
  const sticks =
    of('cookie', 'appsession').length > 0 || of('stick').some(({ words }) => /^(?:on|match)$/.test(words[1] ?? ''));
  return {
    kind,
    name,
    line,
    isHttp: last('mode') === 'http',
    binds: of('bind').flatMap(({ number, words }) => bindsOf(words[1] ?? '', number)),
    servers: serversOf(of('default-server', 'server', 'server-template')),
    timeouts: timeoutsOf(of('timeout')),
    backends: [...of('default_backend').slice(-1), ...of('use_backend')].map(({ number, words }) => ({
      name: words[1] ?? '',
      line: number,
    })),
    persistent: sticks || last('balance') === 'source',
  };
}

/** The last of each counts; 0 means that there is none. */
function timeoutsOf(lines: readonly ConfigLine[]): ReadonlyMap<string, Timeout> {
  const all = lines.map(
    ({ number, words: [, name = '', time = ''] }) => [name, { line: number, ms: milliseconds(time, number) }] as const,
  );
  return new Map([...new Map(all)].filter(([, { ms }]) => ms > 0));
}

/** `default-server` counts for the lines after it. */
function serversOf(lines: readonly ConfigLine[]): readonly ProxyServer[] {
  const servers: ProxyServer[] = [];
  const common: string[] = [];
  for (const { number, words } of lines) {
    const [keyword, name = '', ...rest] = words;
    if (keyword === 'default-server') common.push(...words.slice(1));
    else if (keyword === 'server') servers.push(serverOf(number, name, rest[0], [...common, ...rest.slice(1)]));
    else servers.push(serverOf(number, name, rest[1], [...common, ...rest.slice(2)], rest[0]));
  }
  return servers;
}

const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  '': 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function milliseconds(text: string, line: number): number {
  const parts = /^(\d{1,10})(us|ms|s|m|h|d|)$/.exec(text);
  if (parts === null) throw refused(line, `${JSON.stringify(text.slice(0, 40))} is no time, as 2h`);
  return Number(parts[1]) * (UNITS[parts[2] ?? ''] ?? 1);
}

/** Server keywords that are followed by a value, which must not be taken for a keyword. */
const VALUED: ReadonlySet<string> = new Set(
  (
    'addr agent-addr agent-inter agent-port agent-send alpn ca-file check-alpn check-proto check-sni ciphers ciphersuites ' +
    'client-sigalgs cookie crl-file crt curves downinter error-limit fall fastinter hash-key id init-addr init-state inter ' +
    'interface log-bufsize log-proto maxconn maxqueue max-reuse minconn namespace npn observe on-error on-marked-down on-marked-up ' +
    'pool-low-conn pool-max-conn pool-purge-delay port proto proxy-v2-options redir resolve-net resolve-opts resolve-prefer ' +
    'resolvers rise sigalgs slowstart sni socks4 source ssl-max-ver ssl-min-ver tcp-ut track usesrc verify verifyhost weight ws'
  ).split(' '),
);

function serverOf(
  line: number,
  name: string,
  where: string | undefined,
  words: readonly string[],
  count?: string,
): ProxyServer {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (VALUED.has(word)) values.set(word, words[++at] ?? '');
    else if (word.startsWith('no-')) flags.delete(word.slice(3));
    else if (word === 'enabled') flags.delete('disabled');
    else flags.add(word);
  }
  if (name === '' || !where) throw refused(line, 'a server without a name or an address');
  const { host, port } = hostAndPort(where);
  return {
    line,
    name,
    host,
    port: serverPort(port, line),
    numbers: count === undefined ? undefined : numbersOf(count),
    checked: flags.has('check'),
    track: values.get('track'),
    initAddr: values.get('init-addr'),
    resolvers: values.get('resolvers'),
    disabled: flags.has('disabled'),
    backup: flags.has('backup'),
  };
}

/** `3` is 1 to 3, as is `1-3`; of a number that only the environment knows, every one. */
function numbersOf(text: string): { readonly first: number; readonly last: number } {
  const parts = /^(?:(\d{1,5})-)?(\d{1,5})$/.exec(text);
  return parts === null ? { first: 1, last: Infinity } : { first: Number(parts[1] ?? 1), last: Number(parts[2]) };
}

/** `[::1]:135`, `10.1.0.11:135`, `sea-cas1.contoso.test`, `ipv4@name:135`; what is no network address has no host. */
function hostAndPort(text: string): { readonly host: string; readonly port: string } {
  const plain = text.replace(/^(?:ipv4|ipv6|tcp|tcp4|tcp6)@/, '');
  if (plain.startsWith('/') || plain.includes('@')) return { host: '', port: '' };
  const parts = /^\[([^\]]*)\](?::(.*))?$/.exec(plain) ?? /^(.*):([^:]*)$/.exec(plain);
  return { host: parts?.[1] ?? plain, port: parts?.[2] ?? '' };
}

function serverPort(text: string, line: number): ServerPort {
  if (text === '') return { offset: 0 };
  if (/^[+-]\d{1,5}$/.test(text)) return { offset: Number(text) };
  return { fixed: portOf(text, line), offset: 0 };
}

function portOf(text: string, line: number): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw refused(line, `${JSON.stringify(text.slice(0, 40))} is no port`);
  return port;
}

function bindsOf(text: string, line: number): readonly Bind[] {
  return text.split(',').flatMap((one): readonly Bind[] => {
    const { host, port } = hostAndPort(one);
    if (host === '' && port === '') return []; // a socket file, or another process's
    const [first = '', last = first] = port.split('-');
    const every = host === '*' || host === '0.0.0.0' || host === '::';
    return [{ line, host: every ? '' : host, first: portOf(first, line), last: portOf(last, line) }];
  });
}
