// The commands of the autodiscover program, in the order in which its help lists them.

import { arrayCommand } from '../admin/commands/array.ts';
import { balancerCommand } from '../admin/commands/balancer.ts';
import { databaseCommand } from '../admin/commands/database.ts';
import { doctorCommand } from '../admin/commands/doctor.ts';
import { explainCommand } from '../admin/commands/explain.ts';
import { policyCommand } from '../admin/commands/policy.ts';
import { replayCommand } from '../admin/commands/replay.ts';
import { scpCommand } from '../admin/commands/scp.ts';
import { undoCommand } from '../admin/commands/undo.ts';
import { verifyCommand } from '../admin/commands/verify.ts';
import { clientFilesCommand } from '../autodiscover/commands/client-files.ts';
import { configCommand } from '../autodiscover/commands/config.ts';
import { queryCommand } from '../autodiscover/commands/query.ts';
import { serveCommand } from '../autodiscover/commands/serve.ts';

export const COMMANDS = [
  serveCommand,
  configCommand,
  queryCommand,
  clientFilesCommand,
  verifyCommand,
  doctorCommand,
  balancerCommand,
  replayCommand,
  arrayCommand,
  databaseCommand,
  scpCommand,
  undoCommand,
  explainCommand,
  policyCommand,
];
