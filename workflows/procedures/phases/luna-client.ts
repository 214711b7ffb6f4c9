import type { ProvisionJob } from '../provision.ts';
import type { Network } from './network.ts';
import type { Permitted } from './permissions.ts';

/** “Create a Windows instance”, and the Luna client on it. */
export async function lunaClient(job: ProvisionJob, { windowsImage, windowsPublicKey }: Permitted, { computeSubnetId }: Network) {
  const { warnings = [], ...vm } = await job.step('windows-vm', { computeSubnetId, image: windowsImage });
  job.warn(...warnings);
  const { windows } = await job.step('install-luna-client', { vm, publicKey: windowsPublicKey });
  return { vm, windows };
}

export type LunaClient = Awaited<ReturnType<typeof lunaClient>>;
