/** The names that a cloud of Microsoft’s is known by. They lie behind the proxy: who asks there for the real ones comes here. */
interface Cloud {
  arm: string;
  authority: string;
  /** What the names of its key vaults end in. */
  vaults: string;
  /** What the names of its storage accounts’ blobs end in. */
  blobs: string;
  /** The resources that a token for Azure Resource Manager may be for, without a slash at their end. */
  audiences: string[];
}

const clouds: Cloud[] = [
  {
    arm: 'management.azure.com',
    authority: 'login.microsoftonline.com',
    vaults: 'vault.azure.net',
    blobs: 'blob.core.windows.net',
    audiences: ['https://management.azure.com', 'https://management.core.windows.net'],
  },
  {
    arm: 'management.usgovcloudapi.net',
    authority: 'login.microsoftonline.us',
    vaults: 'vault.usgovcloudapi.net',
    blobs: 'blob.core.usgovcloudapi.net',
    audiences: ['https://management.usgovcloudapi.net', 'https://management.core.usgovcloudapi.net'],
  },
];

const publicCloud = clouds[0]!;

/** The one key vault that there is, in every cloud. */
const vaultName = 'simulated';

/** The one storage account that there is, in every cloud. */
export const accountName = 'simulated';

/** Every name under which the simulated Azure is reached through the proxy, on port 443. */
export const cloudNames: string[] = clouds.flatMap(({ arm, authority, vaults, blobs }) => [
  arm,
  authority,
  `${vaultName}.${vaults}`,
  `${accountName}.${blobs}`,
]);

const nameIn = (base: string): string => new URL(base).hostname;

/** The resources that a token for ARM may be for at this address; at the simulator’s own every cloud’s, and itself. */
export function armAudiences(base: string): string[] {
  const cloud = clouds.find(({ arm }) => arm === nameIn(base));
  return cloud ? cloud.audiences : [base, ...clouds.flatMap(({ audiences }) => audiences)];
}

/** The resource that a token for the vault at this address must be for, and who gives it. */
export function vaultAuthority(base: string): { resource: string; authority: string } {
  const cloud = clouds.find(({ vaults }) => nameIn(base).endsWith(`.${vaults}`));
  return cloud
    ? { resource: `https://${cloud.vaults}`, authority: `https://${cloud.authority}` }
    : { resource: `https://${publicCloud.vaults}`, authority: base };
}

/** Is this the storage account's own name? */
export const isBlobName = (base: string): boolean => clouds.some(({ blobs }) => nameIn(base) === `${accountName}.${blobs}`);
