import type { ProvisioningRequest } from '../../domain/request.ts';

export interface Cloud {
  arm: string;
  authority: string;
  /** The token scope: modular clients ask for the public cloud’s whatever their endpoint, so it is always given. */
  scope: string;
}

/** Endpoints per cloud (reference azure.md §8). */
const clouds: Record<NonNullable<ProvisioningRequest['azure']['cloud']>, Cloud> = {
  public: { arm: 'https://management.azure.com', authority: 'https://login.microsoftonline.com', scope: 'https://management.azure.com/.default' },
  usgovernment: {
    arm: 'https://management.usgovcloudapi.net',
    authority: 'https://login.microsoftonline.us',
    scope: 'https://management.core.usgovcloudapi.net/.default',
  },
  china: {
    arm: 'https://management.chinacloudapi.cn',
    authority: 'https://login.chinacloudapi.cn',
    scope: 'https://management.core.chinacloudapi.cn/.default',
  },
};

export const cloudOf = ({ cloud = 'public' }: ProvisioningRequest['azure']): Cloud => clouds[cloud];
