// `npm run bench -- [part...]`: runs the named parts, or all of them. Figures are ratios measured within one run on one machine; absolute
// numbers are printed beside them for orientation only.

const PARTS: Record<string, () => Promise<{ run(arguments_: readonly string[]): Promise<void> }>> = {
  service: () => import('./service.ts'),
  hives: () => import('./hives.ts'),
  oracle: () => import('./oracle.ts'),
  spray: () => import('./spray.ts'),
};

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const unknown = names.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  process.stderr.write(`bench: unknown part ${unknown.join(', ')}; there are: ${Object.keys(PARTS).join(', ')}\n`);
  process.exitCode = 2;
} else {
  for (const name of names.length > 0 ? names : Object.keys(PARTS)) {
    const part = await PARTS[name]?.();
    await part?.run(flags);
  }
}
