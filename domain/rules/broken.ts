import { secretsNamed } from '../request-parts.ts';
import { contains, overlap, parseAddress, parseRange, usable } from './addresses.ts';
import { lunaClientRules } from './luna-client.ts';
import { nameRules } from './names.ts';
import { regionProblems } from './regions.ts';
import { type BrokenRule, each, type Rules, together, violationUnless } from './rule.ts';
import { rsaBits } from './ssh-key.ts';
import { templateRules } from './template.ts';

const azureRules = together(
  ({ azure }) => regionProblems(azure.cloud ?? 'public', azure.region).map((message) => ({ path: '/azure/region', message })),
  ({ azure }) => each(azure.adminSources, (source, index) => sourceRule(source, `/azure/adminSources/${index}`)),
);

function sourceRule(source: string, path: string): BrokenRule[] {
  if (['*', 'any', 'internet', '0.0.0.0/0', '::/0', '0.0.0.0'].includes(source.toLowerCase()))
    return [{ path, message: `${source} would open the hosts, which start with default passwords, to everybody.` }];
  const range = parseRange(source.includes('/') ? source : `${source}/32`);
  return violationUnless(range !== undefined && range.bits >= 8, path, `${source} is no IPv4 address or range of /8 or smaller, such as 203.0.113.0/24.`);
}

type Part = 'compute' | 'hsm' | 'gateway';
const noRange = (text: string) => `${text} is no range, or has bits set right of its prefix.`;

const rangeRules = (part: Part): Rules => {
  const path = `/network/${part}/range`;
  return together(
    ({ network }) => violationUnless(parseRange(network[part].range) !== undefined, path, noRange(network[part].range)),
    ({ network: { addressSpace, [part]: subnet } }) => {
      const [space, range] = [parseRange(addressSpace), parseRange(subnet.range)];
      return range && space ? violationUnless(contains(space, range), path, `${subnet.range} lies outside the address space ${addressSpace}.`) : [];
    },
    ({ network }) => {
      const range = parseRange(network[part].range);
      return range ? violationUnless(range.bits <= 29, path, `${network[part].range} is too small: Azure needs /29 or larger.`) : [];
    },
  );
};

const overlapRule =
  (part: Part, earlier: Part): Rules =>
  ({ network: { [part]: one, [earlier]: other } }) => {
    const [range, otherRange] = [parseRange(one.range), parseRange(other.range)];
    return range && otherRange ? violationUnless(!overlap(range, otherRange), `/network/${part}/range`, `${one.range} overlaps ${other.range}.`) : [];
  };

const networkRules = together(
  ({ network }) => violationUnless(parseRange(network.addressSpace) !== undefined, '/network/addressSpace', noRange(network.addressSpace)),
  rangeRules('compute'),
  rangeRules('hsm'),
  overlapRule('hsm', 'compute'),
  rangeRules('gateway'),
  overlapRule('gateway', 'compute'),
  overlapRule('gateway', 'hsm'),
  ({ network: { gateway } }) => violationUnless((parseRange(gateway.range)?.bits ?? 0) <= 27, '/network/gateway/range', 'GatewaySubnet must be /27 or larger.'),
);

const addressRules = together(
  ({ network, hsm: { address } }) => (address === undefined ? [] : addressRule(address, network.hsm.range, '/hsm/address')),
  ({ network, lunaClient }) => addressRule(lunaClient.address, network.compute.range, '/lunaClient/address'),
  ({ network, cipherTrust }) => addressRule(cipherTrust.address, network.compute.range, '/cipherTrust/address'),
  ({ lunaClient, cipherTrust }) =>
    violationUnless(
      lunaClient.address !== cipherTrust.address,
      '/cipherTrust/address',
      'The Windows host and CipherTrust Manager cannot have the same address.',
    ),
);

function addressRule(text: string, subnet: string, path: string): BrokenRule[] {
  const address = parseAddress(text);
  const range = parseRange(subnet);
  if (address === undefined) return [{ path, message: `${text} is no IPv4 address.` }];
  return range ? violationUnless(usable(range, address), path, `${text} is not usable in ${subnet} (Azure keeps the first four addresses and the last).`) : [];
}

/** LunaSH takes more characters than these, but none that must be quoted are worth the risk. */
const lunaName = /^[A-Za-z][A-Za-z0-9_.-]{0,31}$/;

const hsmRules = together(
  ({ hsm }) => violationUnless(lunaName.test(hsm.label), '/hsm/label', 'A label starts with a letter and has at most 32 letters, digits, - _ and dots.'),
  ({ hsm: { partition } }) =>
    violationUnless(
      lunaName.test(partition.name),
      '/hsm/partition/name',
      'A partition’s name starts with a letter and has at most 32 letters, digits, - _ and dots.',
    ),
  ({ hsm: { partition } }) =>
    violationUnless(
      partition.sizeBytes >= 5_000 && partition.sizeBytes <= 33_554_432,
      '/hsm/partition/sizeBytes',
      'The size is in bytes: at least 5000 (the root keys need room), at most the HSM’s 33554432.',
    ),
);

const hostRules = together(
  ({ lunaClient: { image } }) =>
    violationUnless(image === undefined || /^[^:]+:[^:]+:[^:]+:[^:]+$/.test(image), '/lunaClient/image', 'An image is publisher:offer:sku:version.'),
  ({ cipherTrust: { adminUser = 'ksadmin' } }) =>
    violationUnless(adminUser === 'ksadmin', '/cipherTrust/adminUser', 'CipherTrust Manager’s first user must be ksadmin.'),
  ({ cipherTrust }) => imageVersionRule(cipherTrust.image),
  ({ cipherTrust: { sshPublicKey, sshKeyInAzure } }) =>
    violationUnless(
      sshPublicKey === undefined || sshKeyInAzure === undefined,
      '/cipherTrust/sshKeyInAzure',
      'Give ksadmin’s public key here or name one that is stored in Azure, not both.',
    ),
  ({ cipherTrust: { sshPublicKey } }) =>
    violationUnless(
      sshPublicKey === undefined || (rsaBits(sshPublicKey) ?? 0) >= 2048,
      '/cipherTrust/sshPublicKey',
      'CipherTrust Manager needs an OpenSSH public key, RSA with 2048 bits or more.',
    ),
  ({ cipherTrust: { ntp } }) =>
    each(ntp, ({ host }, index) =>
      violationUnless(/^[A-Za-z0-9.-]{1,253}$/.test(host), `/cipherTrust/ntp/${index}/host`, `${host} is no host name or address.`),
    ),
  ({ cipherTrust: { ntp } }) =>
    violationUnless(new Set(ntp.map(({ host }) => host.toLowerCase())).size === ntp.length, '/cipherTrust/ntp', 'A server is listed twice.'),
);

/** What is older than 2.6 comes as a VHD from Thales’ support, and then as an image id (docs/reference/azure.md#marketplace-plan). */
function imageVersionRule(image: string): BrokenRule[] {
  const [, major, minor] = /^[^/]+:(\d+)\.(\d+)[^:]*$/.exec(image) ?? [];
  const tooOld = major !== undefined && (Number(major) < 2 || (Number(major) === 2 && Number(minor) < 6));
  return violationUnless(!tooOld, '/cipherTrust/image', 'Versions before 2.6 are not in the marketplace: name the id of an image made from Thales’ VHD.');
}

/** `{target id}-{purpose}`, as this service names what it keeps; vaults take names in any case. */
const ownName = /^[a-z0-9-]{3,24}-[0-9a-f]{10}-/i;

/** What is kept for a job never leaves through a request: an SO password named as an NTP key would be sent to a server. */
const secretRules: Rules = (request) =>
  secretsNamed(request).flatMap(({ path, name }) =>
    violationUnless(
      !ownName.test(name),
      path,
      `${name} has the form of the names under which this service keeps its own passwords: give the secret another name.`,
    ),
  );

/** Every rule that the request breaks, all at once. */
export const brokenRules: Rules = together(azureRules, nameRules, networkRules, addressRules, hsmRules, templateRules, hostRules, lunaClientRules, secretRules);
