import type { ProvisioningRequest } from './request.ts';

/** What a host is made of, with what holds where the request says nothing: the runbook’s own size for CipherTrust Manager, and its Standard HDD for both. */
export interface HostWanted {
  name: string;
  size: string;
  disk: { type: string; encryptionSet?: string };
}

export const windowsHost = ({ lunaClient: { vmName: name, size = 'Standard_D2s_v3', disk } }: ProvisioningRequest): HostWanted => ({
  name,
  size,
  disk: { type: 'Standard_LRS', ...disk },
});

export const cipherTrustHost = ({ cipherTrust: { vmName: name, size = 'Standard_F4s_v2', disk } }: ProvisioningRequest): HostWanted => ({
  name,
  size,
  disk: { type: 'Standard_LRS', ...disk },
});

/** A disk in a person’s words. */
export const diskText = ({ type, encryptionSet }: HostWanted['disk']): string =>
  `${type === 'Standard_LRS' ? 'Standard HDD' : type}${encryptionSet ? ` encrypted with ${encryptionSet.split('/').at(-1)}` : ''}`;

/** The doors that are open on both hosts while the job runs; `remove-temporary-access` removes them. */
export const temporaryRule = 'provisioner-admin';
