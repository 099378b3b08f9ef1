// The floors of the house: imports point down, rooms do not reach across, and each third-party package has one importing room.
// ECMAScript modules accept circles and upward arrows silently, so this test reads every import statement under src/.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import test from 'node:test';

const SRC = join(import.meta.dirname, '..', 'src');

/** Rooms, their floor, and which rooms they may import besides their own; `types:` marks rooms open for `import type` only. */
const ROOMS: Record<string, readonly string[]> = {
  ldap: [],
  'ldap/embedded': ['ldap'],
  'autodiscover/settings': ['ldap'],
  'autodiscover/wire': ['autodiscover/settings'],
  'autodiscover/tls': [],
  'autodiscover/client': ['autodiscover/wire', 'autodiscover/settings', 'ldap'],
  'autodiscover/server/authentication': ['ldap'],
  'autodiscover/server': [
    'autodiscover/server/authentication',
    'autodiscover/wire',
    'autodiscover/settings',
    'autodiscover/tls',
    'ldap',
  ],
  autodiscover: ['types:autodiscover/settings'],
  // Several processes of one service; knows what they share, not what they serve.
  'autodiscover/workers': ['autodiscover/server', 'autodiscover/server/authentication', 'ldap'],
  'autodiscover/commands': [
    'autodiscover',
    'autodiscover/workers',
    'autodiscover/server',
    'autodiscover/server/authentication',
    'autodiscover/client',
    'autodiscover/settings',
    'autodiscover/wire',
    'autodiscover/tls',
    'ldap',
    'ldap/embedded',
  ],
  admin: ['autodiscover/client', 'autodiscover/settings', 'types:autodiscover', 'ldap'],
  'admin/probe': ['autodiscover/client'],
  'admin/demo': ['autodiscover/client'],
  'admin/verify': [
    'admin/probe',
    'autodiscover',
    'autodiscover/client',
    'autodiscover/wire',
    'autodiscover/settings',
    'ldap',
  ],
  'admin/doctor': ['admin/probe', 'autodiscover/client', 'autodiscover/settings', 'ldap'],
  'admin/balancer': ['admin/probe', 'autodiscover/settings', 'ldap'],
  'admin/replay': ['autodiscover/client', 'autodiscover/wire', 'autodiscover/settings'],
  'admin/commands': [
    'admin',
    'admin/probe',
    'admin/demo',
    'admin/verify',
    'admin/doctor',
    'admin/balancer',
    'admin/replay',
    'autodiscover',
    // How a command is given the world, opens the configured directory and starts the demo: one program, one way.
    'autodiscover/commands',
    'autodiscover/client',
    'autodiscover/settings',
    // An address is read the same way wherever it is typed.
    'autodiscover/wire',
    'autodiscover/tls',
    'ldap',
    'ldap/embedded',
  ],
  'profile-migrator/registry': [],
  'profile-migrator/registry/hive': ['profile-migrator/registry'],
  'profile-migrator/mapi': ['profile-migrator/registry'],
  'profile-migrator/plan': [
    'profile-migrator/mapi',
    'profile-migrator/registry',
    'profile-migrator',
    'types:autodiscover/settings',
  ],
  'profile-migrator/apply': [
    'profile-migrator/plan',
    'profile-migrator/mapi',
    'profile-migrator/registry',
    'profile-migrator/registry/hive',
    'profile-migrator',
  ],
  'profile-migrator': [],
  'profile-migrator/report': ['profile-migrator'],
  'profile-migrator/commands': [
    'profile-migrator',
    'profile-migrator/report',
    'profile-migrator/apply',
    'profile-migrator/plan',
    'profile-migrator/mapi',
    'profile-migrator/registry',
    'profile-migrator/registry/hive',
    'autodiscover/client',
    'autodiscover/settings',
    'ldap',
  ],
  cli: [
    'autodiscover',
    'autodiscover/commands',
    'admin',
    'admin/commands',
    'profile-migrator',
    'profile-migrator/commands',
  ],
};

/** Files that import nothing of ours outside their own folder but may be imported from anywhere above in the same program. */
const LEAVES = new Set(['errors.ts', 'log.ts', 'secret-text.ts', 'files-below.ts', 'printable.ts']);

/** Third-party packages and the rooms (with everything below them) that may import them. */
const PACKAGES: Record<string, readonly string[]> = {
  ldapts: ['ldap'],
  'fast-xml-parser': ['autodiscover/wire'],
  'node-forge': ['autodiscover/tls'],
  express: ['autodiscover/server'],
  kerberos: ['autodiscover/server', 'autodiscover/client'],
  'prom-client': ['autodiscover/server'],
  pino: ['autodiscover'],
  yaml: ['autodiscover'],
  zod: ['autodiscover', 'admin', 'profile-migrator'],
  commander: ['cli', 'autodiscover/commands', 'admin/commands', 'profile-migrator/commands'],
  'cli-table3': ['autodiscover/commands', 'admin/commands', 'profile-migrator/commands', 'profile-migrator'],
  'cli-progress': ['profile-migrator/commands'],
};

type Import = { file: string; room: string; target: string; typeOnly: boolean };

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const imports: Import[] = files.flatMap((name) => {
  const text = readFileSync(join(SRC, name), 'utf8');
  const found = [...text.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)];
  const dynamic = [...text.matchAll(/\bimport\('([^']+)'\)/g)].map((m) => ({ spec: m[1] ?? '', typeOnly: false }));
  return [...found.map((m) => ({ spec: m[2] ?? '', typeOnly: Boolean(m[1]) })), ...dynamic].map(
    ({ spec, typeOnly }) => ({
      file: name.split(sep).join('/'),
      room: roomOf(name),
      target: spec.startsWith('.')
        ? relative(SRC, join(SRC, dirname(name), spec))
            .split(sep)
            .join('/')
        : spec,
      typeOnly,
    }),
  );
});

function roomOf(file: string): string {
  return dirname(file).split(sep).join('/');
}

test('every folder of src/ is a known room', () => {
  const unknown = [...new Set(files.map(roomOf))].filter((room) => !(room in ROOMS));
  assert.deepEqual(unknown, [], 'add the room and what it may import to ROOMS, or move the file');
});

test('imports point down', () => {
  const wrong = imports.filter(({ room, target, typeOnly }) => {
    if (!target.endsWith('.ts')) return false;
    const to = roomOf(target);
    if (to === room) return false;
    const allowed = ROOMS[room] ?? [];
    if (allowed.includes(to) || (typeOnly && allowed.includes(`types:${to}`))) return false;
    const leaf = target.split('/').at(-1) ?? '';
    return !(LEAVES.has(leaf) && room.startsWith(`${to}/`));
  });
  assert.deepEqual(
    wrong.map((i) => `${i.file} -> ${i.target}`),
    [],
  );
});

test('relative imports end in .ts', () => {
  const wrong = imports.filter(
    ({ target }) => target.includes('/') && !target.startsWith('node:') && files.includes(`${target}.ts`),
  );
  assert.deepEqual(wrong, []);
});

test('each third-party package has its rooms', () => {
  const wrong = imports.filter(({ room, target }) => {
    if (target.endsWith('.ts') || target.startsWith('node:') || builtinModules.includes(target)) return false;
    const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : (target.split('/')[0] ?? target);
    return !(PACKAGES[name] ?? []).some((owner) => room === owner || room.startsWith(`${owner}/`));
  });
  assert.deepEqual(
    wrong.map((i) => `${i.file} -> ${i.target}`),
    [],
  );
});

test('process.env is read in config.ts only', () => {
  const readers = files.filter(
    (name) => !name.endsWith('config.ts') && /process\.env\b/.test(readFileSync(join(SRC, name), 'utf8')),
  );
  assert.deepEqual(readers, []);
});
