// Expect: 100-continue (RFC 9110 10.1.1). Left to itself node:http invites every body as soon as the headers are there; here the one who
// is about to read it does, so that nobody sends a body that is refused.

import type { IncomingMessage, ServerResponse } from 'node:http';

const AWAITED = Symbol('100-continue is awaited');

type Waiting = IncomingMessage & { [AWAITED]?: boolean };

/** For a server's `checkContinue`. */
export function noteAwaitedContinue(request: Waiting): void {
  request[AWAITED] = true;
}

/** Tells a client that waits for it to send the body. An answer without this ends the connection. */
export function inviteBody(request: Waiting, response: ServerResponse): void {
  if (!request[AWAITED]) return;
  request[AWAITED] = false;
  response.writeContinue();
}
