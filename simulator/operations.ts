/** What an operation does beside answering, as the log marks it. */
export interface Marks {
  /** Something that cannot be brought back may be gone after it. */
  destructive: boolean;
  /** A sign-in that spends one of few attempts where its password is wrong. */
  counted: boolean;
  /** A secret reaches a machine, or whoever asks. */
  disclosing: boolean;
}

export interface Operation extends Marks {
  /** In one sentence. */
  why: string;
}

type Mark = keyof Marks;

const none: Marks = { destructive: false, counted: false, disclosing: false };

const marked = (marks: Mark | readonly Mark[], whys: Record<string, string>): Record<string, Operation> =>
  Object.fromEntries(
    Object.entries(whys).map(([operation, why]) => [operation, { ...none, ...Object.fromEntries([marks].flat().map((mark) => [mark, true])), why }]),
  );

/** What has no mark, by system: why, and which operations. Reads of ARM and of CipherTrust Manager (GET, HEAD) need not be here. */
const harmless = (why: string, system: string, operations: readonly string[]): Record<string, Operation> =>
  marked([], Object.fromEntries(operations.map((operation) => [`${system}:${operation}`, why])));

/**
 * Every operation of the simulated systems, by its name in the log: what it erases, counts or discloses. This is the simulator’s own list, made from the
 * systems’ documentation and from what is simulated, not from what any client takes for dangerous: tests over “each such act” read it. An operation that is not
 * here fails the test that holds this table against the routes and commands.
 */
export const operations: Readonly<Record<string, Operation>> = {
  ...marked('destructive', {
    'lunash:hsm init': 'Partitions, objects, SO password and cloning domain of the HSM are replaced.',
    'lunash:hsm changePolicy': 'Policy 12 erases all partitions, and by version zeroizes the HSM.',
    'lunash:hsm factoryReset': 'Everything in the HSM goes, where it is not refused.',
    'lunash:hsm zeroize': 'Everything in the HSM goes, where it is not refused.',
    'lunash:partition delete': 'The partition and its objects go.',
    'lunash:client delete': 'The client can no longer use its partitions.',
    'lunash:client revokePartition': 'The client can no longer use that partition.',
    'lunash:sysconf regenCert': 'The certificate that registered clients trust is overwritten together with its key.',
    'lunash:my file': 'Its verbs delete and clear remove files of the user’s.',
    'ciphertrust:DELETE /v1/system/hsm/servers/{id}': 'Without its last HSM the manager wipes its data.',
    'ciphertrust:POST /v1/system/services/reset': 'The manager wipes its data.',
    'ciphertrust:DELETE /v1/vault/keys2/{id}': 'The key goes, and what it protects with it.',
    'ciphertrust:DELETE /v1/system/rot-keys/{id}': 'A root of trust key goes.',
    'ciphertrust:DELETE /v1/domains/{id}': 'The domain goes with its keys.',
    'ciphertrust:DELETE /v1/usermgmt/users/{id}': 'The user goes.',
    'vault:DELETE secret': 'The secret is deleted.',
    'vault:DELETE deleted secret': 'The secret is purged for good.',
    'arm:DELETE Microsoft.Resources/resourceGroups': 'Everything in the group goes.',
    'arm:DELETE Microsoft.HardwareSecurityModules/dedicatedHSMs': 'The HSM goes back to Azure.',
    'arm:DELETE Microsoft.Compute/virtualMachines': 'The machine goes, and what it held.',
    'arm:DELETE Microsoft.Compute/images': 'The image goes.',
    'arm:DELETE Microsoft.Compute/galleries/images/versions': 'The version of an image goes.',
    'arm:DELETE Microsoft.Compute/diskEncryptionSets': 'Disks that it encrypts can no longer be opened.',
    'arm:DELETE Microsoft.Compute/sshPublicKeys': 'The stored key goes.',
    'arm:DELETE Microsoft.Network/virtualNetworks': 'The network goes.',
    'arm:DELETE Microsoft.Network/virtualNetworks/subnets': 'The subnet goes.',
    'arm:DELETE Microsoft.Network/publicIPAddresses': 'The address goes back to Azure.',
    'arm:DELETE Microsoft.Network/networkSecurityGroups': 'The rules of that group go.',
    'arm:DELETE Microsoft.Network/networkInterfaces': 'The interface goes with its private address.',
    'arm:DELETE Microsoft.Network/virtualNetworkGateways': 'The gateway goes, and an HSM with it from the network.',
  }),
  ...marked(['destructive', 'disclosing'], {
    'lunacm:partition init': 'The objects of the partition go, and the password of its SO and its domain reach the host.',
  }),
  ...marked(['destructive', 'counted', 'disclosing'], {
    'ciphertrust:POST /v1/system/hsm/setup':
      'The manager wipes itself, signs in at the partition as crypto officer, and gets that password and the client’s key.',
  }),
  ...marked('counted', {
    'lunash:hsm login': 'The third wrong password of the SO in a row zeroizes the HSM.',
    'luna-ssh:sign-in': 'The appliance may lock a user out after wrong passwords.',
    'ciphertrust:POST /v1/auth/tokens': 'A wrong password counts for the lockout of the account.',
  }),
  ...marked(['counted', 'disclosing'], {
    'lunash:first sign-in': 'The first password is good once, and the appliance gets the one that replaces it.',
    'lunash:my password set': 'The appliance gets a new password for the user.',
    'lunacm:role login': 'Wrong passwords lock PO and CO out, and the password reaches the host.',
    'lunacm:role changepw': 'The present password is checked, and both passwords reach the host.',
    'ciphertrust:PATCH /v1/auth/changepw': 'The present password is checked and counts, and the manager gets the new one.',
  }),
  ...marked('disclosing', {
    'lunacm:role init': 'The first password of the crypto officer reaches the host.',
    'lunacm:clientconfig deploy': 'The appliance’s password reaches the host.',
    'windows:sftp put': 'Scripts of lunacm with passwords are put onto the host this way.',
    'windows:sftp get': 'Private keys of clients are fetched from the host this way.',
    'windows:run-script': 'A script may be given protected parameters.',
    'luna-scp:put': 'A file reaches the appliance.',
    'ciphertrust:ssh': 'The generated first password is read this way.',
    'ciphertrust:POST /v1/system/hsm/servers': 'The manager gets what opens a further HSM.',
    'ciphertrust:POST /v1/system/ntp/servers': 'The manager gets the key of a time server.',
    'ciphertrust:POST /v1/licensing/licenses': 'The manager gets a license.',
    'ciphertrust:PUT /v1/configs/interfaces/{id}/certificate': 'The manager gets the private key of its web certificate.',
    'ciphertrust:POST /v1/usermgmt/users': 'The manager gets a user’s password.',
    'ciphertrust:PATCH /v1/usermgmt/users/{id}': 'The manager gets a user’s password.',
    'ciphertrust:PATCH /v1/auth/self/user': 'The manager may get a password of one’s own.',
    'arm:PUT Microsoft.Compute/virtualMachines': 'The machine gets its administrator’s password or custom data.',
    'arm:PUT Microsoft.Compute/virtualMachines/runCommands': 'The machine gets a script and protected parameters.',
    'arm:POST Microsoft.Compute/virtualMachines/runCommand': 'The machine gets a script and its parameters.',
    'arm:PUT Microsoft.Resources/deployments': 'A template’s secure parameters reach what it makes.',
    'vault:PUT secret': 'The vault gets a secret.',
    'vault:GET secret': 'Whoever asks gets the secret.',
  }),
  ...harmless('It only shows.', 'lunash', [
    'hsm show',
    'hsm showPolicies',
    'partition list',
    'partition show',
    'client show',
    'client list',
    'client fingerprint',
    'status date',
    'network show',
    'sysconf fingerprint',
    'ntls show',
    'user list',
  ]),
  ...harmless('It makes or sets something that can be set again.', 'lunash', [
    'hsm logout',
    'partition create',
    'client register',
    'client assignPartition',
    'client hostip',
    'sysconf time',
    'ntls bind',
    'ntls ipcheck',
    'service',
  ]),
  ...harmless('It only shows, or chooses what is shown next.', 'lunacm', [
    'slot list',
    'slot set',
    'clientconfig listservers',
    'clientconfig restart',
    'partition showinfo',
    'partition contents',
    'role list',
    'role show',
    'role logout',
  ]),
  ...harmless('It works on the client’s own certificates and list of servers.', 'vtl', [
    'createcert',
    'addserver',
    'listservers',
    'deleteserver',
    'fingerprint',
    'verify',
  ]),
  ...harmless('It carries something else, which has an entry of its own.', 'windows', ['exec', 'forward', 'installer', 'sign-in', 'sftp remove']),
  ...harmless('It ends programs; what they began at other systems stays as it is there.', 'windows', ['stop-process']),
  ...harmless('It is a public file of the appliance.', 'luna-scp', ['get']),
  ...harmless('Nobody is connected.', 'socks', ['connect']),
  ...harmless('A token is given, and no attempt counted.', 'authority', [
    'GET openid-configuration',
    'GET discovery/instance',
    'GET discovery/keys',
    'POST token',
  ]),
  ...harmless('A token is given, and no attempt counted.', 'identity', ['GET metadata token', 'GET app-service token', 'GET unknown']),
  ...harmless('Names alone are shown, or a deleted secret comes back.', 'vault', ['GET versions', 'GET deleted secret', 'POST recover']),
  ...harmless('It makes or sets something that can be set again.', 'ciphertrust', [
    'POST /v1/system/services/restart',
    'POST /v1/system/ssh/keys',
    'POST /v1/system/network/checkport',
    'PATCH /v1/system/info',
    'PATCH /v1/configs/interfaces/{id}',
    'POST /v1/configs/interfaces/{id}/auto-gen-server-cert',
    'POST /v1/auth/revoke',
    'POST /v1/auth/logout',
    'DELETE /v1/system/ntp/servers/{id}',
    'POST /v1/licensing/trials/{id}/activate',
    'POST /v1/licensing/trials/{id}/deactivate',
    'DELETE /v1/licensing/licenses/{id}',
    'POST /v1/system/mkeks/rotate',
    'POST /v1/system/rotate-rot-keys',
    'POST /v1/vault/keys2',
    'POST /v1/domains',
    'POST /v1/usermgmt/pwdpolicies',
    'PATCH /v1/usermgmt/pwdpolicies/global',
    'PATCH /v1/usermgmt/pwdpolicies/{id}',
    'DELETE /v1/usermgmt/pwdpolicies/{id}',
  ]),
  ...harmless('It makes or sets something that can be set again.', 'arm', [
    ...['resourceGroups'].flatMap((type) => ['PUT', 'PATCH'].map((method) => `${method} Microsoft.Resources/${type}`)),
    'POST Microsoft.Features/features/register',
    'POST Microsoft.Resources/providers/register',
    'PUT Microsoft.MarketplaceOrdering/agreements',
    'PUT Microsoft.Authorization/locks',
    'DELETE Microsoft.Authorization/locks',
    'DELETE Microsoft.Resources/deployments',
    'POST Microsoft.Resources/deployments/cancel',
    'POST Microsoft.Resources/deployments/exportTemplate',
    'POST Microsoft.Resources/deployments/validate',
    'POST Microsoft.Resources/deployments/whatIf',
    'PUT Microsoft.HardwareSecurityModules/dedicatedHSMs',
    'PATCH Microsoft.HardwareSecurityModules/dedicatedHSMs',
    'PATCH Microsoft.Compute/virtualMachines',
    ...['start', 'restart', 'powerOff', 'deallocate'].map((action) => `POST Microsoft.Compute/virtualMachines/${action}`),
    'DELETE Microsoft.Compute/virtualMachines/runCommands',
    ...['images', 'galleries/images/versions', 'diskEncryptionSets', 'sshPublicKeys'].flatMap((type) =>
      ['PUT', 'PATCH'].map((method) => `${method} Microsoft.Compute/${type}`),
    ),
    ...['virtualNetworks', 'publicIPAddresses', 'networkSecurityGroups', 'networkInterfaces', 'virtualNetworkGateways'].flatMap((type) =>
      ['PUT', 'PATCH'].map((method) => `${method} Microsoft.Network/${type}`),
    ),
    'PUT Microsoft.Network/virtualNetworks/subnets',
    'PUT Microsoft.Network/networkSecurityGroups/securityRules',
    'DELETE Microsoft.Network/networkSecurityGroups/securityRules',
  ]),
};

const byName = new Map(Object.entries(operations).map(([name, operation]) => [name.toLowerCase(), operation]));

/** LunaSH’s `service restart ntls` is logged with its arguments, and marked as `service`. */
const withoutArguments = (operation: string): string => operation.replace(/^(lunash:(?:service|client hostip|my file))\b.*$/, '$1');

/** The entry of the table that an operation falls under; letters’ case does not count. Undefined for what nobody knows, and for reads without a mark. */
export const operationOf = (operation: string): Operation | undefined => byName.get(withoutArguments(operation).toLowerCase());

/** What the log says of an operation: of one that nobody knows, nothing. */
export function marksOf(operation: string): Marks {
  const { destructive, counted, disclosing } = operationOf(operation) ?? none;
  return { destructive, counted, disclosing };
}
