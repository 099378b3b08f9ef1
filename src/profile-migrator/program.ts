// The version this program reports; the build writes the package's own.
export const PROGRAM_VERSION = '0.1.0';
