// Negotiate ([RFC 4559] 4 Negotiate): Kerberos tickets are accepted with the service's keytab; NTLM inside SPNEGO goes to the NTLM helpers, if there are
// any. Which of the two a token is, its bytes tell.

import type { Socket } from 'node:net';
import { failureText } from '../../../ldap/controller.ts';
import type { Directory } from '../../../ldap/directory.ts';
import type { AuthenticationOutcome, AuthenticationScheme } from './authenticator.ts';
import type { KerberosAcceptor } from './kerberos-acceptor.ts';
import type { NtlmHandshakes } from './ntlm.ts';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const NTLM_SIGNATURE = Buffer.from('NTLMSSP\0', 'latin1');

export interface NegotiateParts {
  readonly kerberos: KerberosAcceptor | undefined;
  readonly ntlm: NtlmHandshakes | undefined;
}

export function negotiateScheme(directory: Directory, { kerberos, ntlm }: NegotiateParts): AuthenticationScheme {
  // Sockets in the middle of an NTLM handshake: their next token carries no NTLM signature of its own in every client.
  const inNtlm = new WeakSet<Socket>();
  return {
    name: 'Negotiate',
    challenge: 'Negotiate',
    get available() {
      return kerberos !== undefined || (ntlm?.available ?? false);
    },
    async authenticate(credentials, socket, address) {
      if (credentials === '') return { outcome: 'challenge', reason: 'empty Negotiate header' };
      if (!BASE64.test(credentials)) return { outcome: 'challenge', reason: 'malformed Negotiate token' };
      const token = Buffer.from(credentials, 'base64');
      if (inNtlm.has(socket) || token.includes(NTLM_SIGNATURE)) {
        if (!ntlm?.available) return { outcome: 'challenge', reason: 'NTLM is not offered' };
        const outcome = await ntlm.step(credentials, socket, address);
        if (outcome.outcome === 'challenge' && outcome.header !== undefined) inNtlm.add(socket);
        else inNtlm.delete(socket);
        return outcome;
      }
      if (!kerberos) return { outcome: 'challenge', reason: 'Kerberos is not configured' };
      return acceptTicket(directory, kerberos, credentials);
    },
  };
}

async function acceptTicket(
  directory: Directory,
  kerberos: KerberosAcceptor,
  token: string,
): Promise<AuthenticationOutcome> {
  const accepted = await kerberos.accept(token);
  if ('refused' in accepted)
    return { outcome: 'challenge', reason: `Kerberos: ${accepted.refused}`, refusal: 'refused' };
  const name = accepted.principal;
  try {
    const account = await directory.findPrincipal(name);
    if (!account) return { outcome: 'challenge', reason: 'authenticated, but no such account in the directory', name };
    const header = accepted.response === undefined ? {} : { header: `Negotiate ${accepted.response}` };
    return { outcome: 'caller', caller: { name, account, scheme: 'Negotiate' }, ...header };
  } catch (error) {
    return { outcome: 'unavailable', reason: failureText(error), name };
  }
}
