// Subjects measured in turns, A B, B A, A B ...: whatever else happens on the machine happens to all of them.

import type { Profiler } from 'node:inspector';
import type { Load, LoadResult, Run } from './load.ts';
import { USERS_OF } from './requests.ts';
import type { MeasuredServer, Workshop } from './workshop.ts';

export interface Subject {
  readonly name: string;
  readonly server: MeasuredServer;
  readonly load: Load;
  /** Requests before anything counts, so that what may be remembered is. */
  readonly prime?: number;
}

export interface Round {
  /** CPU time of the measured process for each user asked for, in microseconds. */
  readonly cpuMicros: number;
  readonly load: LoadResult;
}

export interface RoundPlan {
  readonly rounds: number;
  readonly milliseconds: number;
  readonly warmUpMs: number;
}

export interface Measured {
  readonly subject: Subject;
  readonly rounds: readonly Round[];
  readonly profile?: Profiler.Profile;
}

/** Measures every subject in every round. A wrong answer is counted, not thrown. */
export async function measureInTurns(
  { generator }: Workshop,
  subjects: readonly Subject[],
  plan: RoundPlan,
  profile: boolean,
): Promise<Measured[]> {
  const measured = subjects.map((subject) => ({ subject, rounds: [] as Round[], from: 0 }));
  const drive = async (one: (typeof measured)[number], until: Run['until']): Promise<LoadResult> => {
    const { server, load } = one.subject;
    const run: Run = { port: server.ready.port, load, from: one.from, until };
    const result = await generator.ask<LoadResult>('run', run);
    one.from += result.requests;
    return result;
  };
  for (const one of measured) {
    const { prime = 0 } = one.subject;
    if (prime > 0) await drive(one, { requests: prime });
    const { errors, examples } = await drive(one, { requests: WARM_UP_REQUESTS, milliseconds: plan.warmUpMs });
    if (errors > 0) throw new Error(`${one.subject.name}: ${errors} errors while warming up: ${examples.join('; ')}`);
  }
  for (let round = 0; round < plan.rounds; round++) {
    for (const one of round % 2 === 0 ? measured : measured.toReversed()) {
      await one.subject.server.ask('start');
      const load = await drive(one, { milliseconds: plan.milliseconds });
      const cpu = await one.subject.server.ask<number>('stop');
      one.rounds.push({ cpuMicros: cpu / (load.requests * USERS_OF[one.subject.load.dialect]), load });
    }
  }
  if (!profile) return measured;
  const profiled: Measured[] = [];
  for (const one of measured) {
    await one.subject.server.ask('startProfile');
    await drive(one, { milliseconds: PROFILE_MS });
    const taken = await one.subject.server.ask<Profiler.Profile>('stopProfile');
    profiled.push({ subject: one.subject, rounds: one.rounds, profile: taken });
  }
  return profiled;
}

const PROFILE_MS = 4000;
/** Enough for the compiler to have seen all it will see. */
const WARM_UP_REQUESTS = 4000;
