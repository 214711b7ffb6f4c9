import type { ProvisioningRequest } from '../../domain/request.ts';

export interface Cloud {
  arm: string;
  authority: string;
  /** The token scope: modular clients ask for the public cloud’s whatever their endpoint, so it is always given. */
  scope: string;
  /** What the addresses of its key vaults end in. */
  vaultSuffix: string;
  /** What the addresses of its storage accounts’ blobs end in. */
  blobSuffix: string;
}

/** Endpoints per cloud (docs/reference/azure.md#clouds). */
const clouds: Record<NonNullable<ProvisioningRequest['azure']['cloud']>, Cloud> = {
  public: {
    arm: 'https://management.azure.com',
    authority: 'https://login.microsoftonline.com',
    scope: 'https://management.azure.com/.default',
    vaultSuffix: 'vault.azure.net',
    blobSuffix: 'blob.core.windows.net',
  },
  usgovernment: {
    arm: 'https://management.usgovcloudapi.net',
    authority: 'https://login.microsoftonline.us',
    scope: 'https://management.core.usgovcloudapi.net/.default',
    vaultSuffix: 'vault.usgovcloudapi.net',
    blobSuffix: 'blob.core.usgovcloudapi.net',
  },
  china: {
    arm: 'https://management.chinacloudapi.cn',
    authority: 'https://login.chinacloudapi.cn',
    scope: 'https://management.core.chinacloudapi.cn/.default',
    vaultSuffix: 'vault.azure.cn',
    blobSuffix: 'blob.core.chinacloudapi.cn',
  },
};

export const cloudOf = ({ cloud = 'public' }: ProvisioningRequest['azure']): Cloud => clouds[cloud];

/** The cloud that a key vault or storage account is in, by its address; the public one where that does not tell. */
export function cloudOfStore(url: string): Cloud {
  const { hostname } = new URL(url);
  const isIn = ({ vaultSuffix, blobSuffix }: Cloud) => [vaultSuffix, blobSuffix].some((suffix) => hostname.endsWith(`.${suffix}`));
  return Object.values(clouds).find(isIn) ?? clouds.public;
}
