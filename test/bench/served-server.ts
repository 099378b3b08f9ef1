// The measured process with the whole service in it. The directory it asks is another process, so that its CPU time is not counted.

import { readFileSync } from 'node:fs';
import { startService } from '../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../src/autodiscover/log.ts';
import { childOptions } from './child-end.ts';
import { serveMeasured } from './measured.ts';

const options = childOptions<{ config: unknown; caFile: string }>();
const settings = {
  config: configSchema.parse(options.config),
  ca: [readFileSync(options.caFile, 'utf8')],
  readPassword: async () => 'Demo-Passw0rd!',
};
// Log lines are made as in production, and thrown away.
const service = await startService(settings, createLogger('info', { write: () => undefined }));
serveMeasured(Number(new URL(service.httpsUrl).port));
