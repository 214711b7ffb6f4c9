import { signInAsCryptoOfficer } from '../../luna/ntls.ts';
import type { PartitionState } from '../../luna/state.ts';
import { commit, current, fail, need, needForce, tellsRoles, type Verb } from './verb.ts';

/** The roles of that partition, and who of them is signed in. */
export const roleVerbs: Record<string, Verb> = {
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
      const initialized = po ? partition.poPassword !== undefined : partition.coPassword !== undefined;
      const left = po ? partition.poAttemptsLeft : partition.coAttemptsLeft;
      run.print(`
  State of role '${po ? 'Partition SO' : 'Crypto Officer'}':
        Primary authentication type:   ${initialized ? 'Password' : 'Not initialized'}
        Secondary authentication type: None
        Failed login attempts before lockout:  ${left}
        Change password on next login: ${!po && partition.coMustChange ? 'Yes' : 'No'}
`);
    },
  },
};

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
