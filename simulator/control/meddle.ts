import type { World } from '../world.ts';

/** What somebody else does by hand, behind the back of a job. */
export type Meddling = { what: 'create-partition'; address: string; name: string } | { what: 'initialise-hsm'; address: string; label: string };

/** Does it; or says why it cannot. */
export function meddle(world: World, meddling: Meddling): string | undefined {
  const appliance = world.appliances.get(meddling?.address);
  if (!appliance) return `There is no appliance at ${meddling?.address}.`;
  switch (meddling.what) {
    case 'create-partition':
      appliance.createPartition(meddling.name, 100_000);
      return undefined;
    case 'initialise-hsm':
      appliance.initialise(meddling.label, 'someone-elses-password', 'someone-elses-domain');
      return undefined;
    default:
      return 'Known are create-partition and initialise-hsm.';
  }
}
