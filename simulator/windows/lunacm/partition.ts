import { commit, current, fail, need, needForce, tellsRoles, type Verb } from './verb.ts';

/** The partition in the current slot. */
export const partitionVerbs: Record<string, Verb> = {
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
};
