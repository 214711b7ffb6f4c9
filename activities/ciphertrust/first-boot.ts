import type { StepInput, StepResult } from '../../domain/results.ts';
import { giveKey, needsKey, type Starting, usualReason } from '../../systems/ciphertrust/ksadmin-key.ts';
import { type ProbeResult, probe } from '../../systems/ciphertrust/probe.ts';
import { act, converge, done, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'first-boot'>;

export type Seen = ProbeResult &
  Starting & {
    /** The moment before which it was surely not up, in ISO 8601. */
    notBefore: string;
  };

export const decideFirstBoot = (seen: Seen, { reachable, through, publicKey }: Pick<Input, 'reachable' | 'through' | 'publicKey'>) => {
  if (seen.started)
    return done<StepResult<'first-boot'>>({
      cipherTrust: { address: reachable, pin: seen.pin, ...(through ? { through } : {}) },
      openSince: seen.notBefore,
      certificate: seen.certificate,
    });
  if (needsKey(seen, publicKey)) return act('give-key');
  return wait(`CipherTrust Manager is booting: ${[seen.detail, ...usualReason(seen)].join('; ')}`);
};

/**
 * Waits until all services are up; the certificate of the first contact is pinned. Where they do not start because ksadmin did not get its key, that
 * is given once more.
 */
export const firstBoot = ({ cipherTrust }: Systems) => {
  const repaired = new WeakSet<AbortSignal>();
  return converge<Input, Seen, StepResult<'first-boot'>, 'give-key'>({
    observe: async (input, { signal, number, lastObservedAt, scheduledAt }) => ({
      ...(await probe(cipherTrust, input, { address: input.reachable, ...(input.through ? { through: input.through } : {}) }, signal)),
      look: number,
      // Where nobody looked before, or who did was lost, it may have been up since its VM was there.
      notBefore: lastObservedAt === undefined ? (input.since ?? new Date(scheduledAt).toISOString()) : new Date(lastObservedAt).toISOString(),
      repaired: repaired.has(signal),
    }),
    decide: decideFirstBoot,
    act: {
      async 'give-key'({ publicKey }, seen, { signal }) {
        repaired.add(signal);
        if (seen.manager && publicKey) await giveKey(seen.manager, publicKey);
      },
    },
    fingerprint: ({ repaired: done }) => done,
  });
};
