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
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['password', '*.password', 'authorization', '*.authorization'], censor: '[redacted]' },
    },
    stream,
  );
}
