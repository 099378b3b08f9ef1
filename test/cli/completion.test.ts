// Completion, tried in bash itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { Command } from 'commander';
import type { CommandIo } from '../../src/autodiscover/commands/command-io.ts';
import { COMMANDS } from '../../src/cli/autodiscover-commands.ts';
import { completionScript } from '../../src/cli/completion.ts';

const program = new Command('autodiscover').version('0');
for (const command of COMMANDS) program.addCommand(command({} as CommandIo));
const script = completionScript(program);
const bash = spawnSync('bash', ['--version']).status === 0;

const cases: readonly (readonly [typed: readonly string[], offered: readonly string[]])[] = [
  [['ser'], ['serve']],
  [
    ['array', ''],
    ['list', 'create', 'set', 'remove', '--help'],
  ],
  [['array', 'list', '--d'], ['--demo']],
  [['scp', 'publish', 'https://array/list', '--site', 'Seattle', '--al'], ['--all-servers']],
  [['database', 'set', 'list', '--rpc'], ['--rpc-client-access-server']],
  [['nosuch', 'ser'], ['serve']],
  [['explain', 'bob@'], []],
];
for (const [typed, offered] of cases) {
  test(`autodiscover ${typed.join(' ')}<tab>`, { skip: bash ? false : 'no bash' }, () => {
    const words = ['autodiscover', ...typed].map((word) => `'${word}'`).join(' ');
    const line = `COMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _autodiscover; echo "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', `${script}\n${line}`], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trim().split(' ').filter(Boolean), offered);
  });
}
