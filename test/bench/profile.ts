// Reads a CPU profile of V8: where the time went, the most first.

import type { Profiler } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { printLine } from './table.ts';

export interface Hot {
  /** Share of the time in which the process was busy. */
  readonly share: number;
  readonly what: string;
}

type Frame = Profiler.ProfileNode['callFrame'];

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What is no work, or only the profiler's own. */
const LEFT_OUT = new Set(['(idle)', '(root)', 'post node:inspector']);
const FUNCTIONS = 20;
const GROUPS = 15;

/** Time of functions, or of what `nameOf` makes of them, without what they call. */
export function hottest(profile: Profiler.Profile, nameOf: (frame: Frame) => string, count: number): Hot[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [at, id] of (profile.samples ?? []).entries()) {
    const frame = frames.get(id);
    const micros = profile.timeDeltas?.[at] ?? 0;
    if (!frame || LEFT_OUT.has(frame.functionName) || LEFT_OUT.has(`${frame.functionName} ${frame.url}`)) continue;
    const name = nameOf(frame);
    busy += micros;
    times.set(name, (times.get(name) ?? 0) + micros);
  }
  return [...times]
    .map(([what, micros]) => ({ share: busy === 0 ? 0 : micros / busy, what }))
    .sort((a, b) => b.share - a.share)
    .slice(0, count);
}

/** `function file:line`. */
export function functionName({ functionName: name, url, lineNumber }: Frame): string {
  const own = name === '' ? '(anonymous)' : name;
  return url === '' ? own : `${own} ${fileOf(url)}:${lineNumber + 1}`;
}

/** A package, a file of this project, a module of Node, or what V8 and Node do in native code. */
export function groupName({ functionName: name, url }: Frame): string {
  if (url === '') return name.startsWith('(') ? name : '(native functions)';
  const file = fileOf(url);
  return /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[0] ?? file;
}

function fileOf(url: string): string {
  const path = url.replace(/^file:\/\//, '');
  return path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
}

export function printProfile(name: string, profile: Profiler.Profile): void {
  const print = (title: string, rows: readonly Hot[]) => {
    printLine(`${name}, ${title}:`);
    for (const { share, what } of rows) printLine(`  ${(share * 100).toFixed(1).padStart(5)} %  ${what}`);
  };
  print('own time of functions', hottest(profile, functionName, FUNCTIONS));
  print('own time of files and packages', hottest(profile, groupName, GROUPS));
}
