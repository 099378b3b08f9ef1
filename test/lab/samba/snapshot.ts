// Keeps built directories under .lab/ in the project folder: a build takes seconds, a copy takes a fraction of one.
// The key covers everything the result depends on, so nothing stale is ever used; old entries are deleted.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

const PROJECT = join(import.meta.dirname, '..', '..', '..');
const STORE = join(PROJECT, '.lab', 'samba');
const KEPT = 4;

/** Key of a lab: the organisation's text, the options, this folder's sources and Samba's version. */
export function snapshotKey(ldif: string, options: unknown): string {
  const hash = createHash('sha256');
  const sources = [
    ...readdirSync(import.meta.dirname)
      .filter((name) => !name.endsWith('.test.ts'))
      .map((name) => join(import.meta.dirname, name)),
    join(import.meta.dirname, '..', 'certificates.ts'),
    join(PROJECT, 'src', 'ldap', 'ldif.ts'),
  ];
  for (const file of sources.sort()) if (statSync(file).isFile()) hash.update(file).update(readFileSync(file));
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholder
  const version = execFileSync('dpkg-query', ['-W', '-f', '${Version}', 'samba'], { encoding: 'utf8' });
  hash.update(JSON.stringify({ ldif, options, version }));
  return hash.digest('hex').slice(0, 24);
}

/** Copies the snapshot `key` into the new folder `target`; false when there is none. */
export function restoreSnapshot(key: string, target: string): boolean {
  const stored = join(STORE, key);
  if (!existsSync(stored)) return false;
  copyFolder(stored, target);
  const now = new Date();
  utimesSync(stored, now, now);
  return true;
}

/** Keeps a copy of `source`, which must not be running. Two builders at once do no harm: the first one's copy stays. */
export function saveSnapshot(key: string, source: string): void {
  mkdirSync(STORE, { recursive: true });
  const partial = join(STORE, `${key}.${process.pid}.partial`);
  copyFolder(source, partial);
  try {
    renameSync(partial, join(STORE, key));
  } catch {
    rmSync(partial, { recursive: true, force: true });
  }
  deleteOld();
}

/** All but the latest few, and what a builder that was killed left behind. */
function deleteOld(): void {
  const entries = readdirSync(STORE).map((name) => ({
    name,
    path: join(STORE, name),
    time: statSync(join(STORE, name)).ctimeMs,
  }));
  const byAge = entries.sort((a, b) => b.time - a.time);
  const old = [
    ...byAge.filter(({ name }) => !name.endsWith('.partial')).slice(KEPT),
    ...byAge.filter(({ name, time }) => name.endsWith('.partial') && time < Date.now() - 3_600_000),
  ];
  for (const { path } of old) rmSync(path, { recursive: true, force: true });
}

function copyFolder(from: string, to: string): void {
  execFileSync('cp', ['-a', '--sparse=always', '--reflink=auto', `${from}/.`, `${to}/`], { stdio: 'pipe' });
}
