import { deployClient } from '../client-deploy.ts';
import { slotsOf } from '../slots.ts';
import { commit, fail, need, type Options, type Run, type Verb } from './verb.ts';

export function slotList({ print, session: { slots, slot } }: Pick<Run, 'print' | 'session'>): void {
  const blocks = slots.map(
    ({ partition: { label, serial }, description }, id) => `
  Slot Id ->              ${id}
  Label ->                ${label}
  Serial Number ->        ${serial}
  Model ->                LunaSA 7.2.0
  Firmware Version ->     7.0.3
  Configuration ->        Luna User Partition With SO (PW) Signing With Cloning Mode
  Slot Description ->     ${description}
`,
  );
  print(`\n  Available HSMs:\n${blocks.join('')}\n\n  Current Slot Id: ${slots.length > 0 ? slot : 'None'}\n`);
}

/** Looks for slots anew. */
function rescan({ client, session }: Pick<Run, 'client' | 'session'>): void {
  Object.assign(session, { slots: slotsOf(client, session.caller.connection), slot: 0, role: undefined });
}

/** Which slots there are, and the trust link that gives one. */
export const slotVerbs: Record<string, Verb> = {
  'slot list': { options: {}, run: slotList },
  'slot set': {
    options: { slot: 's' },
    run({ session }, options) {
      const slot = Number(need(options, 'slot'));
      if (!session.slots[slot]) fail('0x3 (CKR_SLOT_ID_INVALID)');
      if (slot !== session.slot) delete session.role;
      session.slot = slot;
    },
  },
  'clientconfig deploy': {
    options: { server: 'n', client: 'c', partition: 'par', user: 'ur', password: 'pw' },
    switches: ['force', 'f', 'verbose', 'v', 'regen', 'rg'],
    run: deploy,
  },
  'clientconfig listservers': { options: {}, run: ({ client, print }) => print(`\n  Server: ${client.setting('ServerName00') || 'none'}\n`) },
  'clientconfig restart': {
    options: {},
    switches: ['force', 'f'],
    run(run) {
      rescan(run);
      slotList(run);
    },
  },
};

async function deploy(run: Run, options: Options): Promise<void> {
  const [server, name, partition, user, password] = ['server', 'client', 'partition', 'user', 'password'].map((option) => need(options, option));
  run.print('\n  Please wait while we set up the connection to the HSM.  This may take several minutes...\n');
  const { clientDeploy } = run.client.world.durations;
  const wanted = { server: server!, name: name!, partition: partition!, user: user!, password: password! };
  const refused = await deployClient(run.client, wanted, (change) => commit(run, clientDeploy, change));
  if (refused) fail('0x1 (General failure)', refused);
  rescan(run);
  slotList(run);
}
