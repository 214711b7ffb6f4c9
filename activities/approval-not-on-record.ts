import type { ProblemOf } from '../domain/failure.ts';

/** Why nothing is erased: the engine has an approval, and the target record does not know that a person gave it. */
export const approvalNotOnRecord = (tried: string, approvalId = 'without an id'): ProblemOf<'Unsafe'> => ({
  code: 'APPROVAL_NOT_ON_RECORD',
  tried,
  summary: `the target record does not show that anybody gave the approval ${approvalId} for what is there now`,
  remedy:
    'Nothing was erased. Find out how the job got this approval and whether the target record was replaced; then abort, and send the request again: the new job asks for another one.',
});
