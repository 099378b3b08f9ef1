// The course of every write: show the change, ask, plan it again, save what undoes it, make it, look at it again, tell.

import { askConfirmation, canAsk } from '../../autodiscover/client/ask.ts';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { printableLines } from '../../autodiscover/printable.ts';
import { changesAsLdif, type GuardedChange, inverseOf } from '../../ldap/change.ts';
import { carryOut } from '../carry-out.ts';
import { type ControllerSession, openAgain } from '../controller-session.ts';
import { command } from '../doctor/finding.ts';
import { AdminError } from '../errors.ts';
import type { Plan } from '../plan.ts';
import { createUndoFile, narrowUndoFile, type UndoHeader, undoFileName } from '../undo-file.ts';
import { printJson, sourceOf, sourceWords } from './directory-flags.ts';
import { type WriterFlags, withSession } from './writer-flags.ts';

/** Plans on the named controller and carries the plan out there. Sets exit code 1 when the directory refuses. */
export function makeChange(
  flags: WriterFlags,
  io: CommandIo,
  plan: (session: ControllerSession, isDemo: boolean) => Promise<Plan>,
): Promise<void> {
  return withSession(flags, io, async (session, { isDemo }) => {
    const planAgain = async () => plan(await openAgain(session), isDemo);
    await new Write(flags, io, session, isDemo).run(await plan(session, isDemo), planAgain);
  });
}

class Write {
  readonly #flags: WriterFlags;
  readonly #io: CommandIo;
  readonly #session: ControllerSession;
  readonly #isDemo: boolean;

  constructor(flags: WriterFlags, io: CommandIo, session: ControllerSession, isDemo: boolean) {
    this.#flags = flags;
    this.#io = io;
    this.#session = session;
    this.#isDemo = isDemo;
  }

  async run(plan: Plan, planAgain: () => Promise<Plan>): Promise<void> {
    const { writer, index } = this.#session;
    this.#show(plan);
    if (plan.changes.length === 0) {
      this.#say('\nNothing to do: everything stands as asked.');
      return this.#json(plan, { applied: [] });
    }
    if (this.#flags.dryRun) {
      this.#say('\nDry run: nothing was written.');
      return this.#json(plan, { applied: [] });
    }
    if (!this.#flags.yes) await this.#agree(plan, planAgain);
    const at = new Date();
    const undoFile = this.#flags.undoFile ?? undoFileName(plan.title, at);
    const header = { title: plan.title, url: writer.url, account: writer.account, at };
    await createUndoFile(undoFile, plan.changes, header);
    const { done, failure } = await carryOut(writer, plan.changes, index.organization.domains, (change) =>
      this.#say(`done  ${change.change} ${change.dn}`),
    );
    // Where it is not known whether the last change was made, the file keeps its undoing too: the guard decides later.
    const kept = failure?.refusal === 'unknown' ? [...done, failure.change] : done;
    const saved = kept.length > 0 ? undoFile : undefined;
    if (failure) {
      this.#io.stderr.write(`autodiscover: ${printableLines(failure.text)}\n`);
      this.#say(`\n${done.length} of ${plan.changes.length} changes were made.`);
      this.#io.setExitCode(1);
      await this.#narrow(undoFile, kept, header);
    } else for (const note of plan.notes) this.#say(`note: ${note}`);
    if (saved !== undefined) {
      this.#say(`\nThe change that undoes this one (saved in ${saved}${this.#howToUndo(saved)}):\n`);
      this.#say(changesAsLdif(inverseOf(kept)));
    }
    if (this.#isDemo) this.#say('This was the demo: its directory is in memory and forgets the change now.');
    this.#json(plan, {
      applied: done,
      ...(failure ? { failure: { refusal: failure.refusal, text: failure.text } } : {}),
      undoFile: saved,
    });
  }

  /** The whole command: on the same controller, because another one may not have the change yet. The demo has forgotten it by then. */
  #howToUndo(file: string): string {
    if (this.#isDemo) return '';
    const { url, account } = this.#session.writer;
    const words = [file, ...sourceWords(sourceOf(this.#flags)), '--controller', url, '--user', account];
    return `; apply it with: ${command('undo', ...words)}`;
  }

  /** A disk that is full or gone by now must not hide what became of the changes. */
  async #narrow(undoFile: string, kept: readonly GuardedChange[], header: UndoHeader): Promise<void> {
    try {
      await narrowUndoFile(undoFile, kept, header);
    } catch (error) {
      this.#io.stderr.write(
        `autodiscover: the undo file ${undoFile} could not be written again: ${(error as Error).message}. Keep what is shown here: it undoes what was made, and no more.\n`,
      );
    }
  }

  #show(plan: Plan): void {
    const { writer } = this.#session;
    this.#say(`${plan.title}, on ${writer.url} as ${writer.account}\n`);
    if (plan.changes.length > 0) this.#say(changesAsLdif(plan.changes));
    for (const warning of plan.warnings) this.#say(`warning: ${warning}`);
    if (this.#flags.dryRun) for (const note of plan.notes) this.#say(`note: ${note}`);
  }

  /** Whoever answers may have taken long: the rules are checked again, on what the controller holds by then. */
  async #agree(plan: Plan, planAgain: () => Promise<Plan>): Promise<void> {
    if (!canAsk(this.#io)) {
      throw new AdminError(
        'not-confirmed',
        'nothing was written: there is no terminal to confirm at; give --yes when the change is as it should be',
      );
    }
    if (!(await askConfirmation(this.#io, `Make this change on ${this.#session.writer.url}?`))) {
      throw new AdminError('not-confirmed', 'not confirmed; nothing was written');
    }
    if (changesAsLdif((await planAgain()).changes) === changesAsLdif(plan.changes)) return;
    throw new AdminError(
      'write-failed',
      `${plan.title}: while you were asked, somebody else changed what this change was planned from; nothing was written. Run the command again to see what it would do now.`,
    );
  }

  /** Text for people: on standard output, or beside it when that carries JSON. */
  #say(text: string): void {
    (this.#flags.json ? this.#io.stderr : this.#io.stdout).write(`${printableLines(text)}\n`);
  }

  #json(
    plan: Plan,
    result: { applied: readonly GuardedChange[]; failure?: object; undoFile?: string | undefined },
  ): void {
    if (!this.#flags.json) return;
    const { writer } = this.#session;
    printJson(this.#io, {
      change: plan.title,
      controller: writer.url,
      account: writer.account,
      dryRun: this.#flags.dryRun === true,
      planned: plan.changes.length,
      applied: result.applied.length,
      ldif: plan.changes.length > 0 ? changesAsLdif(plan.changes) : null,
      undoLdif: result.applied.length > 0 ? changesAsLdif(inverseOf(result.applied)) : null,
      undoFile: result.undoFile ?? null,
      failure: result.failure ?? null,
      warnings: plan.warnings,
      notes: plan.notes,
    });
  }
}
