import { StepFailure } from '../../domain/failure.ts';
import type { ManagerHolds, PresentedCertificate, StepInput, StepResult } from '../../domain/results.ts';
import { problemBeforeSetup, readBeforeSetup } from '../../systems/ciphertrust/before-setup.ts';
import { type Manager, signedIn } from '../../systems/ciphertrust/ciphertrust.ts';
import { type Answer, answerFailure, isPassing, isSuccess, source } from '../../systems/ciphertrust/errors.ts';
import { type HsmServer, isLikeNew, isServerOf, readHolds, readServers } from '../../systems/ciphertrust/holds.ts';
import { giveKey, needsKey, type Starting, usualReason } from '../../systems/ciphertrust/ksadmin-key.ts';
import { neverLeft } from '../../systems/ciphertrust/manager.ts';
import { type Sent, SetupLog } from '../../systems/ciphertrust/setup-log.ts';
import { visit } from '../../systems/ciphertrust/visit.ts';
import { kept, userSecret } from '../../systems/secrets/kept.ts';
import type { SecretStore } from '../../systems/secrets/store.ts';
import { type Attempt, act, converge, done, halt, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'set-root-of-trust'>;

/** A wiped manager presents a new certificate: it is believed to be ours so long after this job sent `hsm/setup`, and no longer. */
const windowMs = 3_600_000;

/**
 * What can be seen of it. `wiped`: it presents another certificate, or no longer knows the kept password; that is what it looks like after `hsm/setup`.
 */
export type Seen =
  | ({ state: 'restarting'; detail: string } & Starting)
  | { state: 'wiped'; pin: string; certificate: PresentedCertificate; notBefore: string; last?: { msAgo: number; failed: boolean } }
  | {
      state: 'ready';
      servers: HsmServer[];
      /** What would be lost; absent where there is nothing to do. */
      holds?: ManagerHolds;
      /** The last request under this order, how long ago it was last heard of, and how long it may take to show an effect. */
      sent?: Pick<Sent, 'answer'> & { msAgo: number; patienceMs: number };
    };

export const decideSetRootOfTrust = (seen: Seen, input: Pick<Input, 'cipherTrust' | 'partitionSerial' | 'approvedDigest' | 'fresh' | 'publicKey'>) => {
  const { cipherTrust, partitionSerial, approvedDigest, fresh = false, publicKey } = input;
  if (seen.state === 'restarting')
    return needsKey(seen, publicKey) ? act('give-key') : wait(`CipherTrust Manager restarts: ${[seen.detail, ...usualReason(seen)].join('; ')}`);
  if (seen.state === 'wiped') return decideWiped(seen, cipherTrust);
  const { servers, holds, sent } = seen;
  if (servers.some((server) => isServerOf(server, partitionSerial))) return done<StepResult<'set-root-of-trust'>>({ cipherTrust });
  if (sent)
    return sent.msAgo < sent.patienceMs
      ? wait(`hsm/setup was sent (${sent.answer ?? 'no answer was heard'}); it is looked whether it takes effect.`)
      : halt(noEffect(sent));
  if (holds && holds.digest !== approvedDigest && !isLikeNew(holds, fresh)) return done<StepResult<'set-root-of-trust'>>({ cipherTrust, needsApproval: holds });
  return act('set-up');
};

const tried = 'setting the HSM as root of trust';

function decideWiped({ pin, certificate, notBefore, last }: Seen & { state: 'wiped' }, cipherTrust: Input['cipherTrust']) {
  if (last && last.msAgo <= windowMs)
    return done<StepResult<'set-root-of-trust'>>({
      cipherTrust: { ...cipherTrust, pin },
      openSince: notBefore,
      certificate,
      ...(last.failed ? { failed: true as const } : {}),
    });
  const when = last === undefined ? 'though this job sent nothing yet' : `${Math.round(last.msAgo / 60_000)} minutes after this job sent hsm/setup`;
  return halt({
    tried,
    seen: `it presents another certificate or refuses the kept password, ${when}`,
    source,
    remedy: 'Find out who changed it. If it is right as it is, abort and send the request again: a new job starts with what it finds.',
  });
}

/** Each time may be a sign-in at the partition, and a wipe: only a person orders another one. */
const noEffect = ({ answer, msAgo }: NonNullable<(Seen & { state: 'ready' })['sent']>) => ({
  tried,
  seen: `hsm/setup was sent (${answer ?? 'no answer was heard'}), and ${Math.round(msAgo / 1000)} s later nothing changed: it does not list the HSM and was not wiped`,
  source,
  remedy: 'Look at CipherTrust Manager’s log and at the way to it; retry sends the request once more.',
});

/**
 * `hsm/setup`: CipherTrust Manager checks the partition, answers, then wipes itself and restarts. It is sent once for an order of a person, whatever becomes of
 * the answer: what it did is looked at, never assumed. What the manager holds beside what a new one has is wiped only if a person approved exactly that. Only
 * after a request that this job sent may the manager come back with another certificate and without its password.
 */
export const setRootOfTrust = (systems: Systems) => {
  const repaired = new WeakSet<AbortSignal>();
  const { cipherTrust, secrets, settings, transcripts } = systems;
  return converge<Input, Seen, StepResult<'set-root-of-trust'>, 'set-up' | 'give-key'>({
    settleMs: settings.settleMs,
    observe: (input, attempt) => observe(systems, input, new SetupLog(transcripts, input), attempt, repaired.has(attempt.signal)),
    decide: decideSetRootOfTrust,
    act: {
      async 'give-key'({ publicKey }, seen, { signal }) {
        repaired.add(signal);
        if (seen.state === 'restarting' && seen.manager && publicKey) await giveKey(seen.manager, publicKey);
      },
      async 'set-up'(input, _, { signal, order }) {
        const log = new SetupLog(transcripts, input);
        const enter = () => signedIn(cipherTrust, secrets, input, input.cipherTrust, signal);
        const key = await userSecret(secrets, input.keySecret);
        const problem = problemBeforeSetup(await readBeforeSetup(await enter(), systems.luna, input, key, signal));
        if (problem && !(problem.mayGoOn && (await log.wasDoubted(order)))) {
          if (problem.mayGoOn) await log.doubted(problem.seen, order);
          throw new StepFailure(problem);
        }
        const setup = await setupOf(secrets, input, key);
        // A new sign-in: the checks may take longer than a token lives, and this request alone is not repeated with another one.
        await send(await enter(), setup, input, log, order);
      },
    },
    sight: (seen) => (seen.state === 'ready' ? [seen.servers, seen.sent !== undefined] : [seen.state, 'repaired' in seen && seen.repaired]),
  });
};

async function observe({ cipherTrust, secrets, settings }: Systems, input: Input, log: SetupLog, attempt: Attempt, repaired: boolean): Promise<Seen> {
  const { cipherTrust: pinned, partitionSerial } = input;
  const seen = await visit(cipherTrust, input, pinned, attempt.signal);
  if (!seen.started) return { state: 'restarting', look: attempt.number, repaired, ...seen };
  const sent = await log.sent();
  const last = sent.at(-1);
  const wiped = (): Seen => ({
    state: 'wiped',
    pin: seen.pin,
    certificate: seen.certificate,
    notBefore: new Date(attempt.dueAt - (attempt.number > 1 ? settings.pollIntervalMs : 0)).toISOString(),
    ...(last ? { last: { msAgo: Date.now() - last.at, failed: last.failed } } : {}),
  });
  // The kept password is not shown to a machine that is not the pinned one.
  if (seen.pin !== pinned.pin) return wiped();
  if (!(await seen.manager.signIn(await kept(secrets, input.target, 'ciphertrust-admin-password')))) return wiped();
  const servers = await readServers(seen.manager);
  if (servers.some((server) => isServerOf(server, partitionSerial))) return { state: 'ready', servers };
  const underway = sent.findLast(({ order, failed }) => order === attempt.order && !failed);
  if (underway)
    return {
      state: 'ready',
      servers,
      sent: { msAgo: Date.now() - underway.heardAt, patienceMs: patienceMs(settings.settleMs), ...(underway.answer ? { answer: underway.answer } : {}) },
    };
  return { state: 'ready', servers, holds: await readHolds(seen.manager, pinned.address, servers) };
}

/** A request whose answer was lost may still be at work, as long as one may take that is heard out; its effect shows after that. */
const patienceMs = (settleMs: number): number => 4 * settleMs;

/** `connInfo` is JSON within JSON; the serial is the partition’s, not the HSM’s (reference: Thales' Terraform provider, `HSMSetupJSON`). */
async function setupOf(secrets: SecretStore, input: Input, key: string): Promise<object> {
  const { target, request, hsmAddress, partitionSerial, serverCertificate, clientCertificate } = input;
  return {
    type: 'luna',
    connInfo: JSON.stringify({ partition_name: request.hsm.partition.name, partition_password: await kept(secrets, target, 'crypto-officer-password') }),
    initialConfig: {
      host: hsmAddress,
      serial: partitionSerial,
      'server-cert': serverCertificate.pem,
      'client-cert': clientCertificate.pem,
      'client-cert-key': key,
    },
    reset: true,
    delay: 5,
  };
}

/** These say that it was not taken; behind a 502 or 504 the manager may still be at work. */
const notTaken = [429, 503];

/** Sends it. Fails where it was refused or was not taken; else the next look tells what became of it. */
async function send(manager: Manager, setup: object, { hsmAddress, partitionSerial }: Input, log: SetupLog, order: string): Promise<void> {
  const path = '/v1/system/hsm/setup';
  await log.sending(`for partition ${partitionSerial} on ${hsmAddress}, with reset`, order);
  let answer: Answer;
  try {
    answer = await manager.raw('POST', path, setup);
  } catch (error) {
    if (!(error instanceof StepFailure) || error.problem.kind !== 'Transient') throw error;
    if (!neverLeft(error.cause)) return log.answered(`no answer: ${error.problem.seen}`);
    await log.refused(error.problem.seen);
    throw error;
  }
  if (isSuccess(answer)) return log.answered(`${answer.status}`);
  const failure = answerFailure(`POST ${path}`, answer, setup);
  const { seen } = failure.problem;
  if (isPassing(answer) && !notTaken.includes(answer.status)) return log.answered(`unknown: ${seen}`);
  await (answer.status >= 500 && !notTaken.includes(answer.status) ? log.failed(seen) : log.refused(seen));
  throw failure;
}
