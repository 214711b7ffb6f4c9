import { randomUUID } from 'node:crypto';
import { type Call, find, list, noContent, ok, type Reply, type Route, remove, text } from './route.ts';
import type { ManagerState } from './state.ts';

const trialSeconds = 90 * 86_400;

export const licensed = ({ data }: ManagerState): boolean => data.trial.status === 'activated' || data.licenses.length > 0;

const changeTrial =
  (status: 'activated' | 'deactivated', counts: boolean) =>
  ({ state: { data }, world, id }: Call): Reply => {
    const changed = { ...find([data.trial], (trial) => trial.id === id), status, [`${status}_at`]: new Date().toISOString() };
    if (counts) {
      data.trial = changed;
      world.changed();
    }
    return ok(changed, Number(world.variants['ciphertrust.trialStatus'] ?? 200));
  };

const addLicense =
  (counts: boolean) =>
  ({ state: { data }, world, body }: Call): Reply => {
    const license = { id: randomUUID(), license: text(body, 'license'), bind_type: (body['bind_type'] as string | undefined) ?? 'cluster' };
    if (counts) {
      data.licenses.push(license);
      world.changed();
    }
    return ok({ state: 'active', bind_type: license.bind_type }, 201);
  };

const shown = ({ id, bind_type }: ManagerState['data']['licenses'][number]) => ({ id, bind_type, state: 'active', type: 'cm' });

export const licensingRoutes: Route[] = [
  { operation: 'GET /v1/licensing/trials', answer: (call) => list(call, [call.state.data.trial]) },
  { operation: 'GET /v1/licensing/trials/{id}', answer: ({ state, id }) => ok(find([state.data.trial], (trial) => trial.id === id)) },
  { operation: 'POST /v1/licensing/trials/{id}/activate', answer: changeTrial('activated', true), lie: changeTrial('activated', false) },
  { operation: 'POST /v1/licensing/trials/{id}/deactivate', answer: changeTrial('deactivated', true), lie: changeTrial('deactivated', false) },
  { operation: 'GET /v1/licensing/licenses', answer: (call) => list(call, call.state.data.licenses.map(shown)) },
  { operation: 'POST /v1/licensing/licenses', answer: addLicense(true), lie: addLicense(false) },
  { operation: 'GET /v1/licensing/licenses/{id}', answer: ({ state, id }) => ok(shown(find(state.data.licenses, (license) => license.id === id))) },
  {
    operation: 'DELETE /v1/licensing/licenses/{id}',
    answer: (call) => remove(call, call.state.data.licenses, ({ id }) => id === call.id),
    lie: () => noContent,
  },
  {
    operation: 'GET /v1/licensing/features',
    answer: (call) => list(call, licensed(call.state) ? [{ name: 'HSM Root of Trust', status: 'active', trial_seconds_remaining: trialSeconds }] : []),
  },
  { operation: 'GET /v1/licensing/lockdata', answer: ({ state }) => ok({ code: `*1FW ${state.name}`, cluster_code: `*17Z ${state.name}` }) },
];
