// The other end of children.ts: a program that answers its parent's questions and ends with it.

/** The options the parent gave. */
export function childOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}

/** Tells the parent that the program is ready, and answers its questions by these functions. */
export function answerParent(ready: unknown, answers: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', async (message) => {
    const { id, question, argument } = message as { id: number; question: string; argument: never };
    try {
      const answer = answers[question];
      if (!answer) throw new Error(`asked for "${question}", which it does not know`);
      send({ id, value: (await answer(argument)) ?? null });
    } catch (error) {
      send({ id, error: (error as Error).stack ?? String(error) });
    }
  });
  send({ id: 0, value: ready });
}

function send(message: object): void {
  if (process.connected) process.send?.(message);
}

process.on('disconnect', () => process.exit());
