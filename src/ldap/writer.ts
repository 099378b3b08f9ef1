// Applies changes on one named domain controller, and reads back from the same one. A write is never repeated blindly and never moves to
// another controller: after a failure the entry is read again to see what became of it.

import { Attribute, Change, type Client, InsufficientAccessError, PresenceFilter, ResultCodeError } from 'ldapts';
import type { GuardedChange } from './change.ts';
import { nameAfter } from './change.ts';
import {
  ControllerConnection,
  type ControllerOptions,
  explainBindCode,
  failureText,
  rejectedReason,
} from './controller.ts';
import { ownName, parseDn, sameDn } from './distinguished-name.ts';
import type { EntryReader } from './entry.ts';
import { DirectoryError } from './errors.ts';
import type { LdifAttribute } from './ldif.ts';
import { type SearchRequest, searchOn } from './search.ts';
import { hasExpected, isAsExpected, isSingleValued, isWritable } from './writable-attributes.ts';

/** Why a change was not made, or does not stand. */
export type WriteRefusal =
  /** Somebody changed the entry meanwhile; nothing was written. */
  | 'lost-race'
  /** It was made, and somebody changed the entry again at once. */
  | 'overwritten'
  | 'missing-right'
  /** The schema forbids it: an unknown class or attribute, a wrong parent, a value that may not be. */
  | 'schema'
  /** The directory's rules forbid it. */
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

/** LDAP result codes (RFC 4511 appendix A.1) by what they mean for a guarded change. */
const REFUSALS: Readonly<Record<number, WriteRefusal>> = {
  10: 'wrong-controller',
  16: 'lost-race',
  17: 'schema',
  19: 'schema',
  20: 'lost-race',
  21: 'schema',
  32: 'no-such-entry',
  50: 'missing-right',
  64: 'schema',
  65: 'schema',
  68: 'already-exists',
  69: 'schema',
};

export class DirectoryWriter {
  #connection: ControllerConnection;
  readonly #password: string;
  readonly #controller: ControllerOptions;
  /** The account that writes, as it was given. */
  readonly account: string;

  private constructor(
    connection: ControllerConnection,
    controller: ControllerOptions,
    account: string,
    password: string,
  ) {
    this.#connection = connection;
    this.#controller = controller;
    this.#password = password;
    this.account = account;
  }

  /** Binds to one controller. Throws DirectoryError `unreachable` or `service-account-rejected`. */
  static async open(controller: ControllerOptions, account: string, password: string): Promise<DirectoryWriter> {
    const connection = await bound(controller, account, password);
    return new DirectoryWriter(connection, controller, account, password);
  }

  get url(): string {
    return this.#controller.url;
  }

  /** A new connection to the same controller, after the old one broke. Throws as `open` does. */
  async reconnect(): Promise<void> {
    this.#connection.close();
    this.#connection = await bound(this.#controller, this.account, this.#password);
  }

  /** Makes one change. Never rejects for what the directory answers. */
  async apply(change: GuardedChange): Promise<WriteOutcome> {
    try {
      if (change.change === 'delete') {
        const found = await this.readWritable(change.dn);
        if (found && !isAsExpected(change.expects, found)) {
          return { outcome: 'failed', refusal: 'lost-race', message: 'the entry is no longer as it was read' };
        }
      }
      await send(this.#connection.client, change);
      return { outcome: 'done' };
    } catch (error) {
      if (!(error instanceof ResultCodeError)) {
        return { outcome: 'failed', refusal: 'unknown', message: failureText(error) };
      }
      const refusal = error instanceof InsufficientAccessError ? 'missing-right' : refusalOf(error.code, change);
      return { outcome: 'failed', refusal, message: failureText(error) };
    }
  }

  /** Whether the entry stands as a change would leave it; a new entry may have more than was asked for. */
  async stands(change: GuardedChange): Promise<boolean> {
    if (change.change === 'delete') return (await this.readWritable(change.dn)) === undefined;
    if (change.change === 'modrdn') {
      const name = nameAfter(change);
      const after = await this.read(name, ['cn']);
      // Where only letters change between upper and lower case both names lead to the entry, and its own spelling tells.
      if (after === undefined || ownName(after.dn) !== ownName(name)) return false;
      return sameDn(parseDn(name), parseDn(change.dn)) || (await this.read(change.dn, ['cn'])) === undefined;
    }
    if (change.change === 'add') {
      const found = await this.readWritable(change.dn);
      return found !== undefined && hasExpected(change.attributes, found);
    }
    const names = change.modifications.map(({ name }) => name);
    const entry = await this.read(change.dn, names, names);
    if (!entry) return false;
    const added = new Set(change.modifications.filter((one) => one.operation === 'add').map(({ name }) => name));
    return change.modifications.every(({ operation, name, values }) => {
      const present = entry.manyBytes(name);
      if (operation === 'delete' && isSingleValued(name) && !added.has(name)) return present.length === 0;
      return values.every((value) => present.some((one) => one.equals(value)) === (operation === 'add'));
    });
  }

  search(request: SearchRequest): Promise<EntryReader[]> {
    return searchOn(this.#connection.client, request);
  }

  /** The named attributes of an entry as they stand on this controller; undefined when there is no such entry. */
  async read(
    dn: string,
    attributes: readonly string[],
    binaryAttributes: readonly string[] = [],
  ): Promise<EntryReader | undefined> {
    try {
      const filter = new PresenceFilter({ attribute: 'objectClass' });
      const [entry] = await this.search({ base: dn, scope: 'base', filter, attributes, binaryAttributes });
      return entry;
    } catch (error) {
      if (error instanceof ResultCodeError && error.code === 32) return undefined;
      throw error;
    }
  }

  /** Everything of an entry that a person or program wrote, as bytes; undefined when there is no such entry. */
  async readWritable(dn: string): Promise<readonly LdifAttribute[] | undefined> {
    // Databases list every mailbox in a back link that comes with `*`: names first, then the wanted values alone.
    const names = (await this.read(dn, ['*']))?.names.filter(isWritable);
    if (!names) return undefined;
    const entry = await this.read(dn, names, names);
    return entry && names.map((name) => ({ name, values: entry.manyBytes(name) }));
  }

  close(): void {
    this.#connection.close();
  }
}

/** A new entry has no values that somebody could have changed: there the codes of a lost race mean an attribute the schema lacks. */
function refusalOf(code: number, { change }: GuardedChange): WriteRefusal {
  const refusal = REFUSALS[code] ?? 'refused';
  return refusal === 'lost-race' && change !== 'modify' ? 'schema' : refusal;
}

async function bound(controller: ControllerOptions, account: string, password: string): Promise<ControllerConnection> {
  const connection = new ControllerConnection(controller);
  try {
    await connection.bind(account, password);
    return connection;
  } catch (error) {
    connection.close();
    if (error instanceof DirectoryError) throw error;
    const reason = rejectedReason(error);
    if (reason !== undefined) {
      const why = `binding to ${controller.url} as ${account} was refused (${explainBindCode(reason)}): check the name and the password`;
      throw new DirectoryError('service-account-rejected', why, { cause: error });
    }
    throw new DirectoryError('unreachable', `connecting to ${controller.url}: ${failureText(error)}`, { cause: error });
  }
}

async function send(client: Client, change: GuardedChange): Promise<void> {
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
      return client.modifyDN(change.dn, change.newRdn);
  }
}

function toAttribute({ name, values }: LdifAttribute): Attribute {
  return new Attribute({ type: name, values: [...values] });
}
