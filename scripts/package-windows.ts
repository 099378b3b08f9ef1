// npm run package:windows: profile-migrator.exe and its MSI, built on Linux into build/windows/. docs/windows.md says how to use
// both; scripts/windows/ holds one step per file.
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parsePolicy } from '../src/profile-migrator/plan/policy-file.ts';
import { bundleProgram, licenceTexts } from './windows/bundle.ts';
import { type Product, packExecutable, seaBlob } from './windows/executable.ts';
import { buildInstaller, POLICY_FILE } from './windows/installer.ts';
import { nodeRuntimeFile, sha256Of } from './windows/node-runtime.ts';
import { type SigningIdentity, signAndCheck, throwAwayIdentity } from './windows/signature.ts';
import { PackagingError, requireTools } from './windows/tools.ts';

const USAGE = `Usage: npm run package:windows -- [options]

Builds profile-migrator.exe (Node.js single executable, x64) and profile-migrator.msi, signs both and checks the signatures.

  --out DIR              where to put them (default build/windows)
  --policy FILE          put this policy into the MSI, as policy.json beside the executable
  --certificate FILE     PEM code-signing certificate with its chain; without it a throw-away certificate is made
  --key FILE             PEM private key of --certificate
  --password-file FILE   file whose first line is the key's password
  --ca FILE              PEM roots the signature is checked against (default: the chain given with --certificate)
  --timestamp URL        RFC 3161 time stamp server, so that the signature outlives the certificate
  --no-msi               only the executable
  --unsigned             leave signing to somebody else (signtool on Windows)
  --help                 this text
`;

const PROJECT = join(import.meta.dirname, '..');
const ENTRY = 'src/cli/profile-migrator.ts';

const OPTIONS = {
  out: { type: 'string', default: join('build', 'windows') },
  policy: { type: 'string' },
  certificate: { type: 'string' },
  key: { type: 'string' },
  'password-file': { type: 'string' },
  ca: { type: 'string' },
  timestamp: { type: 'string' },
  'no-msi': { type: 'boolean', default: false },
  unsigned: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Options = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

function productOf(projectFolder: string): Product {
  const about = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as { version: string };
  const numbers = /^(\d+)\.(\d+)\.(\d+)$/.exec(about.version)?.slice(1).map(Number);
  const [major, minor, patch] = numbers ?? [];
  if (
    major === undefined ||
    minor === undefined ||
    patch === undefined ||
    major > 255 ||
    minor > 255 ||
    patch > 65535
  ) {
    throw new PackagingError(
      `package.json: version ${about.version} cannot be a Windows version (255.255.65535 at most)`,
    );
  }
  return {
    name: 'Profile Migrator',
    description: 'Moves Outlook profiles to a Client Access server array',
    company: 'exchange-autodiscover',
    internalName: 'profile-migrator',
    version: [major, minor, patch, 0],
    copyright: (/^Copyright.*$/m.exec(readFileSync(join(projectFolder, 'LICENSE'), 'utf8')) ?? ['MIT licence'])[0],
  };
}

function signingIdentity(options: Options, folder: string): SigningIdentity | undefined {
  if (options.unsigned) return undefined;
  if (!options.certificate !== !options.key) {
    throw new PackagingError('--certificate and --key go together');
  }
  if (!options.certificate || !options.key) return throwAwayIdentity(folder);
  return {
    certificate: options.certificate,
    key: options.key,
    ca: options.ca ?? options.certificate,
    ...(options['password-file'] ? { passwordFile: options['password-file'] } : {}),
    ...(options.timestamp ? { timestamp: options.timestamp } : {}),
  };
}

async function packageWindows(options: Options, say: (line: string) => void): Promise<void> {
  const tools = ['npm', 'tar'];
  if (!options.unsigned) tools.push('osslsigncode', ...(options.certificate ? [] : ['openssl']));
  if (!options['no-msi']) tools.push('wixl', 'msibuild');
  requireTools(tools, process.env.PATH ?? '');
  const policy = options.policy === undefined ? undefined : readPolicy(options.policy);
  const product = productOf(PROJECT);
  const out = resolve(options.out);
  const cache = join(PROJECT, 'build', 'windows', 'cache');
  mkdirSync(out, { recursive: true });
  // Beside the results, and moved there when all of them are right: a build that fails leaves nothing unsigned to be handed out.
  const stage = mkdtempSync(join(out, '.making-'));
  const scratch = mkdtempSync(join(tmpdir(), 'profile-migrator-package-'));
  try {
    const identity = signingIdentity(options, scratch);
    const bundle = await bundleProgram(PROJECT, ENTRY);
    say(`bundled ${ENTRY}: ${kib(bundle.code.length)}, ${bundle.packages.length} packages inside`);
    const unsigned = packExecutable(nodeRuntimeFile('exe', cache), seaBlob(bundle.code), product);
    const contentId = sha256Of(unsigned);
    const exe = join(stage, 'profile-migrator.exe');
    writeFileSync(exe, unsigned, { mode: 0o755 });
    say(`packed profile-migrator.exe: ${kib(unsigned.length)}, sha256 before signing ${contentId}`);
    if (identity) signAndCheck(exe, product.description, identity);
    const texts: readonly (readonly [string, Buffer])[] = [
      ['LICENSE.txt', crlf(readFileSync(join(PROJECT, 'LICENSE')))],
      ['NODE-LICENSE.txt', crlf(nodeRuntimeFile('licence', cache))],
      ['THIRD-PARTY-LICENSES.txt', Buffer.from(licenceTexts(PROJECT, bundle.packages))],
      ...(policy ? ([[POLICY_FILE, policy]] as const) : []),
    ];
    for (const [name, bytes] of texts) writeFileSync(join(stage, name), bytes);
    if (!options['no-msi']) {
      const files = ['profile-migrator.exe', ...texts.map(([name]) => name)];
      const msiId = sha256Of(Buffer.concat([unsigned, policy ?? Buffer.alloc(0)]));
      buildInstaller(stage, 'profile-migrator.msi', product, files, msiId);
      if (identity) signAndCheck(join(stage, 'profile-migrator.msi'), product.description, identity);
      say('built profile-migrator.msi');
    }
    const isThrowAway = identity !== undefined && !options.certificate;
    if (isThrowAway) copyFileSync(identity.certificate, join(stage, 'throw-away-certificate.pem'));
    for (const name of readdirSync(stage)) renameSync(join(stage, name), join(out, name));
    say(`all of it is in ${relative(process.cwd(), out) || '.'}`);
    if (isThrowAway)
      say('signed with a throw-away certificate: give --certificate and --key before anybody else runs this');
    if (!identity) say('not signed');
  } finally {
    for (const folder of [stage, scratch]) rmSync(folder, { recursive: true, force: true });
  }
}

/** A policy that the program would refuse on every desktop stops the build instead. */
function readPolicy(file: string): Buffer {
  const bytes = readFileSync(file);
  parsePolicy(bytes, file);
  return bytes;
}

function crlf(text: Buffer): Buffer {
  return Buffer.from(text.toString('utf8').replace(/\r?\n/g, '\r\n'));
}

function kib(bytes: number): string {
  return `${Math.round(bytes / 1024).toLocaleString('en-GB')} KiB`;
}

try {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) process.stdout.write(USAGE);
  else await packageWindows(values, (line) => process.stdout.write(`${line}\n`));
} catch (error) {
  const usage = error instanceof TypeError && 'code' in error;
  process.stderr.write(`package-windows: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = usage ? 2 : 1;
}
