import { secretsNamed } from '../request-parts.ts';
import { contains, overlap, parseAddress, parseRange, type Range, usable } from './addresses.ts';
import { lunaClientRules } from './luna-client.ts';
import { nameRules } from './names.ts';
import { regionProblems } from './regions.ts';
import { type BrokenRule, broken, type Rules } from './rule.ts';
import { rsaBits } from './ssh-key.ts';
import { templateRules } from './template.ts';

const azureRules: Rules = ({ azure }) => [
  ...regionProblems(azure.cloud ?? 'public', azure.region).map((message) => ({ path: '/azure/region', message })),
  ...azure.adminSources.flatMap((source, index) => sourceRule(source, `/azure/adminSources/${index}`)),
];

function sourceRule(source: string, path: string): BrokenRule[] {
  if (['*', 'any', 'internet', '0.0.0.0/0', '::/0', '0.0.0.0'].includes(source.toLowerCase()))
    return [{ path, message: `${source} would open the hosts, which start with default passwords, to everybody.` }];
  const range = parseRange(source.includes('/') ? source : `${source}/32`);
  return broken(range !== undefined && range.bits >= 8, path, `${source} is no IPv4 address or range of /8 or smaller, such as 203.0.113.0/24.`);
}

const networkRules: Rules = ({ network }) => {
  const space = parseRange(network.addressSpace);
  const subnets: [path: string, range: Range | undefined, text: string][] = [
    ['/network/compute/range', parseRange(network.compute.range), network.compute.range],
    ['/network/hsm/range', parseRange(network.hsm.range), network.hsm.range],
    ['/network/gateway/range', parseRange(network.gateway.range), network.gateway.range],
  ];
  return [
    ...broken(space !== undefined, '/network/addressSpace', `${network.addressSpace} is no range, or has bits set right of its prefix.`),
    ...subnets.flatMap(([path, range, text], index) => [
      ...broken(range !== undefined, path, `${text} is no range, or has bits set right of its prefix.`),
      ...(range && space ? broken(contains(space, range), path, `${text} lies outside the address space ${network.addressSpace}.`) : []),
      ...(range ? broken(range.bits <= 29, path, `${text} is too small: Azure needs /29 or larger.`) : []),
      ...subnets
        .slice(0, index)
        .flatMap(([, other, otherText]) => (range && other ? broken(!overlap(range, other), path, `${text} overlaps ${otherText}.`) : [])),
    ]),
    ...broken((subnets[2]![1]?.bits ?? 0) <= 27, '/network/gateway/range', 'GatewaySubnet must be /27 or larger.'),
  ];
};

const addressRules: Rules = ({ network, hsm, lunaClient, cipherTrust }) => [
  ...(hsm.address === undefined ? [] : addressRule(hsm.address, network.hsm.range, '/hsm/address')),
  ...addressRule(lunaClient.address, network.compute.range, '/lunaClient/address'),
  ...addressRule(cipherTrust.address, network.compute.range, '/cipherTrust/address'),
  ...broken(lunaClient.address !== cipherTrust.address, '/cipherTrust/address', 'The Windows host and CipherTrust Manager cannot have the same address.'),
];

function addressRule(text: string, subnet: string, path: string): BrokenRule[] {
  const address = parseAddress(text);
  const range = parseRange(subnet);
  if (address === undefined) return [{ path, message: `${text} is no IPv4 address.` }];
  return range ? broken(usable(range, address), path, `${text} is not usable in ${subnet} (Azure keeps the first four addresses and the last).`) : [];
}

/** LunaSH takes more characters than these, but none that must be quoted are worth the risk. */
const lunaName = /^[A-Za-z][A-Za-z0-9_.-]{0,31}$/;

const hsmRules: Rules = ({ hsm }) => [
  ...broken(lunaName.test(hsm.label), '/hsm/label', 'A label starts with a letter and has at most 32 letters, digits, - _ and dots.'),
  ...broken(
    lunaName.test(hsm.partition.name),
    '/hsm/partition/name',
    'A partition’s name starts with a letter and has at most 32 letters, digits, - _ and dots.',
  ),
  ...broken(
    hsm.partition.sizeBytes >= 5_000 && hsm.partition.sizeBytes <= 33_554_432,
    '/hsm/partition/sizeBytes',
    'The size is in bytes: at least 5000 (the root keys need room), at most the HSM’s 33554432.',
  ),
];

const hostRules: Rules = ({ lunaClient, cipherTrust }) => [
  ...broken(
    lunaClient.image === undefined || /^[^:]+:[^:]+:[^:]+:[^:]+$/.test(lunaClient.image),
    '/lunaClient/image',
    'An image is publisher:offer:sku:version.',
  ),
  ...broken((cipherTrust.adminUser ?? 'ksadmin') === 'ksadmin', '/cipherTrust/adminUser', 'CipherTrust Manager’s first user must be ksadmin.'),
  ...imageVersionRule(cipherTrust.image),
  ...broken(
    cipherTrust.sshPublicKey === undefined || cipherTrust.sshKeyInAzure === undefined,
    '/cipherTrust/sshKeyInAzure',
    'Give ksadmin’s public key here or name one that is stored in Azure, not both.',
  ),
  ...(cipherTrust.sshPublicKey === undefined
    ? []
    : broken(
        (rsaBits(cipherTrust.sshPublicKey) ?? 0) >= 2048,
        '/cipherTrust/sshPublicKey',
        'CipherTrust Manager needs an OpenSSH public key, RSA with 2048 bits or more.',
      )),
  ...cipherTrust.ntp.flatMap(({ host }, index) =>
    broken(/^[A-Za-z0-9.-]{1,253}$/.test(host), `/cipherTrust/ntp/${index}/host`, `${host} is no host name or address.`),
  ),
  ...broken(new Set(cipherTrust.ntp.map(({ host }) => host.toLowerCase())).size === cipherTrust.ntp.length, '/cipherTrust/ntp', 'A server is listed twice.'),
];

/** “Older versions back to 2.6 are available”: what is older comes as a VHD from Thales’ support, and then as an image id. */
function imageVersionRule(image: string): BrokenRule[] {
  const [, major, minor] = /^[^/]+:(\d+)\.(\d+)[^:]*$/.exec(image) ?? [];
  const tooOld = major !== undefined && (Number(major) < 2 || (Number(major) === 2 && Number(minor) < 6));
  return broken(!tooOld, '/cipherTrust/image', 'Versions before 2.6 are not in the marketplace: name the id of an image made from Thales’ VHD.');
}

/** `{target id}-{purpose}`, as this service names what it keeps; vaults take names in any case. */
const ownName = /^[a-z0-9-]{3,24}-[0-9a-f]{10}-/i;

/** What is kept for a job never leaves through a request: an SO password named as an NTP key would be sent to a server. */
const secretRules: Rules = (request) =>
  secretsNamed(request).flatMap(({ path, name }) =>
    broken(!ownName.test(name), path, `${name} has the form of the names under which this service keeps its own passwords: give the secret another name.`),
  );

/** Every rule that the request breaks, all at once. */
export const brokenRules: Rules = (request) =>
  [azureRules, nameRules, networkRules, addressRules, hsmRules, templateRules, hostRules, lunaClientRules, secretRules].flatMap((rules) => rules(request));
