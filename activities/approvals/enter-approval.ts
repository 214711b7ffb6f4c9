import type { ApprovalGranted, StepContext } from '../../domain/results.ts';
import { isGranted } from '../../stores/record/memory.ts';
import { act, converge, done } from '../converge.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

/**
 * Enters an approval in the target record as soon as it counts: what erases requires that entry beside the engine's word. A workflow that was reset, or a step
 * that was called with an approval nobody gave, has none.
 */
export const enterApproval = (systems: Pick<Systems, 'records'>) =>
  converge<StepContext & ApprovalGranted, boolean, object, 'enter'>({
    observe: async (input, attempt) => isGranted(await recordOf(systems, input, attempt, 'approvals').read(), input),
    decide: (isThere) => (isThere ? done({}) : act('enter')),
    act: {
      enter: async (input, _, attempt) => {
        const { approvalId, digest, actor } = input;
        await recordOf(systems, input, attempt, 'approvals').append('approval-granted', { approvalId, digest, actor });
      },
    },
  });
