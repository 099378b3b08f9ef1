// The measured programs as JavaScript, as an installed package has them: Node's own reading of TypeScript needs 28 MiB that no
// installation pays for.

import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

// Below node_modules packages are found from there. Written anew by every run.
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/exchange-autodiscover-bench/', import.meta.url));

export interface Programs {
  readonly served: URL;
  readonly bare: URL;
}

/** The programs as they are written, whose functions a profile can name by file and line. */
export function sourcePrograms(): Programs {
  const program = (name: string) => new URL(`./${name}-server.ts`, import.meta.url);
  return { served: program('served'), bare: program('bare') };
}

export function compilePrograms(): Programs {
  const compiled = (name: string): URL => {
    const outfile = join(FOLDER, `${name}.mjs`);
    buildSync({
      entryPoints: [fileURLToPath(new URL(`./${name}-server.ts`, import.meta.url))],
      outfile,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node24',
      logLevel: 'error',
    });
    return pathToFileURL(outfile);
  };
  return { served: compiled('served'), bare: compiled('bare') };
}
