// Many cases at a time against one listener, and what was wrong with the answers.
import { exchange, type HostileCase, type Received, type Way } from './raw.ts';

const TIMEOUT_MS = 30_000;

/** What is wrong with an answer; undefined when nothing is. */
function judge(one: HostileCase, { status, says }: Received): string | undefined {
  if (status.join() !== one.status.join()) return `${one.name}: status [${status}], expected [${one.status}]; ${says}`;
  return says === one.says ? undefined : `${one.name}: says ${says}, expected ${one.says}`;
}

/** Sends the cases, `together` at a time; one line for each that was answered otherwise than it should be. */
export async function run(way: Way, cases: readonly HostileCase[], together: number): Promise<string[]> {
  const wrong: string[] = [];
  let next = 0;
  const worker = async () => {
    while (next < cases.length) {
      const one = cases[next++] as HostileCase;
      const received = await exchange(way, one, TIMEOUT_MS).catch((error: Error) => error);
      const fault = received instanceof Error ? received.message : judge(one, received);
      if (fault !== undefined) wrong.push(fault);
    }
  };
  await Promise.all(Array.from({ length: together }, worker));
  return wrong;
}
