/** A worker that could not start: its own words, and the code of its error. */
export class WorkerFailure extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.name = 'WorkerFailure';
    this.code = code;
  }
}
