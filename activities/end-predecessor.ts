import { Context } from '@temporalio/activity';
import type { Hosts, Job } from '../domain/results.ts';
import { noPermitIn } from '../systems/fence.ts';
import { endPredecessor } from '../systems/windows/end-predecessor.ts';
import type { Attempt, Lasting } from './converge.ts';
import type { Systems } from './systems.ts';

/**
 * For a rule’s `endFirst`: ends what an earlier attempt left on the Windows host, and enters it in the step’s transcript. Where nothing of it runs there any more,
 * lunacm and vtl have done what they were told, and the step looks at once. Where something was ended, the HSM may still be at work for it; where the host cannot
 * be asked, nobody knows: both wait as long as without it.
 */
export const endingFirst =
  ({ windows, transcripts }: Pick<Systems, 'windows' | 'transcripts'>, left: Lasting) =>
  async (input: Job & Hosts, { signal }: Attempt): Promise<number> => {
    try {
      const ended = await onHost({ windows }, input, signal);
      if (ended.length === 0) return left.settleAfterEndMs;
      await transcripts.append(input.target, input.runId, Context.current().info.activityType, `${ended.join('\n')}\n`);
    } catch (error) {
      if (noPermitIn(error) || signal.aborted) throw error;
      Context.current().log.warn('What an earlier attempt left on the Windows host could not be ended. Waiting for it to end.', { error: String(error) });
    }
    return left.settleMs;
  };

async function onHost({ windows }: Pick<Systems, 'windows'>, input: Job & Hosts, signal: AbortSignal): Promise<string[]> {
  const { target, request, hsm } = input;
  const session = await windows.open(input, input.windows, signal);
  try {
    return await endPredecessor(session, { hsmAddress: hsm.address, target, certificateName: request.cipherTrust.address });
  } finally {
    session.end();
  }
}
