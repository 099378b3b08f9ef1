// Stands in for reg.exe: carries out edits on a "registry" that is a file of JSON, value by value and slowly, as a process of its
// own that goes on when the program that started it is killed. It can also misbehave. It imports nothing of the project.
// Arguments: registry file, file of edits, milliseconds between values, behaviour.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export type Behaviour = 'works' | 'lies' | 'denies' | 'stops half-way' | 'garbles';

/** Key path and value name, tab between them, to type and hexadecimal data; a name of null makes the key exist. */
export type RegistryFile = { root: string; values: [key: string, name: string | null, type: number, data: string][] };
export type EditFile = [key: string, name: string, value: [type: number, data: string] | null][];

const [registry = '', edits = '', delay = '0', behaviour = 'works'] = process.argv.slice(2);
const steps = JSON.parse(readFileSync(edits, 'utf8')) as EditFile;

if (behaviour === 'denies') process.exit(1);
for (const [i, [key, name, value]] of steps.entries()) {
  if (behaviour === 'stops half-way' && i >= steps.length / 2) process.exit(1);
  if (behaviour === 'lies' && i % 2 === 1) continue; // skips a line and reports success
  set(key, name, behaviour === 'garbles' && i === 1 ? [3, 'dead'] : value);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(delay));
}

function set(key: string, name: string, value: [number, string] | null): void {
  const content = JSON.parse(readFileSync(registry, 'utf8')) as RegistryFile;
  const at = content.values.findIndex(([k, n]) => k === key && n === name);
  if (at >= 0) content.values.splice(at, 1);
  if (value) content.values.push([key, name, ...value]);
  const beside = `${registry}.${process.pid}`;
  writeFileSync(beside, JSON.stringify(content));
  renameSync(beside, registry);
}
