// Which request an LDAP operation is for. Handed through the asynchronous context, not through every signature between an HTTP route and
// a connection: nothing in between has a use for it.

import { AsyncLocalStorage } from 'node:async_hooks';

const requests = new AsyncLocalStorage<string>();

/** Runs `work`, and whatever it starts, for the request of this id. */
export function forRequest<T>(id: string, work: () => T): T {
  return requests.run(id, work);
}

/** The id of the request in whose course this runs; undefined outside of any. Work that several requests share is the first one's. */
export function currentRequest(): string | undefined {
  return requests.getStore();
}
