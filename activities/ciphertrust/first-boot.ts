import type { StepInput, StepResult } from '../../domain/results.ts';
import { answerFailure, isSuccess } from '../../systems/ciphertrust/errors.ts';
import { type Visit, visit } from '../../systems/ciphertrust/visit.ts';
import { act, converge, done, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'first-boot'>;

export type Seen = Visit & {
  look: number;
  /** The moment before which it was surely not up, in ISO 8601. */
  notBefore: string;
  /** Did this attempt give ksadmin its key? */
  repaired: boolean;
};

/** A boot takes 5 minutes. One that says of itself that it starts for much longer waits for something. */
const longLooks = 60;
/** So often is ksadmin’s key given again. */
const repairEvery = 30;
const usualReason = 'its services start only when ksadmin has an SSH key of its own, of the kind ssh-rsa';

export const decideFirstBoot = (seen: Seen, { reachable, through, publicKey }: Pick<Input, 'reachable' | 'through' | 'publicKey'>) => {
  if (seen.started)
    return done<StepResult<'first-boot'>>({
      cipherTrust: { address: reachable, pin: seen.pin, ...(through ? { through } : {}) },
      openSince: seen.notBefore,
      certificate: seen.certificate,
    });
  const late = seen.look > longLooks;
  if (late && seen.manager && publicKey && !seen.repaired && seen.look % repairEvery === 1) return act('give-key');
  return wait(`CipherTrust Manager is booting: ${[seen.detail, ...(late ? [usualReason] : [])].join('; ')}`);
};

/**
 * Waits until all services are up; the certificate of the first contact is pinned. Where they do not start because ksadmin did not get its key (the VM’s profile
 * does not always reach it), the key is given once more over the API, which takes it from anybody until then (Thales’ Terraform provider, `cm_ssh_key`).
 */
export const firstBoot = ({ cipherTrust, settings }: Systems) => {
  const repaired = new WeakSet<AbortSignal>();
  return converge<Input, Seen, StepResult<'first-boot'>, 'give-key'>({
    observe: async (input, { signal, number, dueAt }) => ({
      ...(await visit(cipherTrust, input, { address: input.reachable, ...(input.through ? { through: input.through } : {}) }, signal)),
      look: number,
      // Where nobody looked before it may have been up since its VM was there.
      notBefore: number === 1 && input.since ? input.since : new Date(dueAt - settings.pollIntervalMs).toISOString(),
      repaired: repaired.has(signal),
    }),
    decide: decideFirstBoot,
    act: {
      async 'give-key'({ publicKey }, seen, { signal }) {
        repaired.add(signal);
        if (seen.started || !seen.manager) return;
        const answer = await seen.manager.raw('POST', '/v1/system/ssh/keys', { key: publicKey });
        // Once it is bootstrapped it wants a sign-in, and has its key.
        if (!isSuccess(answer) && answer.status !== 401) throw answerFailure('giving ksadmin its SSH key', answer);
      },
    },
    sight: ({ repaired: done }) => done,
  });
};
