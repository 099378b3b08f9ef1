// The shapes of --json that docs/administration.md prints, compared with what the commands print about the demo.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import type { CommandIo } from '../src/autodiscover/commands/command-io.ts';
import { COMMANDS } from '../src/cli/autodiscover-commands.ts';
import { runCommand } from './autodiscover/commands/run-command.ts';

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'administration.md'), 'utf8');
const section = page.slice(page.indexOf('\n## JSON\n'));
const ROWS = new Map(
  [...section.matchAll(/^\| `?([^|`]+)`?[^|]* \| `(\{[^`]*\})`/gm)].map(([, name = '', shape = '']) => [name, shape]),
);
const folder = mkdtempSync(join(tmpdir(), 'docs-json-'));
after(() => rmSync(folder, { recursive: true }));

type Shape = true | readonly [Shape] | { readonly [name: string]: Shape };

/** `{a, b?: [{c}]}` as a value. */
function shapeOf(text: string): Shape {
  const quoted = text.replace(/(\w+\??)(:?)/g, (_, name: string, colon: string) => `"${name}"${colon || ': true'}`);
  return JSON.parse(quoted) as Shape;
}

/** Where a value has other fields than its shape. */
function differences(shape: Shape, value: unknown, path: string): string[] {
  if (shape === true || value === null) return [];
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((each) => differences(shape[0], each, `${path}[]`));
  }
  const fields = shape as { readonly [name: string]: Shape };
  const names = Object.keys(fields).map((name) => name.replace('?', ''));
  const object = value as Readonly<Record<string, unknown>>;
  return [
    ...Object.keys(object).flatMap((name) => (names.includes(name) ? [] : [`${path}.${name} is not in the page`])),
    ...Object.entries(fields).flatMap(([name, inner]) => {
      const plain = name.replace('?', '');
      if (plain in object) return differences(inner, object[plain], `${path}.${plain}`);
      return plain === name ? [`${path}.${name} is not printed`] : [];
    }),
  ];
}

const DEMO = ['--demo'];
const WORLD = ['--demo', '--certs', folder];
const ARRAY = ['--array', 'outlook-sea.contoso.test'];
const made = join(folder, 'haproxy.cfg');
const CALLS: readonly (readonly [row: string, args: readonly string[]])[] = [
  ['array list', ['array', 'list', ...DEMO]],
  ['database list', ['database', 'list', ...DEMO]],
  ['scp list', ['scp', 'list', ...DEMO]],
  [
    'every change, ',
    ['scp', 'scope', 'SEA-CAS1', '--whole-forest', '--yes', '--undo-file', join(folder, 'u'), ...DEMO],
  ],
  ['explain', ['explain', 'bob@contoso.test', ...DEMO]],
  ['policy --out', ['policy', '--until', '2027-03-31', '--out', join(folder, 'policy.json'), ...DEMO]],
  ['verify', ['verify', 'dave@contoso.test', ...WORLD]],
  ['doctor', ['doctor', '--no-network', ...WORLD]],
  ['doctor --kinds', ['doctor', '--kinds']],
  ['replay', ['replay', ...WORLD]],
  ['replay --rules', ['replay', '--rules']],
  ['balancer haproxy', ['balancer', 'haproxy', ...ARRAY, '--out', made, ...WORLD]],
  ['balancer check', ['balancer', 'check', ...ARRAY, '--haproxy', made, ...WORLD]],
  ['balancer ports', ['balancer', 'ports']],
  ['client-files', ['client-files', '--domain', 'contoso.test', '--out', folder]],
  ['query', ['query', 'alice@contoso.test', '--server', 'https://127.0.0.1:1']],
];
const BUILDERS = new Map(COMMANDS.map((build) => [build({} as CommandIo).name(), build]));

test('every row of the page is looked at', () => {
  const looked = new Set([...CALLS.map(([row]) => row), 'balancer drain']);
  assert.deepEqual(
    [...ROWS.keys()].filter((row) => !looked.has(row)),
    [],
  );
  assert.equal(ROWS.size, looked.size);
});

for (const [row, [name = '', ...args]] of CALLS) {
  test(`--json of ${row.trim()} is as the page prints it`, async () => {
    const build = BUILDERS.get(name) ?? assert.fail(name);
    const { stdout, error } = await runCommand(build, [...args, '--json'], {});
    assert.equal(error, undefined, error?.stack);
    assert.deepEqual(differences(shapeOf(ROWS.get(row) ?? ''), JSON.parse(stdout), row), []);
  });
}
