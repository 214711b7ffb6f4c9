import type { Entry } from '../../request-log.ts';
import { required } from '../parse.ts';
import { CommandError, commit, confirm, type Session } from '../session.ts';
import { erasePartitions, type HsmState, initialize, refuseSo, storageBytes, zeroize } from '../state.ts';
import { wordsOf } from '../words.ts';
import type { Command } from './command.ts';

const attempts = ({ zeroized, soAttemptsLeft }: HsmState): string => (zeroized ? 'HSM IS ZEROIZED !!!!' : `${soAttemptsLeft} before HSM zeroization!`);

export const inUse = ({ partitions }: HsmState): number => partitions.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

const show: Command = {
  words: ['hsm', 'show'],
  options: {},
  async run({ world, state: { hsm }, soSignedIn, print }) {
    const words = wordsOf(world);
    const partitions =
      hsm.partitions.length === 0 ? ['   There are no partitions.'] : hsm.partitions.map(({ serial, name }) => `   Partition:  ${serial}, Name: ${name}`);
    print(`

   Appliance Details:
   ==================
   Software Version:                ${words.software}

   HSM Details:
   ============
   HSM Label:                          ${hsm.label || words.noLabel}
   Serial #:                           ${hsm.serial}
   Firmware:                           7.0.3
   ${words.model}
   HSM Part Number:                    808-000066-001
   Authentication Method:              Password
   HSM Admin login status:             ${soSignedIn ? 'Logged In' : 'Not Logged In'}
   HSM Admin login attempts left:      ${attempts(hsm)}
   RPV Initialized:                    No
   Audit Role Initialized:             Yes
   Remote Login Initialized:           No
   Manually Zeroized:                  No
   Secure Transport Mode:              No
   HSM Tamper State:                   No tamper(s)

   Partitions created on HSM:
   ==============================
${partitions.join('\n')}


   Number of partitions allowed:        10
   Number of partitions created:        ${hsm.partitions.length}

   FIPS 140-2 Operation:
   =====================
   The HSM is ${hsm.fips ? 'in' : 'NOT in'} FIPS 140-2 approved operation mode.

   HSM Storage Information:
   ========================
   Maximum HSM Storage Space (Bytes):   ${storageBytes}
   Space In Use (Bytes):                ${inUse(hsm)}
   Free Space Left (Bytes):             ${storageBytes - inUse(hsm)}

   Environmental Information on HSM:
   =================================
   Battery Voltage:                     3.093 V
   Battery Warning Threshold Voltage:   2.750 V
   System Temp:                         35 deg. C
   System Temp Warning Threshold:       75 deg. C

`);
  },
};

async function chosen(session: Session, what: string, given: string | true | undefined): Promise<string> {
  if (typeof given === 'string') return given;
  const apart = what.startsWith('password') && session.world.variants['luna.initQuestion'] === 'at-once' ? '' : '\n';
  const first = await session.ask(`${apart}  Please enter a ${what}:\n  > `, 'stars');
  const again = await session.ask(`\n  Please re-enter ${what.startsWith('password') ? 'password' : 'cloning domain'} to confirm:\n  > `, 'stars');
  if (first !== again) throw new CommandError(['Error:  The entries do not match.']);
  return first;
}

const askForSo = (session: Session): Promise<string> => session.ask("  Please enter the HSM Administrators' password:\n  > ", 'stars');

/** A wrong password costs an attempt, and the third one the HSM. */
function checkSo(session: Session, entry: Entry, command: string, password: string): void {
  const { hsm } = session.state;
  if (password === hsm.soPassword) return;
  entry.destructive = true;
  refuseSo(session.state);
  session.world.changed();
  throw hsm.zeroized
    ? new CommandError(
        [`Error:  '${command}' failed. (30000F : LUNA_RET_SO_LOGIN_FAILURE_THRESHOLD)`, '', 'Error:    The HSM is in the factory reset (zeroized) state.'],
        session.world.variants['luna.lastFailureResult'] === '65535' ? 65535 : 0,
      )
    : new CommandError([`Error:  '${command}' failed. (A00000 : LUNA_RET_UM_PIN_INCORRECT)`]);
}

const init: Command = {
  words: ['hsm', 'init'],
  options: { label: 'value', domain: 'value', password: 'value', defaultdomain: 'switch', applytemplate: 'value', authtimeconfig: 'switch', force: 'switch' },
  async run(session, options, entry) {
    const { hsm } = session.state;
    const label = required(options, 'label').slice(0, 32);
    const needsSo = !hsm.zeroized && !session.soSignedIn;
    if (needsSo && session.world.variants['luna.softInit'] === 'asks') checkSo(session, entry, 'hsm init', await askForSo(session));
    else if (needsSo)
      throw new CommandError([
        `Error:  'hsm init' failed. (1010000 : LUNA_RET_USER_NOT_LOGGED_IN)`,
        'Error:  The HSM Administrator must be logged in to re-initialize the HSM.',
      ]);
    const soft = !hsm.zeroized;
    const password = soft ? hsm.soPassword! : await chosen(session, 'password for the HSM Administrator', options['password']);
    if (password.length < 7 || password.length > 255) throw new CommandError([`Error:  'hsm init' failed. (A20000 : LUNA_RET_UM_PIN_LEN_RANGE)`]);
    const domain = soft
      ? hsm.domain!
      : options['defaultdomain']
        ? 'default'
        : await chosen(session, 'cloning domain to use for initializing this HSM', options['domain']);
    if (!options['force'])
      await confirm(
        session,
        [
          '  CAUTION:  Are you sure you wish to initialize this HSM?',
          '',
          "            Type 'proceed' to initialize the HSM, or 'quit'",
          '            to quit now.',
        ],
        '            > ',
      );
    await commit(session, entry, session.world.durations.hsmInit, () => {
      initialize(session.state, { label, soPassword: password, domain });
      session.state.counts.inits += 1;
    });
    session.print("  'hsm init' successful.\n");
  },
};

const login: Command = {
  words: ['hsm', 'login'],
  options: { password: 'value', force: 'switch' },
  async run(session, options, entry) {
    const { hsm } = session.state;
    if (hsm.zeroized)
      throw new CommandError([
        `Error:  'hsm login' failed. (1020000 : LUNA_RET_USER_PIN_NOT_INITIALIZED)`,
        'Error:  The HSM is in the factory reset (zeroized) state.',
      ]);
    if (hsm.soAttemptsLeft === 2)
      session.print(
        '\nCaution:  You have only TWO HSM Admin logins attempts left. If\n          you fail two more consecutive login attempts (i.e.\n          with no successful logins in between) the HSM will\n          be ZEROIZED!!!\n',
      );
    if (hsm.soAttemptsLeft === 1 && !options['force'])
      await confirm(session, [
        'Caution:  This is your LAST available HSM Admin login attempt.',
        '          If the wrong HSM Admin password is provided the HSM will',
        '          be ZEROIZED!!!',
        '',
        "          Type 'proceed' if you are certain you have the right",
        "          HSM Admin login credentials or 'quit' to quit now.",
      ]);
    const password = typeof options['password'] === 'string' ? options['password'] : await askForSo(session);
    checkSo(session, entry, 'hsm login', password);
    await commit(session, entry, 0, () => {
      hsm.soAttemptsLeft = 3;
      session.soSignedIn = true;
    });
    session.print("\n\n'hsm login' successful.\n");
  },
};

const logout: Command = {
  words: ['hsm', 'logout'],
  options: {},
  async run(session) {
    session.soSignedIn = false;
    session.print("\n'hsm logout' successful.\n");
  },
};

const changePolicy: Command = {
  words: ['hsm', 'changePolicy'],
  options: { policy: 'value', value: 'value', force: 'switch' },
  async run(session, options, entry) {
    const { hsm } = session.state;
    if (!session.soSignedIn) throw new CommandError([`Error:  'hsm changePolicy' failed. (1010000 : LUNA_RET_USER_NOT_LOGGED_IN)`]);
    if (required(options, 'policy') !== '12') throw new CommandError([`Error:  'hsm changePolicy' failed. (130000 : LUNA_RET_ATTRIBUTE_VALUE_INVALID)`]);
    const value = required(options, 'value');
    if (!options['force']) await confirm(session, wordsOf(session.world).changePolicy, '        >');
    await commit(session, entry, session.world.durations.hsmChangePolicy, () => {
      if (session.world.variants['luna.changePolicy'] === 'zeroizes') zeroize(session.state);
      erasePartitions(session.state);
      session.state.counts.policyChanges += 1;
      hsm.fips = value === '0';
      if (session.world.variants['luna.soStaysSignedIn'] !== 'yes') session.soSignedIn = false;
    });
    session.print(`'hsm changePolicy' successful.\n\nPolicy Allow non-FIPS algorithms is now set to value: ${value}\n`);
  },
};

const showPolicies: Command = {
  words: ['hsm', 'showPolicies'],
  options: {},
  async run({ state: { hsm }, print }) {
    print(`
   HSM Label:   ${hsm.label}
   Serial #:    ${hsm.serial}
   Firmware:    7.0.3

   The following policies describe the current configuration of
   this HSM and may be changed by the HSM Administrator.

   Changing policies marked "destructive" will zeroize (erase
   completely) the entire HSM.

   Description                              Value      Code          Destructive
   ===========                              =====      ====          ===========
   Allow cloning                            On         7             Yes
   Allow non-FIPS algorithms                ${hsm.fips ? 'Off' : 'On '}        12            Yes
   SO can reset partition PIN               Off        15            Yes
   Allow network replication                On         16            No
   Force user PIN change after set/reset    On         21            No
`);
  },
};

const refusedHere = (verb: string): Command => ({
  words: ['hsm', verb],
  options: { force: 'switch' },
  async run() {
    throw new CommandError([`Error:  'hsm ${verb}' can be run from the serial console only.`]);
  },
});

export const hsmCommands: Command[] = [show, init, login, logout, changePolicy, showPolicies, refusedHere('factoryReset'), refusedHere('zeroize')];
