// What a lab test needs from the machine: Debian packages by section of packages.txt, and root. Where something is missing the
// test skips with the exact reason, so that `npm run test:lab` is honest anywhere; LAB_REQUIRED=1 makes that a failure.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';

/** Sections of packages.txt with their packages. */
export function packageSections(): ReadonlyMap<string, readonly string[]> {
  const sections = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of readFileSync(join(import.meta.dirname, 'packages.txt'), 'utf8').split('\n')) {
    const section = /^\[(.+)\]$/.exec(line)?.[1];
    if (section !== undefined) {
      current = [];
      sections.set(section, current);
    } else if (line !== '' && !line.startsWith('#')) current?.push(line);
  }
  return sections;
}

/** Why tests that need these sections cannot run here; undefined when they can. */
export function missingFor(...sections: readonly string[]): string | undefined {
  if (process.platform !== 'linux') return `needs Linux, this is ${process.platform}`;
  const known = packageSections();
  const wanted = sections.flatMap((section) => {
    const packages = known.get(section);
    if (packages === undefined) throw new Error(`packages.txt has no section [${section}]`);
    return packages;
  });
  const missing = wanted.filter((name) => !isInstalled(name));
  if (missing.length > 0) return `needs the Debian packages ${missing.join(' ')}`;
  if (process.getuid?.() !== 0) return 'needs root: fixed ports, namespaces and mounts';
  return undefined;
}

/** Skips `t` and returns false when something is missing; throws instead under LAB_REQUIRED=1. */
export function labOrSkip(t: Pick<TestContext, 'skip'>, ...sections: readonly string[]): boolean {
  const reason = missingFor(...sections);
  if (reason === undefined) return true;
  if (process.env.LAB_REQUIRED === '1') throw new Error(`LAB_REQUIRED=1, but this test ${reason}`);
  t.skip(reason);
  return false;
}

/** A suite that runs only where its sections are met; else one skipped test, or one that fails under LAB_REQUIRED=1, names why. */
export function labSuite(name: string, sections: readonly string[], body: () => void): void {
  if (missingFor(...sections) === undefined) describe(name, body);
  else test(name, (t) => void labOrSkip(t, ...sections));
}

let installed: ReadonlySet<string> | undefined;

function isInstalled(name: string): boolean {
  installed ??= installedPackages();
  return installed.has(name);
}

function installedPackages(): ReadonlySet<string> {
  try {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
    const format = '${db:Status-Status} ${Package}\n';
    const list = execFileSync('dpkg-query', ['-W', '-f', format], { encoding: 'utf8', maxBuffer: 64 << 20 });
    const lines = list.split('\n').filter((line) => line.startsWith('installed '));
    return new Set(lines.map((line) => line.slice('installed '.length)));
  } catch {
    return new Set(); // no dpkg: not Debian
  }
}
