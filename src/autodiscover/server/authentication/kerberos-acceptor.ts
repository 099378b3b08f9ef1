// Accepts Kerberos tickets through the optional `kerberos` package (MIT Kerberos' GSSAPI) and the service's keytab. Any key of the keytab
// will do: behind a load balancer all names share one account.

/** The part of the `kerberos` package that is used. */
interface KerberosModule {
  initializeServer(service: string): Promise<KerberosServer>;
}

interface KerberosServer {
  step(token: string): Promise<string | null>;
  readonly username: string | null;
  readonly response: string | null;
  readonly contextComplete: boolean;
}

export type AcceptedTicket =
  /** `principal` is `sam@REALM`; `response` proves the service to the client. */
  { readonly principal: string; readonly response: string | undefined } | { readonly refused: string };

export interface KerberosAcceptor {
  /** Judges one SPNEGO token, base64. Never rejects. A token that was seen before is refused by the replay cache. */
  accept(token: string): Promise<AcceptedTicket>;
}

/** The acceptor, or why there is none. The keytab is taken from KRB5_KTNAME, which the caller has set. */
export async function openKerberos(): Promise<KerberosAcceptor | { readonly missing: string }> {
  let kerberos: KerberosModule;
  try {
    const loaded = (await import('kerberos')) as unknown as { default?: KerberosModule } & KerberosModule;
    kerberos = loaded.default ?? loaded;
  } catch (error) {
    return { missing: `the optional package "kerberos" is not installed or cannot be loaded (${firstLine(error)})` };
  }
  return { accept: (token) => accept(kerberos, token) };
}

async function accept(kerberos: KerberosModule, token: string): Promise<AcceptedTicket> {
  try {
    // No service name: any principal of the keytab is accepted.
    const server = await kerberos.initializeServer('');
    await server.step(token);
    if (!server.contextComplete || !server.username) return { refused: 'the ticket needs another leg' };
    return { principal: server.username, response: server.response ?? undefined };
  } catch (error) {
    return { refused: firstLine(error) };
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
