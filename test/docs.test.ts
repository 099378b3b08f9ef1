// The documents say what the program does: configuration.md is printed by it, links lead somewhere, every command is described.
// `node test/docs.test.ts --rewrite-golden` writes configuration.md anew.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { exampleConfig } from '../src/autodiscover/config-example.ts';

const ROOT = join(import.meta.dirname, '..');
const CONFIGURATION = join(ROOT, 'docs', 'configuration.md');

function configurationPage(): string {
  return `# Configuration

One YAML file, given with \`--config\`. It is checked as a whole, unknown keys are refused, and every fault is told at once
(\`autodiscover config check FILE\`). Secrets are never in it: it names files that hold them. This page is what
\`autodiscover config print-example\` prints.

\`\`\`yaml
${exampleConfig()}\`\`\`
`;
}

if (process.argv.includes('--rewrite-golden')) writeFileSync(CONFIGURATION, configurationPage());

test('docs/configuration.md is what the program prints', () => {
  assert.equal(
    readFileSync(CONFIGURATION, 'utf8'),
    configurationPage(),
    'run: node test/docs.test.ts --rewrite-golden',
  );
});

const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));

for (const page of pages) {
  test(`links of ${page} lead somewhere`, () => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const targets = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map((match) => match[1] ?? '');
    const dead = targets.filter((target) => !target.includes('://') && !existsSync(join(ROOT, dirname(page), target)));
    assert.deepEqual(dead, []);
  });
}

for (const program of ['autodiscover', 'profile-migrator'].filter((name) =>
  existsSync(join(ROOT, 'src', 'cli', `${name}.ts`)),
)) {
  test(`every command of ${program} is described in the documents`, () => {
    const help = execFileSync(process.execPath, [join(ROOT, 'src', 'cli', `${program}.ts`), '--help'], {
      encoding: 'utf8',
    });
    const commands = [...help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(
      (match) => match[1] ?? '',
    );
    assert.ok(commands.length > 0, 'the help lists commands');
    const documents = pages.map((page) => readFileSync(join(ROOT, page), 'utf8')).join('\n');
    const missing = commands.filter((name) => name !== 'help' && !documents.includes(`${program} ${name}`));
    assert.deepEqual(missing, []);
  });
}
