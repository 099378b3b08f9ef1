// A steady mixed load for a long time, and whether the service's memory grows under it: judged by the slope of the used heap after garbage
// collection in the second half, when everything that is bounded has reached its bound.

import { CORES } from './children.ts';
import type { Memory } from './measured.ts';
import type { BenchOptions } from './options.ts';
import type { SoakCounts } from './soak-load.ts';
import { SOAK_USERS } from './soak-mix.ts';
import { slope } from './statistics.ts';
import { type Column, mebibytes, printHeader, printLine, printRow, printTitle } from './table.ts';
import { Workshop } from './workshop.ts';

const SAMPLE_MS = 10_000;
const PER_SECOND = 150;
const MIB = 1_048_576;
/** Growth is certain when the slope is above this, in MiB an hour, by three standard errors. */
const TOLERATED = 1;
const SURE = 3;
/** What is remembered of credentials and failures is forgotten within ten minutes. */
const LEAST_MS = 20 * 60_000;
const COLUMNS: readonly Column[] = [
  { title: 'minute', width: 8 },
  { title: 'requests', width: 10 },
  { title: 'wrong', width: 7 },
  { title: 'not sent', width: 10 },
  { title: 'heap', width: 10 },
  { title: 'external', width: 10 },
  { title: 'resident', width: 10 },
];

interface Sample extends Memory {
  /** Hours since the start. */
  readonly hours: number;
}

export async function run(options: BenchOptions): Promise<unknown> {
  return Workshop.use(options, async (workshop) => {
    const directory = await workshop.startDirectory(SOAK_USERS);
    // All requests come from one address here: its budget of failures would hold everybody back.
    const service = await workshop.startService(directory.ready.ldaps, 'default', {
      nodeArguments: ['--expose-gc'],
      config: { authentication: { failures: { perAddress: 0, total: 0 } } },
    });
    const load = await workshop.startChild({
      program: new URL('./soak-load.ts', import.meta.url),
      options: { ...workshop.files, port: service.ready.port, perSecond: PER_SECOND },
      core: CORES.around,
    });
    printTitle(
      `Soak: ${options.minutes} minutes, ${PER_SECOND} requests a second; memory after garbage collection, every 10 s`,
    );
    printHeader(COLUMNS);
    const began = performance.now();
    const samples: Sample[] = [];
    const totals = { requests: 0, wrong: 0, byKind: {} as Record<string, number> };
    let minute = { requests: 0, wrong: 0, skipped: 0 };
    for (let next = 1; next * SAMPLE_MS <= options.minutes * 60_000; next++) {
      await new Promise((resolve) => setTimeout(resolve, began + next * SAMPLE_MS - performance.now()));
      const memory = await service.ask<Memory>('memory');
      const counts = await load.ask<SoakCounts>('counts');
      samples.push({ ...memory, hours: (performance.now() - began) / 3_600_000 });
      for (const [kind, count] of Object.entries(counts.done)) {
        totals.byKind[kind] = (totals.byKind[kind] ?? 0) + count;
        minute.requests += count;
      }
      minute.wrong += counts.wrong;
      minute.skipped += counts.skipped;
      for (const example of counts.examples) printLine(`  wrong answer: ${example}`);
      if ((next * SAMPLE_MS) % 60_000 !== 0 && (next + 1) * SAMPLE_MS <= options.minutes * 60_000) continue;
      printMinute((next * SAMPLE_MS) / 60_000, minute, memory);
      totals.requests += minute.requests;
      totals.wrong += minute.wrong;
      minute = { requests: 0, wrong: 0, skipped: 0 };
    }
    await workshop.stop(load);
    const verdict = judge(samples);
    printLine(
      Object.entries(totals.byKind)
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', '),
    );
    if (totals.wrong > 0 || verdict?.grows) process.exitCode = 1;
    return { ...totals, verdict, samples };
  });
}

function printMinute(
  minutes: number,
  { requests, wrong, skipped }: { requests: number; wrong: number; skipped: number },
  { heapUsed, external, resident }: Memory,
): void {
  const tenths = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  printRow(COLUMNS, [
    minutes.toFixed(minutes % 1 === 0 ? 0 : 1),
    String(requests),
    String(wrong),
    String(skipped),
    tenths(heapUsed),
    tenths(external),
    mebibytes(resident),
  ]);
}

interface Verdict {
  readonly grows: boolean;
  /** MiB an hour, with their standard errors. */
  readonly heap: { readonly slope: number; readonly error: number };
  readonly resident: { readonly slope: number; readonly error: number };
}

function judge(samples: readonly Sample[]): Verdict | undefined {
  const half = samples.slice(samples.length >> 1);
  if (samples.length * SAMPLE_MS < LEAST_MS) {
    printLine(`too short to judge: what is bounded still fills; give --minutes ${LEAST_MS / 60_000} or more`);
    return undefined;
  }
  const of = (bytes: (sample: Sample) => number) =>
    slope(half.map((sample) => ({ x: sample.hours, y: bytes(sample) / MIB })));
  const [heap, resident] = [of(({ heapUsed }) => heapUsed), of((sample) => sample.resident)];
  const grows = heap.slope - SURE * heap.error > TOLERATED;
  const words = ({ slope: rise, error }: { slope: number; error: number }) =>
    `${rise.toFixed(2)} ± ${error.toFixed(2)} MiB/h`;
  printLine(`second half: heap ${words(heap)}, resident ${words(resident)}`);
  printLine(
    grows
      ? `GROWS: the heap's slope is above ${TOLERATED} MiB/h by more than ${SURE} standard errors`
      : `no growth: the heap's slope is not above ${TOLERATED} MiB/h by ${SURE} standard errors`,
  );
  return { grows, heap, resident };
}
