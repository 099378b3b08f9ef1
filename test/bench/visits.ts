// Clients that come, go, and come again with the TLS session of their last visit.

import type { SecureContext } from 'node:tls';
import { addressOf, expectedTexts, requestBytes } from './requests.ts';
import { TlsClient } from './tls-client.ts';

export interface Visit {
  /** Clients are told apart by their group's name and a number. */
  readonly group: string;
  readonly clients: number;
  readonly concurrency: number;
  readonly port: number;
  readonly version: 'TLSv1.2' | 'TLSv1.3';
}

export interface VisitResult {
  readonly visits: number;
  /** Visits of clients that brought a session, and those of them whose session was taken up. */
  readonly returning: number;
  readonly resumed: number;
  readonly errors: number;
  readonly examples: readonly string[];
}

const sessions = new Map<string, Buffer>();
const EXAMPLES = 3;

/** Every client of the group visits once: a new connection, one request, and the new session is kept for next time. */
export async function visit(plan: Visit, context: SecureContext): Promise<VisitResult> {
  const examples: string[] = [];
  let [returning, resumed, errors, next] = [0, 0, 0, 0];
  const one = async (client: number): Promise<void> => {
    const key = `${plan.group} ${client}`;
    const session = sessions.get(key);
    const connection = await TlsClient.connect({ port: plan.port, context, ...(session ? { session } : {}) });
    try {
      connection.socket.on('session', (fresh) => sessions.set(key, fresh));
      const fresh = connection.socket.getSession();
      if (plan.version === 'TLSv1.2' && fresh) sessions.set(key, fresh);
      if (session) returning += 1;
      if (connection.socket.isSessionReused()) resumed += 1;
      const addresses = [addressOf(client)];
      const { status, body } = await connection.ask(requestBytes('json', addresses, ''));
      const missing = expectedTexts('json', addresses).find((text) => !body.includes(text));
      if (status !== 200 || missing) throw new Error(`HTTP ${status}: ${body.toString('latin1', 0, 300)}`);
    } finally {
      connection.close();
    }
  };
  const worker = async () => {
    while (next < plan.clients) {
      try {
        await one(next++);
      } catch (error) {
        errors += 1;
        if (examples.length < EXAMPLES) examples.push((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: plan.concurrency }, worker));
  return { visits: plan.clients, returning, resumed, errors, examples };
}
