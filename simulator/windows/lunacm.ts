import { type Entry, settle } from '../ledger.ts';
import { signInAsCryptoOfficer } from '../luna/ntls.ts';
import type { PartitionState } from '../luna/state.ts';
import type { LunaClient } from './luna-client.ts';

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
  /** Which role is signed in to the slot, in this run of lunacm. */
  role: { name?: 'po' | 'co' };
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

/** The partition in slot 0: what every command works on. */
function current({ client }: Run): PartitionState {
  const [seen] = client.slots();
  return (seen && client.connection()?.appliance.partition(seen.serial)) ?? fail('0x3 (CKR_SLOT_ID_INVALID)', 'There is no slot.');
}

function slotList({ client, print }: Run): void {
  const slots = client.slots();
  const blocks = slots.map(
    ({ label, serial }, slot) => `
  Slot Id ->              ${slot}
  Label ->                ${label}
  Serial Number ->        ${serial}
  Model ->                LunaSA 7.2.0
  Firmware Version ->     7.0.3
  Configuration ->        Luna User Partition With SO (PW) Signing With Cloning Mode
  Slot Description ->     Net Token Slot
`,
  );
  print(`\n  Available HSMs:\n${blocks.join('')}\n\n  Current Slot Id: ${slots.length > 0 ? '0' : 'None'}\n`);
}

/** Makes a change unless the weather lies about it. */
async function commit({ client, entry }: Run, minutes: number, change: () => void): Promise<void> {
  const { world } = client;
  const fault = await world.weather.strike(entry.operation);
  if (fault?.kind === 'fail' || fault?.kind === 'error') fail('0x30 (CKR_DEVICE_ERROR)', fault.message ?? 'The device reported an error.');
  await world.clock.sleepMinutes(minutes);
  if (fault?.kind === 'lie') return settle(entry, 'lied');
  change();
  settle(entry, 'done');
  world.changed();
}

const verbs: Record<string, Verb> = {
  'slot list': { options: {}, run: slotList },
  'slot set': { options: { slot: 's' }, run: (run, options) => void (need(options, 'slot') === '0' ? current(run) : fail('0x3 (CKR_SLOT_ID_INVALID)')) },
  'clientconfig deploy': {
    options: { server: 'n', client: 'c', partition: 'par', user: 'ur', password: 'pw' },
    switches: ['force', 'f', 'verbose', 'v', 'regen', 'rg'],
    run: deploy,
  },
  'clientconfig listservers': { options: {}, run: ({ client, print }) => print(`\n  Server: ${client.setting('ServerName00') || 'none'}\n`) },
  'clientconfig restart': { options: {}, switches: ['force', 'f'], run: slotList },
  'partition init': {
    options: { label: 'l', password: 'p', domain: 'd' },
    switches: ['force', 'f', 'defaultdomain', 'def', 'auth', 'a'],
    async run(run, options) {
      const partition = current(run);
      const [label, password, domain] = [need(options, 'label'), need(options, 'password'), options['domain'] ?? 'default'];
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
        ...(coMustChange ? ['CKF_USER_PIN_TO_BE_CHANGED'] : []),
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
  Slot Id ->                     0
  Partition Storage ->
                Total Storage Space:  ${sizeBytes}
`);
    },
  },
  'partition contents': {
    options: {},
    run(run) {
      const partition = current(run);
      if (run.role.name !== 'co') fail('0x101 (CKR_USER_NOT_LOGGED_IN)', 'You must be logged in to see the contents.');
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
      run.role.name = name === 'po' ? 'po' : 'co';
    },
  },
  'role logout': { options: {}, run: ({ role }) => void delete role.name },
  'role init': {
    options: { name: 'n', password: 'p' },
    async run(run, options) {
      const partition = current(run);
      const password = need(options, 'password');
      if (run.role.name !== 'po') fail('0x101 (CKR_USER_NOT_LOGGED_IN)');
      await commit(run, 0, () => Object.assign(partition, { coPassword: password, coMustChange: true, coAttemptsLeft: 10 }));
    },
  },
  'role changepw': {
    options: { name: 'n', oldpw: 'old', newpw: 'new' },
    switches: ['force', 'f', 'prompt', 'p'],
    async run(run, options) {
      const partition = current(run);
      if (run.role.name !== 'co') fail('0xb (User Cancelled Operation)', 'A role must be logged in to change password.');
      if (need(options, 'oldpw') !== partition.coPassword) fail('0xa0 (CKR_PIN_INCORRECT)');
      const password = need(options, 'newpw');
      await commit(run, 0, () => Object.assign(partition, { coPassword: password, coMustChange: false }));
    },
  },
  'role list': { options: {}, run: ({ print }) => print('\n   Roles:\n        Partition SO\n        Crypto Officer\n        Crypto User\n') },
  'role show': {
    options: { name: 'n' },
    run(run, options) {
      const partition = current(run);
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

function signInAsPo(partition: PartitionState, password: string): void {
  if (partition.poPassword === undefined) fail('0x102 (CKR_USER_PIN_NOT_INITIALIZED)', 'po is not yet initialized');
  if (partition.poPassword !== password) {
    partition.poAttemptsLeft -= 1;
    fail('0xa0 (CKR_PIN_INCORRECT)');
  }
  partition.poAttemptsLeft = 10;
}

const codeOf = (why: string): string =>
  why.includes('NOT_INITIALIZED') ? '0x102 (CKR_USER_PIN_NOT_INITIALIZED)' : why.includes('LOCKED') ? '0xa4 (CKR_PIN_LOCKED)' : '0xa0 (CKR_PIN_INCORRECT)';

/** One-step NTLS: a certificate for the client, the server’s certificate, registration and assignment, with the appliance’s own sign-in. */
async function deploy(run: Run, options: Options): Promise<void> {
  const { client, print } = run;
  const [server, name, partitionName, user, password] = ['server', 'client', 'partition', 'user', 'password'].map((option) => need(options, option));
  print('\n  Please wait while we set up the connection to the HSM.  This may take several minutes...\n');
  const appliance = client.world.appliances.get(server!) ?? fail('0x1 (General failure)', `Unable to reach ${server}.`);
  const known = appliance.state.users.find((candidate) => candidate.name === user);
  if (known?.password !== password || known?.mustChange) fail('0x1 (General failure)', 'Authentication to the appliance failed.');
  if (!appliance.state.hsm.partitions.some((partition) => partition.name === partitionName))
    fail('0x1 (General failure)', `Partition ${partitionName} does not exist.`);
  if (appliance.state.clients.some((registered) => registered.name === name))
    fail('0x1 (General failure)', 'A client with the same name has already been registered.');
  const before = { files: structuredClone(client.state.files) };
  const { certificatePath } = await client.createCertificate(name!, 3650);
  const certificatePem = client.files.text(certificatePath)!;
  let changed = false;
  await commit(run, client.world.durations.clientDeploy, () => {
    changed = true;
    client.addServer(server!, appliance.state.server.certificatePem);
    appliance.state.files[`${name}.pem`] = certificatePem;
    const isAddress = /^[\d.]+$/.test(name!);
    appliance.state.clients.push({ name: name!, ...(isAddress ? { ip: name! } : { hostname: name! }), certificatePem, partitions: [partitionName!] });
  });
  if (!changed) {
    for (const path of Object.keys(client.state.files)) delete client.state.files[path];
    Object.assign(client.state.files, before.files);
  }
  slotList(run);
}

const splitWords = (line: string): string[] => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

function readOptions(verb: Verb, args: string[]): Options {
  const options: Options = {};
  for (let at = 0; at < args.length; at++) {
    const given = args[at]!.replace(/^-/, '').toLowerCase();
    const [name] = Object.entries(verb.options).find(([full, short]) => full === given || short === given) ?? [];
    if (name) options[name] = args[++at];
    else if (!verb.switches?.includes(given)) fail('0x7 (CKR_ARGUMENTS_BAD)', `Invalid option ${args[at]}`);
  }
  return options;
}

/** Runs lines in one session of lunacm and gives what it prints. */
export async function lunacm(client: LunaClient, lines: string[], connection: string, quiet: boolean): Promise<string> {
  let output = quiet ? '' : `lunacm (64-bit) v${client.state.lunaClient?.version}-226. Copyright (c) 2018 SafeNet. All rights reserved.\n\n`;
  const print = (text: string) => {
    output += text;
  };
  const role = {};
  if (!quiet) slotList({ client, print, role, entry: undefined as never });
  for (const line of lines.map((text) => text.trim()).filter(Boolean)) {
    if (/^exit$/i.test(line)) break;
    print(`\nlunacm:>${line}\n`);
    print(await one(client, splitWords(line), connection, role));
  }
  return output;
}

async function one(client: LunaClient, line: string[], connection: string, role: Run['role']): Promise<string> {
  const name = `${line[0]} ${line[1] ?? ''}`.toLowerCase().replace('par con', 'partition contents').replace(/^par /, 'partition ');
  const verb = verbs[name];
  if (!verb) return '\n  Unknown command.\n\nCommand Result : 0x1 (Unknown command)\n';
  let output = '';
  const entry = client.world.ledger.arrive({
    system: 'lunacm',
    connection,
    operation: `lunacm:${name}`,
    target: client.state.address,
    destructive: name === 'partition init',
  });
  try {
    await verb.run({ client, entry, role, print: (text) => (output += text) }, readOptions(verb, line.slice(2)));
    if (entry.outcome === 'received') settle(entry, 'done');
    return `${output}\nCommand Result : No Error\n`;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    settle(entry, 'refused', error.message || error.result);
    return `${output}\n  ${error.message ? `Error in execution: ${error.message}` : ''}\n\nCommand Result : ${error.result}\n`;
  }
}
