/** How a job ends before its last step because a person said so. */
export class JobEnded extends Error {
  readonly outcome: 'rejected' | 'aborted';

  constructor(outcome: 'rejected' | 'aborted', why: string) {
    super(why);
    this.outcome = outcome;
  }
}
