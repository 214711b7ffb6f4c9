import type { Client } from '@temporalio/client';
import { arrayFromPayloads, type Payload } from '@temporalio/common';
import { type AmendedField, amend, type StepStates } from '../domain/amendments.ts';
import { decisionOf, type ResolveSignal } from '../domain/decisions.ts';
import type { DecisionView } from '../domain/progress.ts';
import type { ProvisioningRequest } from '../domain/request.ts';
import { catalog, forAllSteps, type StepId } from '../domain/steps.ts';
import { validateRequest } from '../domain/validate.ts';
import { signalNames } from '../temporal/contract.ts';
import { HttpProblem } from './problem.ts';
import { ask } from './temporal.ts';

interface Run {
  id: string;
  runId: string;
  decisions: readonly DecisionView[];
}

const untouched: StepStates<StepId> = forAllSteps(() => ({ state: 'pending' }));

/** The first value of a payload, through each codec, the last one first. */
async function decoded({ options: { loadedDataConverter, namespace } }: Client, workflowId: string, payloads: Payload[] | null = []): Promise<unknown> {
  const context = { type: 'workflow', namespace, workflowId } as const;
  let plain = payloads ?? [];
  for (const codec of loadedDataConverter.payloadCodecs.toReversed()) plain = await codec.decode(plain, context);
  return arrayFromPayloads(loadedDataConverter.payloadConverter, plain, context)[0];
}

/** The request that a run goes by: what it was started with, and every amendment that counted. Read from its history, so that no worker is needed. */
export async function currentRequest(client: Client, { id, runId, decisions }: Run): Promise<ProvisioningRequest> {
  const { events } = await ask(client, () => client.workflow.getHandle(id, runId).fetchHistory());
  const input = await decoded(client, id, events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads);
  const started = validateRequest(typeof input === 'object' && input !== null && 'request' in input ? input.request : undefined);
  if (!started.ok)
    throw new HttpProblem(
      409,
      'The request cannot be amended',
      'The job was not started through the API, and its request is not valid. Nothing was changed. Retry without an amendment, or abort and send a valid request.',
    );
  let { request } = started;
  const counted = new Set<DecisionView>();
  for (const { workflowExecutionSignaledEventAttributes: signal } of events ?? []) {
    if (signal?.signalName !== signalNames.resolve) continue;
    const { decision } = decisionOf('resolve', await decoded(client, id, signal.input?.payloads));
    if (decision?.kind !== 'resolve') continue;
    const amended = amend(request, decision.amendment, { steps: catalog, states: untouched });
    const view = amended.ok && decisions.find((one) => !counted.has(one) && isOf(one, decision, amended.changes));
    if (!view) continue;
    counted.add(view);
    request = amended.request;
  }
  return request;
}

/** Is this the signal of the decision, which changed just that? One that was refused may have been corrected and sent again under the same id. */
const isOf = ({ decisionId, about, actor, changes, verdict }: DecisionView, signal: ResolveSignal, amended: readonly AmendedField[]): boolean =>
  verdict === 'accepted' &&
  changes !== undefined &&
  signal.decisionId === decisionId &&
  signal.incidentId === about &&
  signal.actor === actor &&
  valuesIn(changes) === valuesIn(amended);

const valuesIn = (changes: readonly AmendedField[]): string => JSON.stringify(changes.map(({ path, after }) => [path, after]));

/** Refuses an amendment with every mistake at once: fields that cannot change any more, misshapen values, and broken rules. */
export function checkAmendment(request: ProvisioningRequest, amendment: unknown, states: StepStates<StepId>): void {
  const amended = amend(request, amendment, { steps: catalog, states });
  const validated = validateRequest(amended.request);
  const ofRequest = validated.ok ? [] : validated.mistakes;
  const ofFields = amended.ok ? [] : amended.mistakes.filter(({ path }) => !ofRequest.some((mistake) => mistake.path === path));
  const mistakes = [...ofFields, ...ofRequest];
  if (mistakes.length === 0) return;
  throw new HttpProblem(422, 'Invalid amendment', `${mistakes.length} ${mistakes.length === 1 ? 'mistake' : 'mistakes'}; nothing was changed.`, {
    errors: mistakes.map(({ path, message }) => ({ pointer: path || '/', detail: message })),
  });
}
