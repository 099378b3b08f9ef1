// Reads a CPU profile of V8: the functions in which the time went, the most first.

import type { Profiler } from 'node:inspector';
import { sep } from 'node:path';

export interface Hot {
  /** Share of the time in which the process was busy. */
  readonly share: number;
  /** `function file:line`. */
  readonly what: string;
}

const IDLE = new Set(['(idle)', '(root)']);

/** The functions by their own time, without what they call. */
export function hottest(profile: Profiler.Profile, count: number): Hot[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [at, id] of (profile.samples ?? []).entries()) {
    const name = names.get(id) ?? '?';
    const micros = profile.timeDeltas?.[at] ?? 0;
    if (IDLE.has(name)) continue;
    busy += micros;
    times.set(name, (times.get(name) ?? 0) + micros);
  }
  return [...times]
    .map(([what, micros]) => ({ share: busy === 0 ? 0 : micros / busy, what }))
    .sort((a, b) => b.share - a.share)
    .slice(0, count);
}

function nameOf({ functionName, url, lineNumber }: Profiler.ProfileNode['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  // From the package or the source folder on; the rest says only where the project lies.
  const file = url
    .replace(/^file:\/\//, '')
    .replace(new RegExp(`^.*\\${sep}(?=node_modules|src\\${sep}|test\\${sep})`), '');
  return `${name} ${file}:${lineNumber + 1}`;
}
