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

/** One subject's turn in a round. */
export interface Turn {
  /** CPU time of the measured process for each user asked for, in microseconds. */
  readonly cpuMicros: number;
  readonly load: LoadResult;
}

export interface RoundPlan {
  readonly rounds: number;
  readonly milliseconds: number;
  /** The warm-up: for the compiler to see what it will see, but no longer than this. */
  readonly warmUpRequests: number;
  readonly warmUpMs: number;
}

export interface Measured {
  readonly subject: Subject;
  readonly rounds: readonly Turn[];
  readonly profile?: Profiler.Profile;
}

/** One run with the CPU time that the server used for it. */
export async function measureTurn({ generator }: Workshop, server: MeasuredServer, run: Run): Promise<Turn> {
  await server.ask('start');
  const load = await generator.ask<LoadResult>('run', run);
  const cpu = await server.ask<number>('stop');
  return { cpuMicros: cpu / (load.requests * USERS_OF[run.load.dialect]), load };
}

/** Measures every subject in every round. A wrong answer is counted, not thrown. */
export async function measureInTurns(
  workshop: Workshop,
  subjects: readonly Subject[],
  plan: RoundPlan,
  profile: boolean,
): Promise<Measured[]> {
  const measured = subjects.map((subject) => ({ subject, rounds: [] as Turn[], from: 0 }));
  const drive = async (one: (typeof measured)[number], until: Run['until']): Promise<LoadResult> => {
    const { server, load } = one.subject;
    const run: Run = { port: server.ready.port, load, from: one.from, until };
    const result = await workshop.generator.ask<LoadResult>('run', run);
    one.from += result.requests;
    return result;
  };
  for (const one of measured) {
    const { prime = 0 } = one.subject;
    const runs: Run['until'][] = [{ requests: prime }, { requests: plan.warmUpRequests, milliseconds: plan.warmUpMs }];
    for (const until of runs) {
      const { errors, examples } = await drive(one, until);
      if (errors > 0) throw new Error(`${one.subject.name}: ${errors} errors while warming up: ${examples.join('; ')}`);
    }
  }
  for (let round = 0; round < plan.rounds; round++) {
    for (const one of round % 2 === 0 ? measured : measured.toReversed()) {
      const { server, load } = one.subject;
      const until = { milliseconds: plan.milliseconds };
      const turn = await measureTurn(workshop, server, { port: server.ready.port, load, from: one.from, until });
      one.from += turn.load.requests;
      one.rounds.push(turn);
    }
  }
  if (!profile) return measured;
  const profiled: Measured[] = [];
  for (const { subject, rounds, from } of measured) {
    const { server, load } = subject;
    const until = { milliseconds: PROFILE_MS };
    profiled.push({
      subject,
      rounds,
      profile: await profileRun(workshop, server, { port: server.ready.port, load, from, until }),
    });
  }
  return profiled;
}

/** A run that is not measured, with a profile of the server in it. */
export async function profileRun({ generator }: Workshop, server: MeasuredServer, run: Run): Promise<Profiler.Profile> {
  await server.ask('startProfile');
  await generator.ask<LoadResult>('run', run);
  return server.ask<Profiler.Profile>('stopProfile');
}

const PROFILE_MS = 4000;
