// JavaScript, since `--help` shows it before anything is installed, on a Node that may know no TypeScript.

/**
 * Every unverified fact that can be turned the other way round (docs/reference/README.md#unverified), so that a misspelt one is not silently the usual one. `values` are what it may be, its usual value
 * first; any text where there are none.
 * @type {Record<string, { values?: readonly [string, ...string[]], about: string }>}
 */
export const variants = {
  'azure.deploymentThrottled': { values: ['waits', 'fails'], about: 'what a deployment does where a resource provider answers 429' },
  'azure.anotherOperation': { values: ['429', '409'], about: 'status of AnotherOperationInProgress' },
  'azure.deploymentError': { values: ['details', 'operations'], about: 'a deployment tells causes itself, or only its operations do, as JSON in a text' },
  'azure.staleReads': { about: 'how many reads of a group, a provider, a network or a machine still show what was before a change was accepted (0)' },
  'azure.deprecatedImage': { about: 'a version of an image that is deprecated, or will be: 2.19.14195, or 2.19.14195@2027-01-31' },
  'azure.powerShown': { values: ['at-once', 'late'], about: 'a machine that is being started or stopped shows so, or its old power until that is done' },
  'azure.tokenSeconds': { about: 'how long an access token lives (3600)' },
  'azure.hsmNotZeroized': { values: ['409', 'failed'], about: 'deleting an HSM that is not zeroized is refused at once, or fails in the end' },
  'azure.pageSize': { about: 'how many items a list gives at once, when nothing is said (100)' },
  'azure.requestsPerHour': { about: 'reads, writes and deletes that a subscription may have in an hour (12000,1200,15000)' },
  'azure.vaultClockSkewSeconds': { about: 'how far the key vault’s clock is off' },
  'azure.vaultVersion': { about: 'the only API version that the key vault knows, as emulators have one (7.4)' },
  'azure.dateSkewSeconds': { about: 'how far the Date headers of ARM and the authority are off (0)' },
  'azure.restrictedSize': { about: 'a VM size that this subscription may not use' },
  'ciphertrust.defaultPasswordLogin': { values: ['401', '403', '200-limited'], about: 'how a sign-in with admin/admin is answered' },
  'ciphertrust.initialPassword': { values: ['admin', 'generated'], about: 'admin’s first password; a generated one is in a file that ksadmin can read' },
  'ciphertrust.changepwStatus': { values: ['204', '200'], about: 'status of a changed password' },
  'ciphertrust.lockoutMinutes': { about: 'minutes for the first, second … wrong password in a row (0,5,30); no lockout where nothing is said' },
  'ciphertrust.lockedAnswer': { values: ['plain', 'told', 'forbidden'], about: 'what a sign-in to a locked account is told' },
  'ciphertrust.tokenSeconds': { about: 'how long a token really lives (300), whatever its answer says' },
  'ciphertrust.refresh': { values: ['works', 'refused'], about: 'refresh tokens' },
  'ciphertrust.clockSkewMinutes': { about: 'how far the manager’s clock is off' },
  'ciphertrust.dateSkewSeconds': { about: 'how far the manager’s Date headers are off its own clock (0)' },
  'ciphertrust.webChain': { values: ['self-signed', 'authority'], about: 'who signs the web certificate' },
  'ciphertrust.lists': { values: ['paged', 'total', 'bare'], about: 'what stands around the entries of a list' },
  'ciphertrust.listMost': { about: 'how many entries a list gives at once' },
  'ciphertrust.serverIds': { values: ['yes', 'no'], about: 'entries of System > HSMs have an id' },
  'ciphertrust.mkeks': { values: ['told', 'absent'], about: 'master keys can be listed' },
  'ciphertrust.keysTold': { values: ['yes', 'no'], about: 'keys can be listed' },
  'ciphertrust.checkport': { values: ['open', 'result', 'absent', 'wrong', 'refused', '422', '500', 'slow'], about: 'what network/checkport answers' },
  'ciphertrust.setupStatus': { values: ['200', '201', '202', '204'], about: 'status of a successful hsm/setup' },
  'ciphertrust.setupBody': { values: ['full', 'empty', 'none'], about: 'body of a successful hsm/setup' },
  'ciphertrust.setupNeedsNtp': { values: ['no', 'yes'], about: 'hsm/setup fails until the clock is synchronized' },
  'ciphertrust.connInfo': { values: ['string', 'object'], about: 'connInfo is taken as an object, too' },
  'ciphertrust.trialStatus': { values: ['200', '201'], about: 'status of an activated trial' },
  'ciphertrust.trialSurvivesReset': { values: ['no', 'yes'], about: 'the trial license is still active after a reset' },
  'ciphertrust.ntpSurvivesReset': { values: ['no', 'yes'], about: 'time servers are still there after a reset' },
  'ciphertrust.certificateSurvivesReset': { values: ['no', 'yes'], about: 'the web certificate is the same after a reset' },
  'ciphertrust.ntpKeyShown': { values: ['yes', 'no'], about: 'a time server’s key is shown again' },
  'ciphertrust.errorBody': { values: ['full', 'label-only', 'message-only', 'empty'], about: 'errors carry a label and a message, one of them, or nothing' },
  'ciphertrust.ownKeys': { values: ['rsa', 'ec'], about: 'of which kind the keys of the web service and of SSH are' },
  'ciphertrust.slashes': { values: ['either', 'none'], about: 'paths of collections may end with a slash' },
  'ciphertrust.accept': { values: ['any', 'required'], about: 'a request must say that it accepts JSON' },
  'ciphertrust.bootPages': { values: ['pages', 'none'], about: 'a proxy answers with pages while services start' },
  'ciphertrust.serviceNames': { values: ['known', 'more'], about: 'which services the status lists' },
  'ciphertrust.sshKeysOpen': { values: ['until-started', 'always'], about: 'how long ksadmin gets a key from anybody' },
  'ciphertrust.sshKeyTypes': { values: ['rsa', 'any'], about: 'which SSH keys replace the default one' },
  'ciphertrust.sshKeySurvivesReset': { values: ['yes', 'no'], about: 'ksadmin still has its key after a reset' },
  'ciphertrust.customData': { values: ['honored', 'ignored'], about: 'cloud-init configuration in the custom data' },
  'ciphertrust.passwordAfterReset': { values: ['same', 'admin'], about: 'a generated first password is admin’s again after a reset' },
  'ciphertrust.wrongPassword': { values: ['401', '400'], about: 'how a wrong password is answered where it is to be changed' },
  'ciphertrust.policyStatus': { values: ['400', '422'], about: 'how a new password that breaks the policy is answered' },
  'ciphertrust.duplicateStatus': { values: ['409', '400'], about: 'how a time server that is there already is answered' },
  'ciphertrust.ntpStatus': { values: ['table', 'error'], about: 'what the status of the clock tells before it follows a server' },
  'ciphertrust.restartStatus': { values: ['200', '202', '204'], about: 'status of a restart or reset that was taken' },
  'ciphertrust.setupRefusal': { values: ['500', '400', '422'], about: 'status of an hsm/setup that the HSM refuses' },
  'ciphertrust.failedSetup': { values: ['keeps', 'wipes'], about: 'what an hsm/setup that failed does to the manager' },
  'ciphertrust.resetSeconds': { about: 'seconds between the answer to hsm/setup and the wipe, whatever was asked for' },
  'ciphertrust.listedBeforeReset': { values: ['no', 'yes'], about: 'the HSM is listed between the answer to hsm/setup and the wipe' },
  'ciphertrust.signInBeforeReset': { values: ['works', 'refused'], about: 'sign-ins between the answer to hsm/setup and the wipe' },
  'ciphertrust.memberBody': {
    values: ['either', 'nested', 'flat'],
    about: 'where a further HSM’s host, serial and server-cert stand: within initialConfig, or beside it',
  },
  'ciphertrust.rotation': { values: ['at-once', 'later'], about: 'when a rotated key is there' },
  'luna.signIn': { values: ['password', 'keyboard-interactive'], about: 'how the appliance asks for a password over SSH' },
  'luna.algorithms': { values: ['usual', 'old', '7.8'], about: 'what SSH offers: usual ones, SHA-1 and CBC alone, or what 7.8 offers' },
  'luna.forcedChange': { values: ['shell', 'keyboard-interactive', 'ssh'], about: 'where the first password must be changed' },
  'luna.passwordPrompts': { values: ['new', 'old', 'with-current'], about: 'how the forced password change asks' },
  'luna.words': { values: ['7.2', '7.8', '6.x', '5.x'], about: 'whose words LunaSH uses' },
  'luna.echo': { values: ['yes', 'no'], about: 'what is typed is shown' },
  'luna.lineEnds': { values: ['crlf', 'lf'], about: 'how a terminal’s lines end' },
  'luna.interrupt': { values: ['prompt', 'ignored'], about: 'Ctrl-C at a question gives the prompt again' },
  'luna.mostShells': { about: 'how many shells may be open at once (no limit)' },
  'luna.execResult': { values: ['yes', 'no'], about: 'a command run without a shell prints its result line' },
  'luna.lastFailureResult': { values: ['0', '65535'], about: 'the result of the failed sign-in that erases the HSM' },
  'luna.networkShow': { values: ['table', 'blocks'], about: 'how network show is laid out' },
  'luna.ntlsShow': { values: ['device', 'sentence', 'status'], about: 'how ntls show says what it is bound to' },
  'luna.bindAsks': { values: ['no', 'yes'], about: 'ntls bind asks for proceed' },
  'luna.regenCert': { values: ['named', 'bare'], about: 'sysconf regenCert takes a name' },
  'luna.clockSkewMinutes': { about: 'how far the appliance’s clock is off' },
  'luna.zone': { about: 'time zone that the appliance shows (EDT)' },
  'luna.changePolicy': { values: ['keeps', 'zeroizes'], about: 'a destructive policy change zeroizes the HSM, too' },
  'luna.soStaysSignedIn': { values: ['no', 'yes'], about: 'the SO is still signed in after a destructive policy change' },
  'luna.initQuestion': { values: ['apart', 'at-once'], about: 'a blank line stands between hsm init and its first question' },
  'luna.softInit': { values: ['refuses', 'asks'], about: 'hsm init of an initialized HSM, where the SO is not signed in, asks for the SO’s password' },
  'luna.ntlsLate': { about: 'how many connections NTLS refuses of a client that was just registered, before it takes notice (0)' },
  'luna.restartAsks': { values: ['no', 'yes'], about: 'restarting NTLS asks for proceed' },
  'luna.registerByIp': { values: ['accepted', 'refused'], about: 'client register -ip' },
  'luna.clientFingerprint': { values: ['sha256', 'md5'], about: 'which fingerprint of a client is shown' },
  'luna.partitionSize': {
    values: ['exact', 'rounded', 'rounded-down', 'coarse'],
    about: 'a partition is as large as was asked for, a little larger or smaller, or a multiple of 64 KiB',
  },
  'luna.partitionShow': { values: ['full', 'brief'], about: 'partition show tells attempts and state of roles' },
  'lunacm.slots': { values: ['ours-first', 'others-first', 'moving', 'unsteady'], about: 'where other slots stand, and whether their order holds' },
  'lunacm.roles': { values: ['told', 'untold'], about: 'lunacm tells attempts and state of roles' },
  'vtl.createcert': { values: ['repoints', 'keeps'], about: 'what vtl createcert does to the host’s own identity' },
  'vtl.days': { values: ['taken', 'refused'], about: 'whether vtl createcert knows -d' },
  'vtl.keyFormat': { values: ['plain', 'encrypted', 'pkcs8'], about: 'how vtl writes a private key' },
  'windows.network': { values: ['Public', 'Private'], about: 'what Windows takes the network for; OpenSSH’s own firewall rule is for Private' },
};

/**
 * Reads `name=value` options; says what is wrong with the first that is unknown.
 * @param {readonly string[]} options
 * @returns {Record<string, string>}
 */
export function readQuirks(options) {
  return Object.fromEntries(
    options.map((option) => {
      const [name = '', value = ''] = option.split('=', 2);
      const variant = variants[name];
      if (!variant) throw new Error(`There is no variant ${name}; known are ${Object.keys(variants).join(', ')}.`);
      if (value === '' || (variant.values && !variant.values.includes(value)))
        throw new Error(`The variant ${name} (${variant.about}) is one of: ${variant.values?.join(', ') ?? 'any text'}.`);
      return [name, value];
    }),
  );
}
