// Started by tests: changes one value of a hive and, when told so, kills itself at a step of the file protocol.
// Arguments: hive, new text, step or "-", "durable" or "-".
import { createHiveStore } from '../../../../src/profile-migrator/registry/hive/hive-store.ts';
import { findKey, findValue } from '../../../../src/profile-migrator/registry/registry.ts';
import { sz } from './hive-builder.ts';

const [path = '', text = '', step = '-', durable = '-'] = process.argv.slice(2);
const store = createHiveStore({
  path,
  durable: durable === 'durable',
  onStep: (done) => {
    if (done === step) process.kill(process.pid, 'SIGKILL');
  },
});
const snapshot = await store.load(['Software']);
const before = findValue(findKey(snapshot.root, 'Software\\Test'), 'server');
process.stdout.write('loaded\n');
await store.commit({
  rootPath: snapshot.rootPath,
  edits: [{ keyPath: 'Software\\Test', name: 'server', before, after: { name: 'server', type: 1, data: sz(text) } }],
});
process.stdout.write('committed\n');
