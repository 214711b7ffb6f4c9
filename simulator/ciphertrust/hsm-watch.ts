import type { World } from '../world.ts';
import { isStarted, type ManagerState } from './state.ts';

const alarmAfterMinutes = 0.25;
const stopAfterMinutes = 5;

/** Does any HSM of its root of trust answer? */
const answers = (world: World, { data }: ManagerState): boolean =>
  data.hsmServers.some(({ config }) => world.appliances.get(config.host)?.state.ntls.running === true);

/** “HSM Offline”: a critical alarm after 15 s; after 5 minutes all services are shut down until the HSM returns (docs/reference/ciphertrust.md#hsm-offline). */
export function watchHsms(world: World, state: ManagerState): void {
  const { hsmOffline } = state;
  if (state.data.hsmServers.length === 0 || answers(world, state)) {
    if (!hsmOffline) return;
    delete state.hsmOffline;
    if (hsmOffline.stopped) state.boot = { ...state.boot, startedAt: world.clock.inMinutes(world.durations.cipherTrustReset) };
    world.changed();
  } else if (!hsmOffline) {
    if (!isStarted(state)) return;
    state.hsmOffline = { since: Date.now(), stopped: false };
    world.changed();
  } else if (!hsmOffline.stopped && Date.now() - hsmOffline.since >= world.clock.realMs(stopAfterMinutes)) {
    hsmOffline.stopped = true;
    world.changed();
  }
  if (state.hsmOffline && !state.alarmed && Date.now() - state.hsmOffline.since >= world.clock.realMs(alarmAfterMinutes)) {
    state.alarmed = new Date().toISOString();
    world.changed();
  }
  if (!state.hsmOffline) delete state.alarmed;
}

export interface Alarm {
  id: string;
  name: string;
  severity: 'critical';
  state: 'on';
  description: string;
  triggeredAt: string;
}

/** What `GET /system/alarms` lists. */
export const alarmsOf = ({ alarmed, data }: ManagerState): Alarm[] =>
  alarmed
    ? [
        {
          id: 'hsm-offline',
          name: 'HSM Offline',
          severity: 'critical',
          state: 'on',
          description: `No HSM of the root of trust answers: ${data.hsmServers.map(({ config }) => config.host).join(', ')}`,
          triggeredAt: alarmed,
        },
      ]
    : [];
