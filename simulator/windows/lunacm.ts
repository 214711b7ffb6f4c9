import { type Entry, settle } from '../ledger.ts';
import { signInAsCryptoOfficer } from '../luna/ntls.ts';
import type { PartitionState } from '../luna/state.ts';
import { deployClient } from './client-deploy.ts';
import type { LunaClient } from './luna-client.ts';
import { type Slot, slotsOf } from './slots.ts';

/** The connection over which it was started. */
export interface Caller {
  connection: string;
  hangUp(): void;
}

class Failed extends Error {
  readonly result: string;

  constructor(result: string, why = '') {
    super(why);
    this.result = result;
  }
}

type Options = Record<string, string | undefined>;
interface Run {
  client: LunaClient;
  print: (text: string) => void;
  entry: Entry;
  session: Session;
}
/** One run of lunacm: the slots that it found, which of them is the current one, and which role is signed in to it. */
interface Session {
  caller: Caller;
  slots: Slot[];
  slot: number;
  role?: 'po' | 'co' | undefined;
}
interface Verb {
  options: Record<string, string>;
  switches?: string[];
  run(run: Run, options: Options): Promise<void> | void;
}

const need = (options: Options, name: string): string => options[name] ?? fail('0x7 (CKR_ARGUMENTS_BAD)', `Option -${name} is required.`);
const fail = (result: string, why?: string): never => {
  throw new Failed(result, why);
};

/** Without it a question is asked, and nobody is there to answer. */
const needForce = ({ force, f }: Options): void => {
  if ((force ?? f) === undefined) fail('0xb (User Cancelled Operation)', "Type 'proceed' to continue, or 'quit' to quit now ->");
};

/** The partition in the current slot: what every command works on. */
const current = ({ session }: Run): PartitionState => session.slots[session.slot]?.partition ?? fail('0x3 (CKR_SLOT_ID_INVALID)', 'There is no slot.');

function slotList({ print, session: { slots, slot } }: Pick<Run, 'print' | 'session'>): void {
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

/** Makes a change unless the weather lies about it. A program goes on when the connection that started it is cut. */
async function commit({ client, entry, session }: Run, minutes: number, change: () => void): Promise<void> {
  const { world } = client;
  const fault = await world.weather.strike(entry.operation);
  if (fault?.kind === 'reset' || fault?.kind === 'reset-after-accept') session.caller.hangUp();
  if (fault?.kind === 'reset') fail('0x30 (CKR_DEVICE_ERROR)', 'The connection to the HSM was lost.');
  if (fault?.kind === 'fail' || fault?.kind === 'error') fail('0x30 (CKR_DEVICE_ERROR)', fault.message ?? 'The device reported an error.');
  await world.clock.sleepMinutes(minutes + (fault?.kind === 'slow' ? (fault.amount ?? 1) : 0));
  if (fault?.kind === 'lie') return settle(entry, 'lied');
  change();
  settle(entry, 'done');
  world.changed();
}

const verbs: Record<string, Verb> = {
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
  'partition init': {
    options: { label: 'l', password: 'p', domain: 'd' },
    switches: ['force', 'f', 'defaultdomain', 'def', 'auth', 'a'],
    async run(run, options) {
      const partition = current(run);
      const [label, password, domain] = [need(options, 'label'), need(options, 'password'), options['domain'] ?? 'default'];
      needForce(options);
      await commit(run, run.client.world.durations.partitionInit, () => {
        Object.assign(partition, { label, poPassword: password, domain, objects: [], poAttemptsLeft: 10, coAttemptsLeft: 10, coMustChange: false });
        delete partition.coPassword;
      });
    },
  },
  'partition showinfo': {
    options: {},
    run(run) {
      const { label, serial, sizeBytes, poPassword, coPassword, coMustChange } = current(run);
      const flags = [
        ...(poPassword ? ['CKF_TOKEN_INITIALIZED'] : []),
        ...(coPassword ? ['CKF_USER_PIN_INITIALIZED'] : []),
        ...(coMustChange && tellsRoles(run) ? ['CKF_USER_PIN_TO_BE_CHANGED'] : []),
      ];
      run.print(`
  Partition Label ->             ${label}
  Partition Manufacturer ->      Safenet, Inc.
  Partition Model ->             LunaSA 7.2.0
  Partition Serial Number ->     ${serial}
  Partition Status ->            OK
  Token Flags ->
                CKF_RNG
                CKF_LOGIN_REQUIRED
${flags.map((flag) => `                ${flag}`).join('\n')}
  RPV Initialized ->             Not Supported
  Slot Id ->                     ${run.session.slot}
  Partition Storage ->
                Total Storage Space:  ${sizeBytes}
`);
    },
  },
  'partition contents': {
    options: {},
    run(run) {
      const partition = current(run);
      if (run.session.role !== 'co') fail('0x101 (CKR_USER_NOT_LOGGED_IN)', 'You must be logged in to see the contents.');
      run.print(`
  The 'Crypto Officer' is currently logged in. Looking for objects
  accessible to the 'Crypto Officer'.

  Object list:
${partition.objects.map((label, index) => `\n        Label:         ${label}\n        Handle:        ${index + 12}\n        Object Type:   Symmetric Key\n        Object UID:    ${'0'.repeat(23)}${index}`).join('\n')}

  Number of objects:  ${partition.objects.length}
`);
    },
  },
  'role login': {
    options: { name: 'n', password: 'p' },
    async run(run, options) {
      const partition = current(run);
      const [name, password] = [need(options, 'name').toLowerCase(), need(options, 'password')];
      if (name === 'po') signInAsPo(partition, password);
      else {
        const mustChange = partition.coMustChange;
        const seen = signInAsCryptoOfficer({ ...partition, coMustChange: false }, password);
        partition.coAttemptsLeft = seen.ok ? 10 : Math.max(0, partition.coAttemptsLeft - (partition.coPassword === undefined ? 0 : 1));
        run.client.world.changed();
        if (!seen.ok) fail(codeOf(seen.why), seen.why);
        if (mustChange) run.print('\n  Warning: the password must be changed before this role can be used.\n');
      }
      run.session.role = name === 'po' ? 'po' : 'co';
    },
  },
  'role logout': { options: {}, run: ({ session }) => void delete session.role },
  'role init': {
    options: { name: 'n', password: 'p' },
    async run(run, options) {
      const partition = current(run);
      const password = need(options, 'password');
      if (run.session.role !== 'po') fail('0x101 (CKR_USER_NOT_LOGGED_IN)');
      await commit(run, 0, () => Object.assign(partition, { coPassword: password, coMustChange: true, coAttemptsLeft: 10 }));
    },
  },
  'role changepw': {
    options: { name: 'n', oldpw: 'old', newpw: 'new' },
    switches: ['force', 'f', 'prompt', 'p'],
    async run(run, options) {
      const partition = current(run);
      if (run.session.role !== 'co') fail('0xb (User Cancelled Operation)', 'A role must be logged in to change password.');
      if (need(options, 'oldpw') !== partition.coPassword) fail('0xa0 (CKR_PIN_INCORRECT)');
      const password = need(options, 'newpw');
      needForce(options);
      await commit(run, 0, () => Object.assign(partition, { coPassword: password, coMustChange: false }));
    },
  },
  'role list': { options: {}, run: ({ print }) => print('\n   Roles:\n        Partition SO\n        Crypto Officer\n        Crypto User\n') },
  'role show': {
    options: { name: 'n' },
    run(run, options) {
      const partition = current(run);
      if (!tellsRoles(run)) fail('0x1 (Unknown command)', 'Subcommand "show" not found.');
      const po = need(options, 'name').toLowerCase() === 'po';
      const initialised = po ? partition.poPassword !== undefined : partition.coPassword !== undefined;
      const left = po ? partition.poAttemptsLeft : partition.coAttemptsLeft;
      run.print(`
  State of role '${po ? 'Partition SO' : 'Crypto Officer'}':
        Primary authentication type:   ${initialised ? 'Password' : 'Not initialized'}
        Secondary authentication type: None
        Failed login attempts before lockout:  ${left}
        Change password on next login: ${!po && partition.coMustChange ? 'Yes' : 'No'}
`);
    },
  },
};

/** By the quirk `lunacm.roles`, a client tells nothing about the state of roles. */
const tellsRoles = ({ client: { world } }: Run): boolean => world.quirks['lunacm.roles'] !== 'untold';

function signInAsPo(partition: PartitionState, password: string): void {
  if (partition.poPassword === undefined) fail('0x102 (CKR_USER_PIN_NOT_INITIALIZED)', 'po is not yet initialized');
  if (partition.poAttemptsLeft === 0) fail('0xa4 (CKR_PIN_LOCKED)');
  if (partition.poPassword !== password) {
    partition.poAttemptsLeft -= 1;
    fail('0xa0 (CKR_PIN_INCORRECT)');
  }
  partition.poAttemptsLeft = 10;
}

const codeOf = (why: string): string =>
  why.includes('NOT_INITIALIZED') ? '0x102 (CKR_USER_PIN_NOT_INITIALIZED)' : why.includes('LOCKED') ? '0xa4 (CKR_PIN_LOCKED)' : '0xa0 (CKR_PIN_INCORRECT)';

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

const splitWords = (line: string): string[] => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

function readOptions(verb: Verb, args: string[]): Options {
  const options: Options = {};
  for (let at = 0; at < args.length; at++) {
    const given = args[at]!.replace(/^-/, '').toLowerCase();
    const [name] = Object.entries(verb.options).find(([full, short]) => full === given || short === given) ?? [];
    if (name) options[name] = args[++at];
    else if (verb.switches?.includes(given)) options[given] = given;
    else fail('0x7 (CKR_ARGUMENTS_BAD)', `Invalid option ${args[at]}`);
  }
  return options;
}

/** Runs lines in one session of lunacm and gives what it prints. */
export async function lunacm(client: LunaClient, lines: string[], caller: Caller, quiet: boolean): Promise<string> {
  const session: Session = { caller, slots: slotsOf(client, caller.connection), slot: 0 };
  let output = quiet ? '' : `lunacm (64-bit) v${client.state.lunaClient?.version}-226. Copyright (c) 2018 SafeNet. All rights reserved.\n\n`;
  const print = (text: string) => {
    output += text;
  };
  if (!quiet) slotList({ print, session });
  for (const line of lines.map((text) => text.trim()).filter(Boolean)) {
    if (/^exit$/i.test(line)) break;
    print(`\nlunacm:>${line}\n`);
    print(await one(client, splitWords(line), session));
  }
  return output;
}

async function one(client: LunaClient, line: string[], session: Session): Promise<string> {
  const name = `${line[0]} ${line[1] ?? ''}`.toLowerCase().replace('par con', 'partition contents').replace(/^par /, 'partition ');
  const verb = verbs[name];
  if (!verb) return '\n  Unknown command.\n\nCommand Result : 0x1 (Unknown command)\n';
  let output = '';
  const entry = client.world.ledger.arrive({
    system: 'lunacm',
    connection: session.caller.connection,
    operation: `lunacm:${name}`,
    target: client.state.address,
    destructive: name === 'partition init',
  });
  try {
    await verb.run({ client, entry, session, print: (text) => (output += text) }, readOptions(verb, line.slice(2)));
    if (entry.outcome === 'received') settle(entry, 'done');
    return `${output}\nCommand Result : No Error\n`;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    settle(entry, 'refused', error.message || error.result);
    return `${output}\n  ${error.message ? `Error in execution: ${error.message}` : ''}\n\nCommand Result : ${error.result}\n`;
  }
}
