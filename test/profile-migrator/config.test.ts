// What the program takes from its surroundings.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { readConfig } from '../../src/profile-migrator/config.ts';
import { PROGRAM_VERSION } from '../../src/profile-migrator/program.ts';

test('colours are for terminals that know them, and for people who want them', () => {
  const colour = (env: NodeJS.ProcessEnv) => readConfig(env, 'linux').colour;
  assert.equal(colour({ TERM: 'xterm-256color' }), true);
  assert.equal(colour({}), true, 'Windows has no TERM');
  assert.equal(colour({ TERM: 'xterm', NO_COLOR: '1' }), false);
  assert.equal(colour({ TERM: 'xterm', NO_COLOR: '' }), true);
  assert.equal(colour({ TERM: 'dumb' }), false, 'such as the shell of an editor');
});

test('the folder for state is the own one of whoever runs it', () => {
  const folder = (env: NodeJS.ProcessEnv, platform: NodeJS.Platform) => readConfig(env, platform).stateFolder;
  assert.equal(folder({ XDG_STATE_HOME: '/s' }, 'linux'), '/s/profile-migrator');
  assert.match(
    folder({ LOCALAPPDATA: 'C:\\Users\\anna\\AppData\\Local' }, 'win32'),
    /^C:\\Users\\anna\\.*profile-migrator$/,
  );
});

test('the version is that of the package', () => {
  const about = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'));
  assert.equal(PROGRAM_VERSION, about.version);
});
