import type { Client } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { amend, type StepStates } from '../domain/amendments.ts';
import type { DecisionView } from '../domain/progress.ts';
import type { ProvisioningRequest } from '../domain/request.ts';
import { catalogue, type StepId, stepIds } from '../domain/steps.ts';
import { validateRequest } from '../domain/validate.ts';
import { signalNames } from '../temporal/contract.ts';
import { Problem } from './problem.ts';
import { ask } from './temporal.ts';

interface Run {
  id: string;
  runId: string;
  decisions: readonly DecisionView[];
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;

const untouched = Object.fromEntries(stepIds.map((id) => [id, { state: 'pending' }])) as StepStates<StepId>;

/** The request that a run goes by: what it was started with, and every amendment that counted. Read from its history, so that no worker is needed. */
export async function currentRequest(client: Client, { id, runId, decisions }: Run): Promise<ProvisioningRequest> {
  const { events } = await ask(client, () => client.workflow.getHandle(id, runId).fetchHistory());
  const { loadedDataConverter, namespace } = client.options;
  const decoded = (payloads: Parameters<typeof decodeArrayFromPayloads>[1]) =>
    decodeArrayFromPayloads(loadedDataConverter, payloads, { type: 'workflow', namespace, workflowId: id });
  const [input] = await decoded(events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads);
  const started = validateRequest(field(input, 'request'));
  if (!started.ok) throw new Problem(409, 'The request cannot be amended', 'The job was started around the API, with a request that does not validate.');
  let { request } = started;
  const counted = new Set<DecisionView>();
  for (const { workflowExecutionSignaledEventAttributes: signal } of events ?? []) {
    if (signal?.signalName !== signalNames.resolve) continue;
    const [payload] = await decoded(signal.input?.payloads);
    const decision = decisions.find((view) => !counted.has(view) && isOf(view, payload));
    if (!decision) continue;
    counted.add(decision);
    const amended = amend(request, field(payload, 'amendment'), { steps: catalogue, states: untouched });
    if (amended.ok) request = amended.request;
  }
  return request;
}

/** Is this the signal of the decision, which changed something? */
const isOf = ({ decisionId, about, actor, changes, verdict }: DecisionView, payload: unknown): boolean =>
  verdict === 'accepted' &&
  changes !== undefined &&
  field(payload, 'decisionId') === decisionId &&
  field(payload, 'incidentId') === about &&
  field(payload, 'actor') === actor;

/** Refuses an amendment with every mistake at once: fields that cannot change any more, misshapen values, and broken rules. */
export function checkAmendment(request: ProvisioningRequest, amendment: unknown, states: StepStates<StepId>): void {
  const amended = amend(request, amendment, { steps: catalogue, states });
  const validated = validateRequest(amended.request);
  const ofRequest = validated.ok ? [] : validated.mistakes;
  const ofFields = amended.ok ? [] : amended.mistakes.filter(({ path }) => !ofRequest.some((mistake) => mistake.path === path));
  const mistakes = [...ofFields, ...ofRequest];
  if (mistakes.length === 0) return;
  throw new Problem(422, 'The amendment cannot be taken', `${mistakes.length} ${mistakes.length === 1 ? 'mistake' : 'mistakes'}; nothing was changed.`, {
    errors: mistakes.map(({ path, message }) => ({ pointer: path || '/', detail: message })),
  });
}
