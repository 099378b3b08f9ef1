// Follows an answer to where it leads: RPC endpoints with the members behind them, web services, the Autodiscover service's own TLS,
// and the root domain that clients ask before it.

import type { HttpOutcome } from '../../autodiscover/client/http-client.ts';
import { type InterfaceProbe, interfaceFault, type RpcProbe } from '../probe/rpc-probe.ts';
import type { TlsVersion } from '../probe/tls-probe.ts';
import { about, type Check } from './check.ts';

/** Checks of one RPC endpoint. `membersOf` is empty for a single server. */
export function rpcChecks(subject: string, probe: RpcProbe): readonly Check[] {
  const { passed, failed } = about(subject);
  if (probe.addresses.length === 0) return [failed('name', `${probe.host} does not resolve`)];
  return [
    passed('name', `${probe.host} is ${probe.addresses.join(', ')}`),
    ...probe.interfaces.map((found) => {
      const fault = interfaceFault(found);
      return fault === undefined
        ? passed(found.name, `port ${found.ports.join(', ')} connects`)
        : failed(found.name, fault);
    }),
  ];
}

/**
 * Whether every member of an array has its services on the same ports. A load balancer that forwards fixed ports reaches only the
 * members that listen on them.
 */
export function samePortsCheck(array: string, members: readonly RpcProbe[]): readonly Check[] {
  const { passed, failed } = about(array);
  const answering = members.filter((member) => member.interfaces.some(({ ports }) => ports.length > 0));
  if (answering.length < 2) return [];
  const spelled = answering.map((member) => ({ host: member.host, ports: portsText(member.interfaces) }));
  const kinds = new Set(spelled.map(({ ports }) => ports));
  if (kinds.size === 1) return [passed('same ports', `${[...kinds].join()} on every member`)];
  return [failed('same ports', spelled.map(({ host, ports }) => `${host}: ${ports}`).join('; '))];
}

function portsText(interfaces: readonly InterfaceProbe[]): string {
  return interfaces.map(({ name, ports }) => `${name} ${ports.join('+') || '-'}`).join(' ');
}

/** A web service must ask for credentials: anything else is a missing application, an open door, or a page in front of it. */
export function webServiceChecks(url: string, outcome: HttpOutcome): readonly Check[] {
  const { passed, failed, warning } = about(url);
  if (outcome.kind === 'failed') return [failed('answers', `${outcome.reason}: ${outcome.detail}`)];
  const { status } = outcome;
  if (status === 401) return [passed('answers', 'asks for credentials')];
  if (status >= 200 && status < 300) return [warning('answers', `HTTP ${status} to a caller without credentials`)];
  return [failed('answers', `HTTP ${status} in place of a request for credentials`)];
}

/** `accepted` undefined: the host could not be reached. */
export function tlsChecks(origin: string, accepted: readonly TlsVersion[] | undefined): readonly Check[] {
  const { passed, failed, warning } = about(origin);
  if (accepted === undefined) return [failed('TLS versions', 'the host cannot be reached')];
  const text = accepted.join(', ') || 'none of TLS 1.0 to 1.3';
  if (!accepted.includes('TLSv1.2')) {
    const who = accepted.includes('TLSv1.3')
      ? 'Outlook on Windows 7, 8.1 and 10 cannot connect without TLS 1.2'
      : 'clients that are kept up to date refuse every version before TLS 1.2';
    return [failed('TLS versions', `${text}: ${who}`)];
  }
  if (accepted.includes('TLSv1') || accepted.includes('TLSv1.1'))
    return [
      warning('TLS versions', `${text}: versions before 1.2 are broken; turn them off once no client needs them`),
    ];
  return [passed('TLS versions', text)];
}

/**
 * What clients meet at `https://<mail domain>/autodiscover/autodiscover.xml`, which they ask before `autodiscover.<mail domain>`.
 * The trap is a web site there that is not Autodiscover: it delays, warns about its certificate, or takes passwords.
 */
export function rootDomainChecks(domain: string, outcome: HttpOutcome): readonly Check[] {
  const { passed, failed, warning } = about(domain);
  const name = 'root domain';
  if (outcome.kind === 'failed') {
    switch (outcome.reason) {
      case 'name-not-found':
      case 'connection-refused':
        return [passed(name, `nothing there (${outcome.reason}): clients go on at once`)];
      case 'certificate-name':
      case 'certificate-untrusted':
      case 'certificate-expired':
        return [
          warning(
            name,
            `a web site with a bad certificate (${outcome.reason}): clients may show a warning before they go on`,
          ),
        ];
      default:
        return [warning(name, `${outcome.reason}: clients wait for it before they go on`)];
    }
  }
  const { status, headers } = outcome;
  if (status === 401 && headers['x-soap-enabled'] !== undefined) return [passed(name, 'an Autodiscover service')];
  if (status === 401)
    return [
      failed(name, 'a web site that asks for credentials and is no Autodiscover service: clients send it passwords'),
    ];
  if (status >= 200 && status < 300)
    return [
      warning(name, `a web site that answers HTTP ${status} to everything: clients may take its page for an answer`),
    ];
  if (status >= 300 && status < 400)
    return [warning(name, `a web site that redirects (HTTP ${status}): clients may ask the user whether to follow`)];
  return [passed(name, `a web site without Autodiscover (HTTP ${status}): clients go on`)];
}
