// Has one domain controller look something up, on a connection of its own, and takes the time: for checks, not for requests.

import { type ControllerOptions, failureText } from './controller.ts';
import { type SearchRequest, searchOn } from './search.ts';
import type { ServiceAccount } from './service-account.ts';

/** A controller, asked now: why it does not answer, or how many milliseconds a look-up typically takes there (the median of a few). */
export type ControllerCheck =
  | { readonly url: string; readonly failure: string }
  | { readonly url: string; readonly failure?: undefined; readonly lookUpMs: number };

/** How often a look-up is timed, and milliseconds after which it is not timed again. */
const TIMES = 5;
const ENOUGH_MS = 3_000;

/** Never rejects. Opening the connection does not count in the time. */
export async function checkController(
  controller: ControllerOptions,
  account: ServiceAccount,
  lookUp: SearchRequest,
): Promise<ControllerCheck> {
  const { url } = controller;
  try {
    const connection = await account.open(controller);
    try {
      return { url, lookUpMs: await typicalMs(() => searchOn(connection.client, lookUp)) };
    } finally {
      connection.close();
    }
  } catch (error) {
    return { url, failure: failureText(error) };
  }
}

/** The median of a few runs, one after the other. */
async function typicalMs(run: () => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  const began = performance.now();
  for (let at = began; taken.length < TIMES && at - began < ENOUGH_MS; ) {
    await run();
    const now = performance.now();
    taken.push(now - at);
    at = now;
  }
  return taken.sort((a, b) => a - b)[(taken.length - 1) >> 1] ?? 0;
}
