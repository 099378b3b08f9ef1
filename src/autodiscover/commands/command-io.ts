// What a command may touch of the world around the process: handed in, so that tests see what a user sees.

export interface CommandIo {
  /** `columns` is the width of a terminal. */
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Sets the exit code; 0 done, 1 failed or a check failed, 2 usage or configuration. */
  setExitCode(code: 0 | 1 | 2): void;
  /** Resolves when the process is asked to stop. */
  stopRequested(): Promise<void>;
  /** Calls `action` each time the process is asked to take changed settings (SIGHUP), from now on. */
  onReload?(action: () => void): void;
}
