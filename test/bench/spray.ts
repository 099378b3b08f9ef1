// A million distinct names from as many addresses against all that is kept of a failure: the counts, and the credentials that are refused
// again without asking. What it costs a name, and what memory it takes. Run it with --expose-gc for exact figures of the heap.

import { MAX_CREDENTIALS } from '../../src/autodiscover/commands/authentication.ts';
import { CredentialCache } from '../../src/autodiscover/server/authentication/credential-cache.ts';
import { LogonGuard } from '../../src/autodiscover/server/authentication/logon-guard.ts';
import type { BenchOptions } from './options.ts';

const STEP = 250_000;

export async function run({ quick }: BenchOptions): Promise<void> {
  const names = quick ? STEP : 4 * STEP;
  const guard = new LogonGuard({
    perName: 5,
    perAddress: 100,
    total: 1_000_000_000,
    windowMs: 86_400_000,
    sharedBy: 1,
    exempt: () => false,
    checks: { running: 64, waiting: 1000, waitMs: 1000 },
    now: () => performance.now(),
  });
  const cache = new CredentialCache<'refused'>({
    acceptedMs: 120_000,
    rejectedMs: 86_400_000,
    maxEntries: MAX_CREDENTIALS,
    now: () => performance.now(),
  });
  guard.useLockoutPolicy({ threshold: 10, observationMs: 86_400_000 });
  process.stdout.write('\nFailures of distinct names, each from an address and at an account of its own\n');
  process.stdout.write(
    `${'names'.padStart(10)}${'us/name'.padStart(10)}${'counted'.padStart(10)}${'refused'.padStart(10)}${'heap'.padStart(10)}\n`,
  );
  line(0, 0, guard, cache);
  for (let done = 0; done < names; ) {
    const { user } = process.cpuUsage();
    for (const end = done + STEP; done < end; done++) await failure(guard, cache, done);
    line(done, (process.cpuUsage().user - user) / STEP, guard, cache);
  }
}

async function failure(guard: LogonGuard, cache: CredentialCache<'refused'>, n: number): Promise<void> {
  const [name, address] = [`name${n}`, `2001:db8:${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`];
  if (guard.refusal(name, address)) return;
  const check = async (): Promise<'refused'> => {
    const attempt = await guard.beginName(name, address);
    if ('refusal' in attempt) return 'refused';
    const atAccount = await guard.beginAccount(`CN=${name},OU=Staff,DC=contoso,DC=test`, name, address);
    atAccount?.settle('failed');
    attempt.settle('failed');
    return 'refused';
  };
  await cache.check(name, 'a wrong password', check, () => 'rejected');
}

function line(done: number, micros: number, guard: LogonGuard, cache: CredentialCache<'refused'>): void {
  (globalThis as { gc?: () => void }).gc?.();
  const { names, accounts, addresses } = guard.sizes;
  const heap = `${(process.memoryUsage().heapUsed / 1_048_576).toFixed(0)} MiB`;
  const cells = [String(done), micros.toFixed(1), String(names + accounts + addresses), String(cache.size), heap];
  process.stdout.write(`${cells.map((cell) => cell.padStart(10)).join('')}\n`);
}
