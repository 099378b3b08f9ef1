// node.exe + program -> profile-migrator.exe: the blob as a resource, the fuse burnt, our version resource, no stale signature.
// One pass over the PE file with resedit; nothing in it depends on the clock, so the same input gives the same bytes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NtExecutable, NtExecutableResource, Resource } from 'resedit';
import { NODE_VERSION } from './node-runtime.ts';
import { PackagingError, run } from './tools.ts';

const FUSE = Buffer.from('NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:0', 'latin1');
const RT_RCDATA = 10;

export interface Product {
  readonly name: string;
  readonly description: string;
  readonly company: string;
  /** File name without `.exe`. */
  readonly internalName: string;
  /** Four numbers, as the version resource and Active Setup want them. */
  readonly version: readonly [number, number, number, number];
  readonly copyright: string;
}

/** The single-executable blob of a CommonJS program, made by this very Node, which must be the pinned version. */
export function seaBlob(program: Uint8Array): Buffer {
  if (process.version !== `v${NODE_VERSION}`) {
    throw new PackagingError(
      `packaging runs on Node ${process.version}, but the executable is Node v${NODE_VERSION}: run it by "npm run package:windows" after "npm ci"`,
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'profile-migrator-blob-'));
  try {
    writeFileSync(join(folder, 'main.cjs'), program);
    const config = {
      main: 'main.cjs',
      output: 'sea.blob',
      disableExperimentalSEAWarning: true,
      useCodeCache: false,
      useSnapshot: false,
      // The company's root certificates come by group policy into the Windows store.
      execArgv: ['--use-system-ca'],
      // Otherwise NODE_OPTIONS=--require of any user would run code in our process, under SYSTEM too.
      execArgvExtension: 'none',
    };
    writeFileSync(join(folder, 'sea.json'), JSON.stringify(config));
    run(process.execPath, ['--experimental-sea-config', 'sea.json'], { cwd: folder });
    return readFileSync(join(folder, 'sea.blob'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Puts blob and version resource into node.exe and burns the fuse; the OpenJS signature, no longer true, is dropped. */
export function packExecutable(nodeExe: Buffer, blob: Buffer, product: Product): Buffer {
  const image = Buffer.from(nodeExe);
  const at = image.indexOf(FUSE);
  if (at < 0 || image.indexOf(FUSE, at + 1) >= 0) {
    throw new PackagingError(
      'node.exe does not hold the single-executable fuse exactly once: is it the pinned version?',
    );
  }
  image[at + FUSE.length - 1] = 0x31;
  const executable = NtExecutable.from(image, { ignoreCert: true });
  const resources = NtExecutableResource.from(executable);
  const bin = new Uint8Array(blob).buffer;
  resources.entries.push({ type: RT_RCDATA, id: 'NODE_SEA_BLOB', lang: 0, codepage: 0, bin });
  const info = Resource.VersionInfo.fromEntries(resources.entries)[0];
  const language = info?.getAvailableLanguages()[0];
  if (!info || !language) throw new PackagingError('node.exe has no version resource to replace');
  const text = product.version.join('.');
  info.setFileVersion(...product.version);
  info.setProductVersion(...product.version);
  info.setStringValues(language, {
    ProductName: product.name,
    FileDescription: product.description,
    CompanyName: product.company,
    LegalCopyright: product.copyright,
    InternalName: product.internalName,
    OriginalFilename: `${product.internalName}.exe`,
    FileVersion: text,
    ProductVersion: text,
  });
  info.outputToResourceEntries(resources.entries);
  resources.outputResource(executable);
  return Buffer.from(executable.generate());
}
