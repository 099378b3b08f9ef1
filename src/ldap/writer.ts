// Applies changes on one named domain controller, and reads back from the same one. A write is never repeated blindly and never moves to
// another controller: after a failure the entry is read again to see what became of it.

import {
  Attribute,
  Change,
  type Client,
  EqualityFilter,
  InsufficientAccessError,
  PresenceFilter,
  ResultCodeError,
} from 'ldapts';
import type { SearchRequest } from './connection.ts';
import {
  ControllerConnection,
  type ControllerOptions,
  failureText,
  rejectedReason,
  serviceAccountRejected,
} from './controller.ts';
import { EntryReader } from './entry.ts';
import { DirectoryError } from './errors.ts';
import type { LdifAttribute, LdifChange } from './ldif.ts';

/** Why a change was not made. */
export type WriteRefusal =
  /** Somebody changed the value meanwhile; nothing was written. */
  | 'lost-race'
  | 'missing-right'
  /** The schema or the directory's rules forbid it. */
  | 'refused'
  | 'no-such-entry'
  | 'already-exists'
  /** A read-only controller, or one of another partition. */
  | 'wrong-controller'
  /** The connection broke; whether the change was made, a look at the entry tells. */
  | 'unknown';

export type WriteOutcome =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'failed'; readonly refusal: WriteRefusal; readonly message: string };

const REFUSALS: Readonly<Record<number, WriteRefusal>> = {
  10: 'wrong-controller',
  16: 'lost-race',
  20: 'lost-race',
  32: 'no-such-entry',
  50: 'missing-right',
  68: 'already-exists',
};

export class DirectoryWriter {
  readonly #connection: ControllerConnection;
  readonly url: string;
  /** The account that writes, as it was given. */
  readonly account: string;

  private constructor(connection: ControllerConnection, url: string, account: string) {
    this.#connection = connection;
    this.url = url;
    this.account = account;
  }

  /** Binds to one controller. Throws DirectoryError `unreachable` or `service-account-rejected`. */
  static async open(controller: ControllerOptions, bindName: string, password: string): Promise<DirectoryWriter> {
    const connection = new ControllerConnection(controller);
    try {
      await connection.bind(bindName, password);
      return new DirectoryWriter(connection, controller.url, bindName);
    } catch (error) {
      connection.close();
      const reason = rejectedReason(error);
      if (reason !== undefined) throw serviceAccountRejected(bindName, controller.url, reason, error);
      throw new DirectoryError('unreachable', `connecting to ${controller.url}: ${failureText(error)}`, {
        cause: error,
      });
    }
  }

  /** Makes one change. Never rejects for what the directory answers. */
  async apply(change: LdifChange): Promise<WriteOutcome> {
    try {
      await send(this.#connection.client, change);
      return { outcome: 'done' };
    } catch (error) {
      if (!(error instanceof ResultCodeError)) {
        return { outcome: 'failed', refusal: 'unknown', message: failureText(error) };
      }
      const refusal = error instanceof InsufficientAccessError ? 'missing-right' : (REFUSALS[error.code] ?? 'refused');
      return { outcome: 'failed', refusal, message: failureText(error) };
    }
  }

  async search(request: SearchRequest): Promise<EntryReader[]> {
    const { searchEntries } = await this.#connection.client.search(request.base, {
      scope: request.scope,
      filter: request.filter,
      attributes: [...request.attributes],
      explicitBufferAttributes: [...(request.binaryAttributes ?? [])],
      ...(request.paged ? { paged: { pageSize: 500 } } : {}),
    });
    return searchEntries.map((entry) => new EntryReader(entry));
  }

  /** The named attributes of an entry as they stand on this controller; undefined when there is no such entry. */
  async read(dn: string, attributes: readonly string[]): Promise<EntryReader | undefined> {
    try {
      const filter = new PresenceFilter({ attribute: 'objectClass' });
      const [entry] = await this.search({ base: dn, scope: 'base', filter, attributes });
      return entry;
    } catch (error) {
      if (error instanceof ResultCodeError && error.code === 32) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#connection.close();
  }
}

/** Values of one attribute as a filter: for searches of what refers to an entry. */
export function attributeEquals(attribute: string, value: string): EqualityFilter {
  return new EqualityFilter({ attribute, value });
}

async function send(client: Client, change: LdifChange): Promise<void> {
  switch (change.change) {
    case 'add':
      return client.add(change.dn, change.attributes.map(toAttribute));
    case 'delete':
      return client.del(change.dn);
    case 'modify':
      return client.modify(
        change.dn,
        change.modifications.map(
          ({ operation, name, values }) => new Change({ operation, modification: toAttribute({ name, values }) }),
        ),
      );
    case 'modrdn':
      return client.modifyDN(change.dn, change.newSuperior ? `${change.newRdn},${change.newSuperior}` : change.newRdn);
  }
}

function toAttribute({ name, values }: LdifAttribute): Attribute {
  return new Attribute({ type: name, values: [...values] });
}
