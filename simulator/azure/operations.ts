import { randomUUID } from 'node:crypto';
import type { Engine } from './engine.ts';
import { type Handler, ok, stillRunning } from './handler.ts';
import { ArmError, type ArmReply, type ArmRequest } from './http.ts';
import * as runCommands from './run-commands.ts';
import { type AzureState, type Resource, subscriptionId } from './state.ts';

/** What takes time, in ARM’s forms: an operation that tells its state, or a Location that answers 202 until there is an end. */

type Operation = AzureState['operations'][string];

/** A new operation to be polled, as Network and Compute have them. */
export function operationHeaders(
  engine: Engine,
  { base, apiVersion, method }: ArmRequest,
  about: Pick<Resource, 'id' | 'location'>,
  namespace: string,
  more: { kind: Operation['kind']; lied?: boolean; doneAt?: number },
  id = randomUUID(),
): Record<string, string> {
  engine.state.operations[id] = { about: about.id, kind: more.kind, doneAt: more.doneAt ?? 0, ...(more.lied ? { lied: true } : {}) };
  const at = `${base}/subscriptions/${subscriptionId}/providers/${namespace}/locations/${about.location}`;
  // A change is looked at where it was made; what has no place of its own is waited for at a Location.
  const location = namespace === 'Microsoft.Network' ? `${at}/operationResults/${id}?` : `${at}/operations/${id}?monitor=true&`;
  return {
    'azure-asyncoperation': `${at}/operations/${id}?api-version=${apiVersion}`,
    'azure-asyncnotification': 'Enabled',
    ...(method === 'PUT' ? {} : { location: `${location}api-version=${apiVersion}` }),
  };
}

const needed = ({ state }: Engine, id: string): Operation => {
  const found = state.operations[id];
  if (!found) throw new ArmError(404, 'OperationNotFound', `The operation ${id} was not found.`);
  return found;
};

/** How an operation stands: what it changes tells, and the time that it takes. */
function stateOf(engine: Engine, { about, kind, lied, doneAt }: Operation): string {
  const resource = engine.find(about);
  const state = kind !== 'resource' || lied || !resource ? 'Succeeded' : engine.provisioningState(resource);
  return !['Succeeded', 'Failed'].includes(state) || Date.now() < doneAt ? 'InProgress' : state;
}

export const operation: Handler = (engine, request, [, id = '']) => {
  const found = needed(engine, id);
  const invoked = engine.state.invocations?.[id];
  const waited = request.query.get('monitor') === 'true';
  if (invoked) return waited ? runCommands.outcome(engine, request, invoked) : ok(runCommands.invocation(id, invoked));
  if (waited) return operationEnd(engine, request, ['', id]);
  const state = stateOf(engine, found);
  return ok({ status: state, name: id, ...(state === 'Failed' ? { error: engine.find(found.about)?.failure } : {}) });
};

/** The other form: 202 until there is an end. */
export const operationEnd = (engine: Engine, request: ArmRequest, [, id = '']: readonly string[]): ArmReply => {
  const found = needed(engine, id);
  const state = stateOf(engine, found);
  const { code, message } = engine.find(found.about)?.failure ?? { code: 'OperationFailed', message: 'The operation failed.' };
  if (state === 'Failed') throw new ArmError(409, code, message);
  return state === 'InProgress' ? stillRunning(engine, request, 10) : { status: found.kind === 'delete' ? 204 : 200 };
};

export const operationResult: Handler = (engine, request, [, token = '']) => {
  const { whatIfs } = engine.state;
  if (token.startsWith('whatif-') && whatIfs[token.slice('whatif-'.length)]) return ok(whatIfs[token.slice('whatif-'.length)]);
  const { about, doneAt } = needed(engine, token);
  const going = Object.values(engine.state.groups).some(({ id, deletion }) => deletion && id === about);
  if (Date.now() >= doneAt && !going) return { status: 200 };
  return stillRunning(engine, request, 15);
};
