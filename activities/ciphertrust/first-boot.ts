import type { StepInput, StepResult } from '../../domain/results.ts';
import { converge, done, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'first-boot'>;

interface Seen {
  services: string;
  pin?: string;
}

export const decideFirstBoot = ({ services, pin }: Seen, { reachable }: Pick<Input, 'reachable'>) =>
  services === 'started' && pin
    ? done<StepResult<'first-boot'>>({ cipherTrust: { address: reachable, pin } })
    : wait(`CipherTrust Manager is booting: ${services}`);

/** Waits until all services are up; the certificate of the first contact is pinned. */
export const firstBoot = ({ cipherTrust }: Systems) =>
  converge<Input, Seen, StepResult<'first-boot'>, never>({
    async observe({ reachable }, { signal }) {
      const leaf = await cipherTrust.leaf(reachable, signal);
      if (!leaf) return { services: 'nothing answers yet' };
      const manager = await cipherTrust.connect({ address: reachable, pin: leaf.fingerprint }, signal);
      const answer = await manager.raw('GET', '/v1/system/services/status');
      const status = (answer.body as { status?: string } | undefined)?.status;
      return { services: answer.status === 200 && status ? status : `its proxy answers ${answer.status}`, pin: leaf.fingerprint };
    },
    decide: decideFirstBoot,
    act: {},
  });
