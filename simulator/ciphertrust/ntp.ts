import type { World } from '../world.ts';
import { badValue, conflict } from './errors.ts';
import { type Call, find, list, noContent, ok, type Reply, type Route, remove, text } from './route.ts';
import type { ManagerState, NtpServer } from './state.ts';

/** A key is shown again to those who are signed in, as the Terraform provider reads it back; or not (docs/reference/ciphertrust.md#time-servers). */
const shown = ({ world }: Call, { host, key, key_type }: Omit<NtpServer, 'addedAt'>) => ({
  host,
  ...(key && world.variants['ciphertrust.ntpKeyShown'] !== 'no' ? { key } : {}),
  ...(key ? { key_type } : {}),
});

function wanted({ body }: Call): Omit<NtpServer, 'addedAt'> {
  const { key, key_type = 'SHA-256' } = body as { key?: string; key_type?: string };
  return { host: text(body, 'host'), ...(key ? { key, key_type } : {}) };
}

const exists = ({ world }: Call, message: string) => (world.variants['ciphertrust.duplicateStatus'] === '400' ? badValue(message) : conflict(message));

function add(call: Call): Reply {
  const { ntp } = call.state.data;
  const server = wanted(call);
  if (ntp.some(({ host }) => host === server.host)) throw exists(call, `NTP server ${server.host} already exists`);
  ntp.push({ ...server, addedAt: Date.now() });
  call.world.changed();
  return ok(shown(call, server), 201);
}

/** A server whose name says that it wants authentication does not answer without a key. */
const answers = ({ host, key }: NtpServer): boolean => key !== undefined || !host.includes('authenticated');

const isSynchronized = (world: World, server: NtpServer): boolean =>
  answers(server) && Date.now() >= server.addedAt + world.clock.realMs(world.durations.ntpSynchronization);

/** Does the clock follow any server? */
export const clockIsRight = (world: World, { data }: ManagerState): boolean => data.ntp.some((server) => isSynchronized(world, server));

const heading = '     remote           refid      st t when poll reach   delay   offset  jitter';

function status({ state: { data }, world }: Call): Reply {
  const followed = data.ntp.find((server) => isSynchronized(world, server));
  const rows = data.ntp.map((server) => {
    const mark = server === followed ? '*' : isSynchronized(world, server) ? '+' : ' ';
    const facts = isSynchronized(world, server)
      ? '.GOOG.           1 u   33   64  377    9.000    0.100   0.200'
      : '.INIT.          16 u    -   64    0    0.000    0.000   0.000';
    return `${mark}${server.host.slice(0, 15).padEnd(15)} ${facts}`;
  });
  if (world.variants['ciphertrust.ntpStatus'] === 'error' && !followed) return ok({ error: 'ntpq: read: Connection refused' });
  return ok({ 'ntpq -p': [heading, '='.repeat(78), ...rows, ''].join('\n') });
}

export const ntpRoutes: Route[] = [
  {
    operation: 'GET /v1/system/ntp/servers',
    answer: (call) =>
      list(
        call,
        call.state.data.ntp.map((server) => shown(call, server)),
      ),
  },
  { operation: 'POST /v1/system/ntp/servers', answer: add, lie: (call) => ok(shown(call, wanted(call)), 201) },
  {
    operation: 'GET /v1/system/ntp/servers/{id}',
    answer: (call) =>
      ok(
        shown(
          call,
          find(call.state.data.ntp, ({ host }) => host === call.id),
        ),
      ),
  },
  {
    operation: 'DELETE /v1/system/ntp/servers/{id}',
    answer: (call) => remove(call, call.state.data.ntp, ({ host }) => host === call.id),
    lie: () => noContent,
  },
  { operation: 'GET /v1/system/ntp/status', answer: status },
];
