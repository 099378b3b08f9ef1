// Programs of package.json's `bin` can be run as they lie in dist/: npm makes them so only where it links them itself, and a build makes
// files anew.

import { chmodSync, readFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const { bin } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { bin: Record<string, string> };
for (const file of Object.values(bin)) chmodSync(new URL(file, root), 0o755);
