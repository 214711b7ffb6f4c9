import type { ProblemOf } from '../domain/failure.ts';

/** Why nothing is erased: the engine has an approval, and the target record does not know that a person gave it. */
export const approvalNotOnRecord = (tried: string, approvalId = 'without an id'): ProblemOf<'Unsafe'> => ({
  code: 'APPROVAL_NOT_ON_RECORD',
  tried,
  summary: `the target record does not show the approval ${approvalId} for the current contents`,
  remedy:
    'Nothing was erased. Find out how the job got this approval and whether the target record was replaced. Then abort and send the request again: the new job asks for a new approval.',
});
