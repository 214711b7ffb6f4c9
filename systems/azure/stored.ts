import type { AzureClients } from './azure.ts';

/** Of images and SSH keys, as of all of Compute. */
const usualVersion = '2024-03-01';
/** Types with API versions of their own, lower-cased. */
const ownVersions: Record<string, string> = {
  'microsoft.compute/diskencryptionsets': '2023-10-02',
  'microsoft.compute/galleries/images/versions': '2023-07-03',
};

/** `Namespace/type/subtype` of a resource id, in small letters. */
export function typeOf(id: string): string {
  const [namespace = '', ...rest] = id.replace(/^.*\/providers\//i, '').split('/');
  return [namespace, ...rest.filter((_, at) => at % 2 === 0)].join('/').toLowerCase();
}

/** Reads an image, a key or a disk encryption set that somebody keeps in Azure; a 404 where there is none. */
export async function readStored({ resources }: AzureClients, id: string, signal: AbortSignal): Promise<{ location?: string; properties: unknown }> {
  const { location, properties } = await resources.resources.getById(id.replace(/^\//, ''), ownVersions[typeOf(id)] ?? usualVersion, { abortSignal: signal });
  return { ...(location ? { location } : {}), properties };
}

/** The id of ksadmin’s key in Azure, from its id or from its name in the job’s resource group. */
export const sshKeyId = (named: string, { subscriptionId, resourceGroup }: { subscriptionId: string; resourceGroup: string }): string =>
  named.startsWith('/') ? named : `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Compute/sshPublicKeys/${named}`;
