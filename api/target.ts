import { createHash } from 'node:crypto';
import type { ProvisioningRequest } from '../domain/request.ts';

/** `{hsm name, in small letters}-{10 hex digits}`: workflow id, id in addresses, prefix of secrets. One HSM has one target, so it is the lock, too. */
export function targetId({ azure, hsm }: ProvisioningRequest): string {
  const identity = `${azure.subscriptionId}/${azure.resourceGroup}/${hsm.name}`.toLowerCase();
  return `${hsm.name.toLowerCase()}-${createHash('sha256').update(identity).digest('hex').slice(0, 10)}`;
}
