// `autodiscover undo FILE`: makes the changes of an undo file, under the guard that nothing was changed since.

import { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { planUndo } from '../plan-undo.ts';
import { loadUndoFile } from '../undo-file.ts';
import { makeChange } from './make-change.ts';
import { type WriterFlags, withWriterFlags } from './writer-flags.ts';

export function undoCommand(io: CommandIo): Command {
  return withWriterFlags(new Command('undo'))
    .description('undo a change from the file that it saved')
    .argument('<file>', 'LDIF file written by a command of this program')
    .action(async (file: string, flags: WriterFlags) => {
      const undo = await loadUndoFile(file);
      await makeChange(flags, io, (session) => planUndo(session, file, undo));
    });
}
