// Killed at every step: apply and rollback get SIGKILL at each step of the protocol, around each call of reg.exe, and at random moments,
// over a reg.exe that is fast, slow or lying. After the next run every profile is wholly old or wholly new, and a rollback brings the
// original bytes. CRASH_KILLS sets the number of random kills.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CrashLab, type Experiment, type Finding, type Kill } from '../helpers/crash.ts';
import type { FakeBehaviour } from '../helpers/fake-reg.ts';
import { sampleRegFile } from '../helpers/sample-profile.ts';

const RANDOM_KILLS = Number(process.env.CRASH_KILLS ?? 30);
const SEED = Number(process.env.CRASH_SEED ?? 20100412);
/** Experiments side by side: they mostly wait. */
const PARALLEL = 4;

const STEPS = [
  'loaded',
  'files-written',
  'journal-prepared',
  'values-checked',
  'journal-importing',
  'child-journalled',
  'imported',
  'verified',
  'result-written',
  'journal-removed',
];
/** Only passed when the import did not do what was planned. */
const UNDO_STEPS = ['journal-undoing', 'undone'];
/** Of reg.exe and tasklist.exe in one command, about. */
const CALLS = 24;

const slow: FakeBehaviour = { importDelayMs: 15 };
/** As long as a pause of the protocol, which is shortened here: two exports may look the same in between. */
const verySlow: FakeBehaviour = { importDelayMs: 250 };
const partial: FakeBehaviour = { importLies: 4 };

/** Park-Miller: the same kills for the same seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed % 2147483647 || 1;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return Math.floor((state / 2147483647) * below);
  };
}

function everyStep(): Experiment[] {
  const step = (name: string, occurrence = 1): Kill => ({ at: 'step', name, occurrence });
  const both = ['apply', 'rollback'] as const;
  return both.flatMap((killed) => [
    ...STEPS.flatMap((name) => both.map((next) => ({ killed, kill: step(name), next, behaviour: slow }))),
    ...UNDO_STEPS.flatMap((name) => both.map((next) => ({ killed, kill: step(name), next, behaviour: partial }))),
    // The second import is the one that takes the first one back.
    { killed, kill: step('child-journalled', 2), next: killed, behaviour: partial },
  ]);
}

function aroundCalls(): Experiment[] {
  return (['apply', 'rollback'] as const).flatMap((killed) => [
    ...Array.from({ length: CALLS / 2 }, (_, index): Experiment => {
      const fault = { at: index % 2 === 0 ? 'before' : 'after', call: 1 + index * 2 } as const;
      return { killed, kill: { at: 'fault', fault }, next: killed, behaviour: slow };
    }),
    ...(['apply', 'rollback'] as const).map((next): Experiment => {
      return { killed, kill: { at: 'fault', fault: { at: 'import-started', import: 1 } }, next, behaviour: slow };
    }),
    // The second import is the one that takes the first one back.
    { killed, kill: { at: 'fault', fault: { at: 'import-started', import: 2 } }, next: killed, behaviour: partial },
  ]);
}

function unnoted(): Experiment[] {
  const kill: Kill = { at: 'fault', fault: { at: 'import-started', import: 1 } };
  return (['apply', 'rollback'] as const).flatMap((killed) =>
    (['apply', 'rollback'] as const).map((next) => ({ killed, kill, next, behaviour: verySlow })),
  );
}

function randomMoments(): Experiment[] {
  const random = randomNumbers(SEED);
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T;
  return Array.from({ length: RANDOM_KILLS }, () => ({
    killed: pick(['apply', 'rollback'] as const),
    kill: { at: 'time' as const, part: 0.2 + random(1300) / 1000 },
    next: pick(['apply', 'rollback'] as const),
    behaviour: pick([slow, { importDelayMs: 40 }, {}]),
  }));
}

describe('killed at every step', () => {
  let lab: CrashLab;
  before(async () => {
    const root = 'HKEY_CURRENT_USER';
    lab = await CrashLab.open(
      sampleRegFile([
        { root, outlook: '2010', profile: 'Outlook', server: 'CAS01', alias: 'anna' },
        { root, outlook: '2016', profile: 'Jürgens Profil', server: 'CAS02', alias: 'juergen' },
      ]),
    );
  });
  after(() => lab?.close());

  async function all(experiments: readonly Experiment[]): Promise<Finding[]> {
    const findings: Finding[] = [];
    const waiting = [...experiments];
    const worker = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        try {
          findings.push(await lab.experiment(next));
        } catch (error) {
          throw new Error(`${JSON.stringify(next)}: ${(error as Error).message}`, { cause: error });
        }
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    return findings;
  }

  const tell = (findings: readonly Finding[]) => {
    const kills = findings.filter(({ killed }) => killed);
    const count = (state: Finding['stateAfterKill']) =>
      kills.filter((finding) => finding.stateAfterKill === state).length;
    return `${kills.length} kills survived: left ${count('old')} old, ${count('mixed')} mixed, ${count('new')} new`;
  };

  test('each step of the protocol', async (t) => {
    const findings = await all(everyStep());
    t.diagnostic(tell(findings));
    assert.ok(
      findings.every(({ killed }) => killed),
      'a step was never reached',
    );
    assert.ok(
      findings.some(({ stateAfterKill }) => stateAfterKill === 'mixed'),
      'no kill left a profile mixed',
    );
  });

  test('around the calls of reg.exe, and as soon as an import runs', async (t) => {
    t.diagnostic(tell(await all(aroundCalls())));
  });

  test('an import nobody noted, slower than the pauses', async (t) => {
    const findings = await all(unnoted());
    t.diagnostic(tell(findings));
    assert.ok(findings.every(({ killed }) => killed));
  });

  test('random moments', async (t) => {
    const findings = await all(randomMoments());
    t.diagnostic(`seed ${SEED}, ${findings.length} runs: ${tell(findings)}`);
    assert.ok(
      findings.some(({ killed }) => killed),
      'nothing was killed',
    );
  });
});
