// An answer kept in a file instead of the network: the local XML of discovery's last step, and what a migrator run is given when no
// service can be asked. Either dialect, in any encoding XML allows.
import { dialectOf, readServiceAnswer, type ServiceAnswer } from './service-answer.ts';

/** Reads a stored answer. What is no Autodiscover answer comes back as `malformed` with the reason; nothing is thrown. */
export function readSavedResponse(body: Uint8Array): ServiceAnswer {
  return readServiceAnswer(dialectOf(body) ?? 'pox', body);
}
