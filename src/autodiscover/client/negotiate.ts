// Negotiate with the caller's own Kerberos ticket, through the optional package `kerberos` (GSSAPI; SSPI on Windows). It is loaded
// on demand, and its absence is a sentence, not a crash. [RFC 4559] 4 Negotiate.
import type { AuthenticationRun, Authenticator } from './authenticate.ts';

/** The part of the package that is used. */
export interface KerberosPackage {
  readonly GSS_MECH_OID_SPNEGO?: number;
  initializeClient(service: string, options: { mechOID?: number }): Promise<KerberosClient>;
}

interface KerberosClient {
  step(challenge: string): Promise<string | null>;
}

/** Loads the package; rejects when it is not installed or does not work here. */
export async function loadKerberosPackage(): Promise<KerberosPackage> {
  // Not a literal: the package is optional, so neither the compiler nor a bundler may insist on it.
  const name: string = 'kerberos';
  const loaded = (await import(name)) as { default?: KerberosPackage } & Partial<KerberosPackage>;
  const found = loaded.initializeClient ? (loaded as KerberosPackage) : loaded.default;
  if (typeof found?.initializeClient !== 'function') throw new Error('the package has no initializeClient');
  return found;
}

/** Negotiate for the caller. `load` is a dependency so that a test can stand in for the package. */
export function negotiateAuthenticator(load: () => Promise<KerberosPackage> = loadKerberosPackage): Authenticator {
  return {
    scheme: 'Negotiate',
    async begin(url) {
      let kerberos: KerberosPackage;
      try {
        kerberos = await load();
      } catch (error) {
        return {
          unavailable: `the optional package "kerberos" cannot be loaded (${firstLine(error)}); npm install kerberos`,
        };
      }
      // The host-based service name of GSSAPI; SSPI wants the form with a slash.
      const service = process.platform === 'win32' ? `HTTP/${url.hostname}` : `HTTP@${url.hostname}`;
      try {
        const mechOID = kerberos.GSS_MECH_OID_SPNEGO;
        const client = await kerberos.initializeClient(service, mechOID === undefined ? {} : { mechOID });
        const first = await client.step('');
        return run(client, first);
      } catch (error) {
        return { unavailable: `no Kerberos ticket for ${service} (${firstLine(error)}); run kinit` };
      }
    },
  };
}

function run(client: KerberosClient, first: string | null): AuthenticationRun {
  let sentFirst = false;
  return {
    async next(challenge) {
      if (!sentFirst) {
        sentFirst = true;
        return first ? `Negotiate ${first}` : undefined;
      }
      if (challenge?.token === undefined) return undefined;
      try {
        const token = await client.step(challenge.token);
        return token ? `Negotiate ${token}` : undefined;
      } catch {
        return undefined; // the server's token is not for us; its 401 stands
      }
    },
  };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split('\n')[0] ?? '').slice(0, 200);
}
