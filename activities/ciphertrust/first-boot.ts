import type { StepInput, StepResult } from '../../domain/results.ts';
import { type Visit, visit } from '../../systems/ciphertrust/visit.ts';
import { converge, done, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'first-boot'>;

/** A boot takes 5 minutes. One that takes much longer has a reason that a person should know of. */
const longLooks = 60;
const usualReason = 'its services start only when ksadmin has an SSH key of its own, of the kind ssh-rsa';

export const decideFirstBoot = (seen: Visit & { look: number }, { reachable }: Pick<Input, 'reachable'>) =>
  seen.started
    ? done<StepResult<'first-boot'>>({ cipherTrust: { address: reachable, pin: seen.pin } })
    : wait(`CipherTrust Manager is booting: ${[seen.detail, ...(seen.look > longLooks ? [usualReason] : [])].join('; ')}`);

/** Waits until all services are up; the certificate of the first contact is pinned. */
export const firstBoot = ({ cipherTrust }: Systems) =>
  converge<Input, Visit & { look: number }, StepResult<'first-boot'>, never>({
    observe: async ({ reachable }, { signal, number }) => ({ ...(await visit(cipherTrust, reachable, signal)), look: number }),
    decide: decideFirstBoot,
    act: {},
  });
