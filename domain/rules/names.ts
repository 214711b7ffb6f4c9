import { together, violationUnless } from './rule.ts';

/** Names that Azure refuses, partly late and in the middle of a job (docs/reference/azure.md#naming-rules). */

/** Subnets that Azure keeps for services of its own. */
const reservedSubnets = ['gatewaysubnet', 'azurebastionsubnet', 'azurefirewallsubnet', 'azurefirewallmanagementsubnet', 'routeserversubnet'];

/** User names that a Windows VM must not have. */
const reservedUsers =
  /^(administrator|admin|admin[123]|user|user[1-5]|test|test[123]|1|123|a|actuser|adm|aspnet|backup|console|david|guest|john|owner|root|server|sql|support|support_388945a0|sys)$/i;

/** Virtual networks and subnets: begin with a letter or digit, end with one or _. */
const networkName = (length: number) => new RegExp(`^[A-Za-z0-9](?:[\\w.-]{0,${length - 2}}\\w)?$`);

const subnetRules = (name: string, path: string) => [
  ...violationUnless(
    networkName(80).test(name),
    path,
    'A subnet’s name begins with a letter or digit, ends with one or _, and has at most 80 letters, digits, - _ and dots.',
  ),
  ...violationUnless(!reservedSubnets.includes(name.toLowerCase()), path, `Azure keeps the subnet ${name} for itself.`),
];

const computeName = (name = 'Compute') => name;

export const nameRules = together(
  ({ azure }) =>
    violationUnless(
      /^[\w().-]{1,90}$/.test(azure.resourceGroup) && !azure.resourceGroup.endsWith('.'),
      '/azure/resourceGroup',
      'A resource group’s name has 1 to 90 letters, digits, - _ ( ) . and does not end with a dot.',
    ),
  ({ network }) =>
    violationUnless(
      networkName(64).test(network.name) && network.name.length > 1,
      '/network/name',
      'A virtual network’s name begins with a letter or digit, ends with one or _, and has 2 to 64 letters, digits, - _ and dots.',
    ),
  ({ network }) => subnetRules(computeName(network.compute.name), '/network/compute/name'),
  ({ network }) => subnetRules(network.hsm.name, '/network/hsm/name'),
  ({ network }) =>
    violationUnless(
      network.hsm.name.toLowerCase() !== computeName(network.compute.name).toLowerCase(),
      '/network/hsm/name',
      'The HSM needs a subnet of its own.',
    ),
  ({ hsm }) =>
    violationUnless(
      /^[a-zA-Z0-9][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$/.test(hsm.name),
      '/hsm/name',
      'An HSM’s name has 3 to 24 letters, digits and dashes, with no dash at either end.',
    ),
  ({ hsm }) =>
    violationUnless(
      /^[A-Za-z](?:[A-Za-z0-9-]{0,39}[A-Za-z0-9])?$/.test(hsm.resourcePrefix),
      '/hsm/resourcePrefix',
      'The prefix starts with a letter, ends with a letter or digit and has at most 41 letters, digits and dashes.',
    ),
  ({ lunaClient }) =>
    violationUnless(
      /^[A-Za-z](?:[A-Za-z0-9-]{0,13}[A-Za-z0-9])?$/.test(lunaClient.vmName),
      '/lunaClient/vmName',
      'A Windows computer name starts with a letter, ends with a letter or digit and has at most 15 letters, digits and dashes.',
    ),
  ({ cipherTrust }) =>
    violationUnless(
      /^[A-Za-z](?:[A-Za-z0-9-]{0,60}[A-Za-z0-9])?$/.test(cipherTrust.vmName),
      '/cipherTrust/vmName',
      'A host name starts with a letter, ends with a letter or digit and has at most 62 letters, digits and dashes.',
    ),
  ({ lunaClient, cipherTrust }) =>
    violationUnless(
      cipherTrust.vmName.toLowerCase() !== lunaClient.vmName.toLowerCase(),
      '/cipherTrust/vmName',
      'The Windows host and CipherTrust Manager cannot have the same name.',
    ),
  ({ lunaClient: { adminUser = 'LunaAdmin' } }) => userRules(adminUser),
  ({ azure: { tags = {} } }) => tagRules(tags),
);

const userRules = (name: string) => [
  ...violationUnless(!reservedUsers.test(name), '/lunaClient/adminUser', `Azure refuses the user name ${name}.`),
  ...violationUnless(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,19}$/.test(name),
    '/lunaClient/adminUser',
    'A Windows user’s name has at most 20 letters, digits, - and _, and begins with a letter or digit.',
  ),
];

/** As a JSON pointer has it (RFC 6901). */
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Tags go onto everything that is created; names count without regard to case. */
function tagRules(tags: Record<string, string>) {
  const names = Object.keys(tags);
  const lower = names.map((name) => name.toLowerCase());
  return [
    ...violationUnless(names.length <= 45, '/azure/tags', 'Azure keeps 50 tags at most, five of which are needed here.'),
    ...names.flatMap((name, index) => {
      const path = `/azure/tags/${escaped(name)}`;
      return [
        ...violationUnless(
          !name.toLowerCase().startsWith('provisioner'),
          path,
          `The tag “${name}” is one of this service’s own marks, or could be: they begin with provisioner.`,
        ),
        ...violationUnless(name.toLowerCase() !== 'resourcetype', path, `The tag “${name}” is set by this service.`),
        ...violationUnless(/^[^<>%&\\?/]{1,512}$/.test(name), path, 'A tag’s name has 1 to 512 characters and none of < > % & \\ ? /.'),
        ...violationUnless(!/^(microsoft|azure|windows)/i.test(name), path, 'Azure keeps tags that begin with microsoft, azure or windows for itself.'),
        ...violationUnless((tags[name] ?? '').length <= 256, path, 'A tag’s value has at most 256 characters.'),
        ...violationUnless(lower.indexOf(name.toLowerCase()) === index, path, `The tag “${name}” is there twice: names count without regard to case.`),
      ];
    }),
  ];
}
