import type { Manager } from './ciphertrust.ts';
import { answerFailure, isSuccess } from './errors.ts';

/** A start takes 5 minutes. A manager that says of itself that it starts for much longer waits for something. */
const longLooks = 60;
/** So often is the key given again. */
const repairEvery = 30;

/** What is seen of a manager whose services are not up. */
export interface Starting {
  /** How often it was looked. */
  look: number;
  /** Where it says itself that it starts. */
  manager?: Manager;
  /** Did this attempt give ksadmin its key? */
  repaired: boolean;
}

const isLate = ({ look }: Starting): boolean => look > longLooks;

/** Its services wait for a key of ksadmin’s own (docs/reference/ciphertrust.md#ksadmin-key; the VM’s profile does not always reach it): is it time to give that? */
export const needsKey = (seen: Starting, publicKey: string | undefined): boolean =>
  isLate(seen) && seen.manager !== undefined && Boolean(publicKey) && !seen.repaired && seen.look % repairEvery === 1;

/** What a person should know who looks at one that starts for long. */
export const usualReason = (seen: Starting): string[] =>
  isLate(seen) ? ['its services start only when ksadmin has an SSH key of its own, of the kind ssh-rsa'] : [];

/** Gives it over the API, which takes it from anybody until the services are up (docs/reference/ciphertrust.md#ksadmin-key). */
export async function giveKey(manager: Manager, publicKey: string): Promise<void> {
  const answer = await manager.raw('POST', '/v1/system/ssh/keys', { key: publicKey });
  // Once it is bootstrapped it wants a sign-in, and has its key.
  if (!isSuccess(answer) && answer.status !== 401) throw answerFailure('giving ksadmin its SSH key', answer);
}
