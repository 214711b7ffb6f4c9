import { setTimeout as pause } from 'node:timers/promises';
import { type Problem, StepFailure } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { CipherTrust, Manager } from '../../systems/ciphertrust/ciphertrust.ts';
import { source } from '../../systems/ciphertrust/errors.ts';
import { kept } from '../../systems/secrets/kept.ts';
import type { SecretStore } from '../../systems/secrets/store.ts';
import { type Attempt, act, converge, done, halt, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'set-root-of-trust'>;

export interface HsmServer {
  id: string;
  config?: { host?: string; serial?: string };
}

/**
 * What can be seen of it. `wiped`: it presents another certificate, or no longer knows the kept password; that is what it looks like after `hsm/setup`.
 * `sent`: may this step have sent `hsm/setup` before?
 */
export type Seen = { state: 'restarting'; detail: string } | { state: 'wiped'; pin: string; sent: boolean } | { state: 'ready'; servers: HsmServer[] };

export const decideSetRootOfTrust = (seen: Seen, { cipherTrust, partitionSerial }: Pick<Input, 'cipherTrust' | 'partitionSerial'>) => {
  const tried = 'setting the HSM as root of trust';
  if (seen.state === 'restarting') return wait(`CipherTrust Manager restarts: ${seen.detail}`);
  if (seen.state === 'wiped')
    return seen.sent
      ? done<StepResult<'set-root-of-trust'>>({ cipherTrust: { address: cipherTrust.address, pin: seen.pin } })
      : halt({
          tried,
          seen: 'it presents another certificate or refuses the kept password, though nothing was sent yet',
          source,
          remedy: 'Find out who changed it before anything is wiped.',
        });
  if (seen.servers.some(({ config }) => config?.serial === partitionSerial)) return done<StepResult<'set-root-of-trust'>>({ cipherTrust });
  if (seen.servers.length > 0)
    return halt({
      tried,
      seen: `it already has another HSM: ${seen.servers.map(({ config }) => `${config?.host} ${config?.serial}`).join(', ')}`,
      source,
      remedy: 'This CipherTrust Manager is in use: it is not wiped. Choose another one.',
    });
  return act('set-up');
};

/**
 * `hsm/setup`: CipherTrust Manager checks the partition, answers, then wipes itself and restarts. Sent once: what it did is looked at, never assumed, and a
 * second attempt first waits out what the first may have sent.
 */
export const setRootOfTrust = ({ cipherTrust, secrets, settings }: Systems) => {
  const sentBy = new WeakSet<Attempt>();
  return converge<Input, Seen, StepResult<'set-root-of-trust'>, 'set-up'>({
    settleMs: settings.settleMs,
    observe: (input, attempt) => observe(cipherTrust, secrets, input, attempt.signal, attempt.number > 1 || sentBy.has(attempt)),
    decide: decideSetRootOfTrust,
    act: {
      async 'set-up'(input, _, attempt) {
        const manager = await cipherTrust.connect(input.cipherTrust, attempt.signal);
        await manager.signIn(await kept(secrets, input.target, 'ciphertrust-admin-password'));
        sentBy.add(attempt);
        await send(manager, secrets, input);
        await untilItGoesDown(() => observe(cipherTrust, secrets, input, attempt.signal, true), settings.settleMs, attempt.signal);
      },
    },
    sight: (seen) => (seen.state === 'ready' ? seen : seen.state),
  });
};

async function observe(
  cipherTrust: CipherTrust,
  secrets: SecretStore,
  { target, cipherTrust: pinned }: Input,
  signal: AbortSignal,
  sent: boolean,
): Promise<Seen> {
  const leaf = await cipherTrust.leaf(pinned.address, signal);
  if (!leaf) return { state: 'restarting', detail: 'nothing answers' };
  const manager = await cipherTrust.connect({ address: pinned.address, pin: leaf.fingerprint }, signal);
  const answer = await orNothing(manager.raw('GET', '/v1/system/services/status'));
  const status = (answer?.body as { status?: string } | undefined)?.status;
  if (answer?.status !== 200 || status !== 'started') return { state: 'restarting', detail: status ?? `its proxy answers ${answer?.status ?? 'nothing'}` };
  // The kept password is not shown to a machine that is not the pinned one.
  if (leaf.fingerprint !== pinned.pin) return { state: 'wiped', pin: leaf.fingerprint, sent };
  if (!(await manager.signIn(await kept(secrets, target, 'ciphertrust-admin-password')))) return { state: 'wiped', pin: leaf.fingerprint, sent };
  return { state: 'ready', servers: await manager.list<HsmServer>('/v1/system/hsm/servers') };
}

/** `Transient` failures are what a restart looks like. */
const orNothing = <T>(looking: Promise<T>): Promise<T | undefined> =>
  looking.catch((error: unknown) => {
    if (error instanceof StepFailure && (error.problem as Problem).kind === 'Transient') return undefined;
    throw error;
  });

/** An answer that was lost is no reason to send again: what happened is looked at. */
async function send(
  manager: Manager,
  secrets: SecretStore,
  { target, request, hsmAddress, partitionSerial, serverCertificate, clientCertificate, keySecret }: Input,
): Promise<void> {
  const clientKey = await secrets.get(keySecret);
  await orNothing(
    manager.ask('POST', '/v1/system/hsm/setup', {
      type: 'luna',
      connInfo: JSON.stringify({ partition_name: request.hsm.partition.name, partition_password: await kept(secrets, target, 'crypto-officer-password') }),
      initialConfig: {
        host: hsmAddress,
        serial: partitionSerial,
        'server-cert': serverCertificate.pem,
        'client-cert': clientCertificate.pem,
        'client-cert-key': clientKey,
      },
      reset: true,
      delay: 5,
    }),
  );
}

/** It answers before it wipes itself: waits until the wipe shows, as long as that may take. */
async function untilItGoesDown(look: () => Promise<Seen>, patienceMs: number, signal: AbortSignal): Promise<void> {
  const end = Date.now() + patienceMs;
  while (Date.now() < end) {
    const seen = await orNothing(look());
    if (seen?.state !== 'ready' || seen.servers.length > 0) return;
    await pause(Math.min(1_000, patienceMs / 10), undefined, { signal });
  }
}
