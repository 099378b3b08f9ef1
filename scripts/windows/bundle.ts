// The program as one CommonJS file (a single executable application takes no other form), and the licence texts of the packages
// that ended up in it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { PackagingError } from './tools.ts';

export interface Bundle {
  readonly code: Buffer;
  /** Names of the npm packages whose code is inside, sorted. */
  readonly packages: readonly string[];
}

/** Bundles `entry` (path below `projectFolder`); the same sources give the same bytes, wherever the project lies. */
export async function bundleProgram(projectFolder: string, entry: string): Promise<Bundle> {
  const result = await build({
    absWorkingDir: projectFolder,
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    // Names are kept: a stack trace from a desktop should be readable.
    keepNames: true,
    legalComments: 'none',
    // CommonJS has no import.meta; in the executable the only file there is is the executable itself.
    define: {
      'import.meta.url': '__bundleUrl',
      'import.meta.dirname': '__bundleFolder',
      'import.meta.filename': '__bundleFile',
    },
    banner: {
      js: 'const __bundleFile=process.execPath,__bundleFolder=require("node:path").dirname(__bundleFile),__bundleUrl=require("node:url").pathToFileURL(__bundleFile).href;',
    },
    write: false,
    metafile: true,
    logLevel: 'silent',
  }).catch((error: unknown) => {
    throw new PackagingError(`cannot bundle ${entry}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
  const output = result.outputFiles[0];
  if (!output) throw new PackagingError(`bundling ${entry} gave no output`);
  const names = Object.keys(result.metafile.inputs).flatMap((path) => packageOf(path) ?? []);
  return { code: Buffer.from(output.contents), packages: [...new Set(names)].sort() };
}

/** The package an input path of the bundle belongs to, with the nested node_modules path if there is one. */
function packageOf(path: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

/**
 * One text with the licence of every bundled package. A package that declares MIT and forgets the text gets the usual one under its
 * author's name; anything else without a text stops the build.
 */
export function licenceTexts(projectFolder: string, packages: readonly string[]): string {
  const texts = packages.map((path) => {
    const folder = join(projectFolder, path);
    const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageFacts;
    const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    if (!file && about.license !== 'MIT') {
      throw new PackagingError(`${path} (${about.license}) is in the bundle but has no licence file to pass on`);
    }
    const title = `${about.name} ${about.version} (${about.license})`;
    const text = file ? readFileSync(join(folder, file), 'utf8') : mitLicence(about);
    return `${title}\n${'='.repeat(title.length)}\n\n${text.trim()}\n`;
  });
  const intro = 'profile-migrator.exe contains the packages below, and Node.js (NODE-LICENSE.txt).\n';
  return [intro, ...texts].join('\n\n').replace(/\r?\n/g, '\r\n');
}

interface PackageFacts {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly author?: string | { readonly name: string };
}

function mitLicence({ name, author }: PackageFacts): string {
  const holder = (typeof author === 'string' ? author : author?.name) ?? `the authors of ${name}`;
  return `(The package declares this licence without its text.)

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH
THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
}
