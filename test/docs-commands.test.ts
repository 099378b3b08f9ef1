// What the documents say of commands: each printed call of one of the two programs is compared with what the program takes, each option
// that is only named with those of all commands, and what is listed with the tables in the code.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Command } from 'commander';
import { FINDINGS } from '../src/admin/doctor/finding.ts';
import type { CommandIo } from '../src/autodiscover/commands/command-io.ts';
import { COMMANDS } from '../src/cli/autodiscover-commands.ts';
import { completionCommand } from '../src/cli/completion.ts';
import type { MigratorDeps } from '../src/profile-migrator/commands/deps.ts';
import { createProgram } from '../src/profile-migrator/commands/run-migrator.ts';
import { exitCodeHelp } from '../src/profile-migrator/exit-codes.ts';
import { run as runAdmin } from './admin/run-command.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = ['README.md', 'CHANGELOG.md', ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name))];
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

const autodiscover = new Command('autodiscover').version('0');
for (const command of COMMANDS) autodiscover.addCommand(command({} as CommandIo));
autodiscover.addCommand(
  completionCommand(
    () => autodiscover,
    () => undefined,
  ),
);
const deps = { stdout: {}, stderr: {}, program: '0', config: { convention: 'windows' } } as unknown as MigratorDeps;
const PROGRAMS: Readonly<Record<string, Command>> = {
  autodiscover,
  'profile-migrator': createProgram(deps, async () => undefined),
};

const GENERAL = ['--help', '--version'];
const optionsOf = (command: Command): string[] => command.options.flatMap(({ long }) => (long ? [long] : []));
const everyOption = (command: Command): string[] => [...optionsOf(command), ...command.commands.flatMap(everyOption)];

/** Options of other programs that the documents name: Node.js, npm, git, curl, HAProxy, Samba, the scripts of this project. */
const OF_OTHERS = new Set([
  '--max-semi-space-size',
  '--max-old-space-size',
  '--configfile',
  '--create',
  '--objectdn',
  '--sddl',
  '--runs',
]);
const PACKAGING = /^--(?:policy|certificate|key|password-file|ca|timestamp|unsigned)$/;

/** Code of a page: fenced and indented blocks with continued lines joined, and what stands between backticks in its text. */
function codeOf(text: string): string[] {
  const fenced = /^```[^\n]*\n([\s\S]*?)^```/gm;
  const blocks = [...text.matchAll(fenced)].map((match) => match[1] ?? '');
  const prose = text.replace(fenced, '');
  const indented = [...prose.matchAll(/^ {4,}(\S.*(?:\\\n.*)*)$/gm)].map((match) => match[1] ?? '');
  const inline = [...prose.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
  return [...[...blocks, ...indented].flatMap((block) => block.replace(/\\\n\s*/g, ' ').split('\n')), ...inline];
}

const CALL = /(?:^|[\s"'\\/(])(autodiscover|profile-migrator)(?:\.exe"?)? +((?:[a-z-]|--[a-z]).*)$/;

/** The faults of one printed call: an unknown command, options that the command does not take. */
function faultsOf(line: string): string[] {
  const [, name = '', rest = ''] = CALL.exec(line) ?? [];
  let command = PROGRAMS[name];
  // What a printed output says of commands is prose.
  if (command === undefined || /^(?:note|warning): /.test(line)) return [];
  const words = rest.replace(/(?<=\s)# .*$|\)+$/, '').match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? [];
  for (const word of words) {
    const next: Command | undefined = command.commands.find((each) => each.name() === word);
    if (next === undefined) {
      if (command.commands.length > 0 && /^[a-z]/.test(word)) return [`${line}: no command ${word}`];
      break;
    }
    command = next;
  }
  const known = new Set([...optionsOf(command), ...GENERAL]);
  const taken = command.commands.length > 0 ? everyOption(command) : [];
  return words
    .filter((word) => /^--[a-z]/.test(word))
    .map((word) => word.replace(/[=,.;:)\]].*$/, ''))
    .filter((word) => !known.has(word) && !taken.includes(word))
    .map((word) => `${line}: ${command?.name()} has no option ${word}`);
}

test('the check of printed calls finds what it is for', () => {
  assert.deepEqual(faultsOf('autodiscover serve --demo --check'), []);
  assert.deepEqual(faultsOf('"C:\\Program Files\\x\\profile-migrator.exe" apply --live'), []);
  assert.equal(faultsOf('npx autodiscover serve --dmo').length, 1);
  assert.equal(faultsOf('autodiscover scp unpublish X').length, 1);
  assert.equal(faultsOf('$p\\profile-migrator.exe" plan --wait 3').length, 1);
});

for (const page of PAGES.filter((name) => name.endsWith('.md') && !/(?:conformance|performance)\.md$/.test(name))) {
  test(`${page}: printed calls and named options are those of the programs`, () => {
    const lines = codeOf(read(page));
    const everywhere = new Set([...GENERAL, ...Object.values(PROGRAMS).flatMap(everyOption)]);
    const named = lines
      .filter((line) => !CALL.test(line) && !/npm |reg add|signtool/.test(line))
      .flatMap((line) => line.match(/(?<![\w-])--[a-z][a-z-]+/g) ?? [])
      .filter((word) => !everywhere.has(word) && !OF_OTHERS.has(word) && !PACKAGING.test(word));
    assert.deepEqual([...lines.flatMap(faultsOf), ...new Set(named)], []);
  });
}

test('the help of every command tells its exit codes', () => {
  const leaves = (command: Command): Command[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
  const silent = Object.values(PROGRAMS)
    .flatMap(leaves)
    .filter((command) => {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      return !help.includes('Exit codes:');
    });
  assert.deepEqual(
    silent.map((command) => `${command.parent?.name()} ${command.name()}`),
    [],
  );
});

test('docs/administration.md prints what the demo does', async () => {
  const [, line = '', printed = ''] =
    /^```\n\$ autodiscover (.*--dry-run)\n([\s\S]*?)^```/m.exec(read('docs/administration.md')) ?? [];
  const port = /127\.0\.0\.1:\d+/;
  const { exitCode, out } = await runAdmin(line.split(' '));
  assert.equal(exitCode, 0);
  assert.equal(out.replace(port, ''), printed.replace(port, ''));
});

test('docs/verification.md lists every kind of finding, and no other', () => {
  const table = /\| about \| kinds \|\n([\s\S]*?)\n\n/.exec(read('docs/verification.md'))?.[1] ?? '';
  const listed = [...table.matchAll(/`([a-z-]+)`/g)].map((match) => match[1] ?? '');
  assert.deepEqual(listed.sort(), Object.keys(FINDINGS).sort());
});

test('docs/windows.md prints the exit codes of profile-migrator on Windows', () => {
  const section = /## Exit codes\n([\s\S]*?)\n## /.exec(read('docs/windows.md'))?.[1] ?? '';
  const printed = [...section.matchAll(/^\| (\d+) /gm)].map((match) => match[1]);
  const told = [...exitCodeHelp('windows').matchAll(/^ {2}(\d+) /gm)].map((match) => match[1]);
  assert.deepEqual(printed, told);
});
