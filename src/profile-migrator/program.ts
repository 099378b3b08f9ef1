// The version this program reports: the package's own, written down because the Windows executable has no package.json beside it.
export const PROGRAM_VERSION = '0.1.0';
