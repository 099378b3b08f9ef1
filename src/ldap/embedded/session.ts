// One client's session: who is bound, which paged searches are open, and the answer to each request. No sockets here: a
// request goes in, encoded answers come out.
import { authorizationName, simpleBind } from './bind.ts';
import { OID, rootDse } from './contexts.ts';
import type { Entry } from './entry.ts';
import { lie, strikes } from './faults.ts';
import type { Filter } from './filter.ts';
import { PagedSearches } from './paging.ts';
import { ProtocolFault } from './protocol-fault.ts';
import { type Control, decodePaging, type Message, type Request, type SearchRequest } from './request.ts';
import { type AnswerExtras, encodeEntry, encodeOutcome, encodeReference } from './response.ts';
import { type Outcome, RESULT, refused, SUCCESS } from './result.ts';
import { findEntries } from './search.ts';
import { readSelection, selectAttributes } from './selection.ts';
import type { Service } from './service.ts';
import { applyWrite, compareValue } from './write.ts';

export class Session {
  /** Set by the connection when TLS is on. */
  secure: boolean;
  private account: Entry | undefined;
  private readonly service: Service;
  private readonly paged: PagedSearches;

  constructor(service: Service, secure: boolean) {
    this.service = service;
    this.secure = secure;
    this.paged = new PagedSearches(service.limits.maxPagedSearches);
  }

  get isBound(): boolean {
    return this.account !== undefined;
  }

  /** The encoded answers to one request, in order. Unbind, abandon and StartTLS are the connection's business. */
  *answer({ id, tag, request, controls }: Message): Generator<Buffer> {
    const finish = function* (outcome: Outcome, extras?: AnswerExtras): Generator<Buffer> {
      const encoded = encodeOutcome(id, tag, outcome, extras);
      if (encoded) yield encoded;
    };
    if (request instanceof ProtocolFault) {
      this.service.stats.protocolErrors += 1;
      yield* finish(refused('protocolError', request.message));
      return;
    }
    const { faults } = this.service;
    if (faults.result && strikes(faults, request.op)) {
      yield* finish(lie(faults.result));
      return;
    }
    const unknown = controls.find(
      ({ oid, critical }) => critical && !(oid === OID.pagedResults && request.op === 'search'),
    );
    if (unknown) {
      yield* finish(refused('unavailableCriticalExtension', `control ${unknown.oid} is not supported here`));
      return;
    }
    if (request.op === 'search') yield* this.search(id, request, controls, finish);
    else yield* finish(...this.perform(request));
  }

  private perform(request: Exclude<Request, SearchRequest>): [Outcome, AnswerExtras?] {
    switch (request.op) {
      case 'bind':
        return [this.bind(request)];
      case 'extended':
        return this.extended(request.oid);
      case 'unbind':
      case 'abandon':
        return [SUCCESS];
      case 'compare':
        return [this.account ? compareValue(this.service, this.account, request) : NOT_BOUND];
      default: {
        if (!this.account) return [NOT_BOUND];
        this.service.stats.writes += 1;
        return [applyWrite(this.service, this.account, request)];
      }
    }
  }

  private bind({ version, name, password }: Extract<Request, { op: 'bind' }>): Outcome {
    const { service } = this;
    service.stats.binds += 1;
    // A failed bind leaves the connection anonymous (RFC 4511 4.2.1).
    this.account = undefined;
    this.paged.clear();
    const { outcome, account } = this.checkBind(version, name, password);
    if (outcome.code !== RESULT.success) service.stats.failedBinds += 1;
    this.account = account;
    return outcome;
  }

  private checkBind(
    version: number,
    name: string,
    password: Buffer | undefined,
  ): { outcome: Outcome; account?: Entry } {
    if (version !== 3) return { outcome: refused('protocolError', `LDAP version ${version} is not spoken here`) };
    if (password === undefined)
      return { outcome: refused('authMethodNotSupported', 'only simple binds are supported') };
    if (this.service.requireTls && !this.secure && name !== '') {
      return { outcome: refused('strongerAuthRequired', 'simple binds need TLS on this server') };
    }
    return simpleBind(this.service, name, password);
  }

  private extended(oid: string): [Outcome, AnswerExtras?] {
    if (oid === OID.whoAmI) {
      return [SUCCESS, { extendedValue: this.account ? authorizationName(this.service, this.account) : '' }];
    }
    return [refused('protocolError', `extended operation ${oid} is not supported`)];
  }

  private *search(
    id: number,
    request: SearchRequest,
    controls: readonly Control[],
    finish: (outcome: Outcome, extras?: AnswerExtras) => Generator<Buffer>,
  ): Generator<Buffer> {
    const { service } = this;
    service.stats.searches += 1;
    if (request.base === '' && request.scope === 'base') {
      if (selectsRootDse(request.filter)) yield this.rootDse(id, request);
      yield* finish(SUCCESS);
      return;
    }
    if (!this.account) {
      yield* finish(NOT_BOUND);
      return;
    }
    const control = controls.find(({ oid }) => oid === OID.pagedResults);
    const page = control ? readPage(control) : undefined;
    if (page instanceof ProtocolFault) {
      yield* finish(refused('protocolError', page.message));
      return;
    }
    const found = this.paged.open(request, page, () =>
      findEntries(service, service.search, request, this.account as Entry),
    );
    if ('code' in found) {
      yield* finish(found, page ? { pagingCookie: EMPTY } : {});
      return;
    }
    const selection = readSelection(request.attributes);
    const options = { typesOnly: request.typesOnly, maxValues: service.limits.maxValRange };
    const turn = this.paged.take(found, request, page, service.limits.maxPageSize);
    for (const entry of turn.entries()) {
      const answer = found.withoutAttributes
        ? { dn: entry.dn, attributes: [] }
        : selectAttributes(service.store, entry, selection, options);
      yield encodeEntry(id, answer);
    }
    for (const url of turn.references()) yield encodeReference(id, [url]);
    yield* finish(turn.outcome(), page ? { pagingCookie: turn.cookie() } : {});
  }

  private rootDse(id: number, request: SearchRequest): Buffer {
    const { store, contexts, now, startTls } = this.service;
    const wanted = new Set(request.attributes.map((name) => name.toLowerCase()));
    const every = wanted.size === 0 || wanted.has('*') || wanted.has('+');
    const attributes = rootDse(store, contexts, { startTls, now: now() })
      .filter(([name]) => every || wanted.has(name.toLowerCase()))
      .map(([name, values]) => [name, request.typesOnly ? [] : values] as const);
    return encodeEntry(id, { dn: '', attributes });
  }
}

const EMPTY = Buffer.alloc(0);

const NOT_BOUND = refused(
  'operationsError',
  '000004DC: LdapErr: DSID-0C090748, comment: a bind must succeed on this connection before this operation',
);

/** The root DSE has no objectClass to speak of: clients ask for it by presence, or not at all. */
function selectsRootDse(filter: Filter): boolean {
  return filter.kind === 'present' && filter.attribute === 'objectclass';
}

function readPage({ value }: Control): { size: number; cookie: Buffer } | ProtocolFault {
  try {
    return decodePaging(value);
  } catch (error) {
    return error instanceof ProtocolFault
      ? error
      : new ProtocolFault('the paged results control cannot be read', { cause: error });
  }
}
