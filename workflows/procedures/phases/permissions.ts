import type { ProvisionJob } from '../provision.ts';

/** “Acquire Permissions to a Dedicated HSM”, and everything that can be found out before anything is created. */
export async function permissions(job: ProvisionJob) {
  const keys = await job.step('keep-secrets', {});
  await job.step('check-feature', {});
  await job.step('register-providers', {});
  const available = await job.step('check-availability', {});
  job.warn(...available.warnings);
  // A key that is stored in Azure takes the place of the one that was generated.
  return { ...keys, ...available };
}

export type Permitted = Awaited<ReturnType<typeof permissions>>;
