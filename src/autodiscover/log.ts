// Structured logging: one JSON object per line on standard error. Nothing in the project logs a password, a request body or an
// Authorization header; the redaction here is the second line of defence.

import { type Logger, pino } from 'pino';

export type { Logger };

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger that writes lines to the given stream. */
export function createLogger(level: LogLevel | 'silent', stream: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
    },
    stream,
  );
}

let latest = Number.NaN;
let latestText = '';

/** As pino's own, made once for all lines of a millisecond. */
function isoTime(): string {
  const now = Date.now();
  if (now !== latest) {
    latest = now;
    latestText = `,"time":"${new Date(now).toISOString()}"`;
  }
  return latestText;
}

const SECRETS = ['password', 'authorization'] as const;

/** The fields of a line, secrets among them and one level below replaced. pino's own redaction copies every line for it. */
export function withoutSecrets(fields: Record<string, unknown>): Record<string, unknown> {
  let shown = redacted(fields);
  for (const name in fields) {
    const value = fields[name];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
    const inner = redacted(value as Record<string, unknown>);
    if (inner !== value) shown = { ...shown, [name]: inner };
  }
  return shown;
}

function redacted(fields: Record<string, unknown>): Record<string, unknown> {
  let shown = fields;
  for (const name of SECRETS) if (name in fields) shown = { ...shown, [name]: '[redacted]' };
  return shown;
}
