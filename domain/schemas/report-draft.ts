import { Type } from 'typebox';
import { ProvisioningRequest } from '../request-schema.ts';
import { progress } from './progress.ts';
import { stepOutputs } from './step-outputs.ts';

export const outcome = Type.Enum(['completed', 'rejected', 'aborted', 'cancelled', 'failed']);

/** What the steps found out, as far as they came. */
export const stepResults = Type.Partial(Type.Object(stepOutputs));

/** What the workflow knows at the end; the report step adds the transcripts. */
export const reportDraft = Type.Object({
  target: Type.String(),
  runId: Type.String(),
  outcome,
  finishedAt: Type.String(),
  request: ProvisioningRequest,
  progress,
  results: stepResults,
});
