import { setTimeout as pause } from 'node:timers/promises';
import { StepFailure, unsafe } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { type CipherTrust, type Manager, signedIn } from '../../systems/ciphertrust/ciphertrust.ts';
import { type Answer, answerFailure, isPassing, isSuccess, source } from '../../systems/ciphertrust/errors.ts';
import { SetupLog } from '../../systems/ciphertrust/setup-log.ts';
import { visit } from '../../systems/ciphertrust/visit.ts';
import { kept, userSecret } from '../../systems/secrets/kept.ts';
import type { SecretStore } from '../../systems/secrets/store.ts';
import { act, converge, done, halt, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'set-root-of-trust'>;

export interface HsmServer {
  id: string;
  type?: string;
  config?: { host?: string; serial?: string };
}

export const nameOf = ({ type, config }: HsmServer): string => [config?.host ?? type ?? 'unknown', config?.serial].filter(Boolean).join(' ');

/**
 * What can be seen of it. `wiped`: it presents another certificate, or no longer knows the kept password; that is what it looks like after `hsm/setup`.
 * `sent`: did this job send `hsm/setup` before?
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
          seen: 'it presents another certificate or refuses the kept password, though this job sent nothing yet',
          source,
          remedy: 'Find out who changed it. If it is right as it is, abort and send the request again: a new job starts with what it finds.',
        });
  if (seen.servers.some(({ config }) => config?.serial === partitionSerial)) return done<StepResult<'set-root-of-trust'>>({ cipherTrust });
  if (seen.servers.length > 0)
    return halt({
      tried,
      seen: `it already has another HSM: ${seen.servers.map(nameOf).join(', ')}`,
      source,
      remedy: 'This CipherTrust Manager is in use: it is not wiped. Choose another one.',
    });
  return act('set-up');
};

/**
 * `hsm/setup`: CipherTrust Manager checks the partition, answers, then wipes itself and restarts. What it did is looked at, never assumed: a lost answer is
 * no reason to send again, and a second attempt first waits out what the first may have sent. Only after a request that this job sent may the manager come
 * back with another certificate and without its password.
 */
export const setRootOfTrust = ({ cipherTrust, secrets, settings, transcripts }: Systems) =>
  converge<Input, Seen, StepResult<'set-root-of-trust'>, 'set-up'>({
    settleMs: settings.settleMs,
    observe: (input, { signal }) => observe(cipherTrust, secrets, input, new SetupLog(transcripts, input), signal),
    decide: decideSetRootOfTrust,
    act: {
      async 'set-up'(input, _, { signal }) {
        const log = new SetupLog(transcripts, input);
        const manager = await signedIn(cipherTrust, secrets, input, input.cipherTrust, signal);
        const unanswered = await send(manager, await setupOf(secrets, input), input, log);
        const wentDown = await goesDown(() => observe(cipherTrust, secrets, input, log, signal), settings.settleMs, signal);
        if (unanswered && !wentDown) throw lost(unanswered, await log.sent());
      },
    },
    sight: (seen) => (seen.state === 'ready' ? seen : seen.state),
  });

async function observe(
  cipherTrust: CipherTrust,
  secrets: SecretStore,
  { target, cipherTrust: pinned }: Input,
  log: SetupLog,
  signal: AbortSignal,
): Promise<Seen> {
  const seen = await visit(cipherTrust, pinned.address, signal);
  if (!seen.started) return { state: 'restarting', detail: seen.detail };
  const wiped = async (): Promise<Seen> => ({ state: 'wiped', pin: seen.pin, sent: (await log.sent()) > 0 });
  // The kept password is not shown to a machine that is not the pinned one.
  if (seen.pin !== pinned.pin) return wiped();
  if (!(await seen.manager.signIn(await kept(secrets, target, 'ciphertrust-admin-password')))) return wiped();
  return { state: 'ready', servers: await seen.manager.list<HsmServer>('/v1/system/hsm/servers') };
}

/** `connInfo` is JSON within JSON; the serial is the partition’s, not the HSM’s (reference: Thales' Terraform provider, `HSMSetupJSON`). */
async function setupOf(secrets: SecretStore, input: Input): Promise<object> {
  const { target, request, hsmAddress, partitionSerial, serverCertificate, clientCertificate, keySecret } = input;
  return {
    type: 'luna',
    connInfo: JSON.stringify({ partition_name: request.hsm.partition.name, partition_password: await kept(secrets, target, 'crypto-officer-password') }),
    initialConfig: {
      host: hsmAddress,
      serial: partitionSerial,
      'server-cert': serverCertificate.pem,
      'client-cert': clientCertificate.pem,
      'client-cert-key': await userSecret(secrets, keySecret),
    },
    reset: true,
    delay: 5,
  };
}

/** These say that it was not taken; behind a 502 or 504 the manager may still be at work. */
const notTaken = [429, 503];

/** Sends it. Fails where it was not taken; gives the failure of a request whose fate is unknown, nothing where it was answered with success. */
async function send(manager: Manager, setup: object, { hsmAddress, partitionSerial }: Input, log: SetupLog): Promise<StepFailure | undefined> {
  const path = '/v1/system/hsm/setup';
  await log.sending(`for partition ${partitionSerial} on ${hsmAddress}, with reset`);
  let answer: Answer;
  try {
    answer = await manager.raw('POST', path, setup);
  } catch (error) {
    if (!isTransient(error)) throw error;
    await log.answered(`no answer: ${error.problem.seen}`);
    return error;
  }
  if (isSuccess(answer)) {
    await log.answered(`${answer.status}`);
    return undefined;
  }
  const failure = answerFailure(`POST ${path}`, answer, setup);
  if (!isPassing(answer) || notTaken.includes(answer.status)) {
    await log.refused(failure.problem.seen);
    throw failure;
  }
  await log.answered(`unknown: ${failure.problem.seen}`);
  return failure;
}

/** It answers before it wipes itself: does that show within this time? */
async function goesDown(look: () => Promise<Seen>, patienceMs: number, signal: AbortSignal): Promise<boolean> {
  const end = Date.now() + patienceMs;
  while (Date.now() < end) {
    const seen = await look().catch((error: unknown) => {
      if (isTransient(error)) return undefined;
      throw error;
    });
    if (seen && (seen.state !== 'ready' || seen.servers.length > 0)) return true;
    await pause(Math.min(1_000, patienceMs / 10), undefined, { signal });
  }
  return false;
}

/** Each time may be a sign-in at the partition, and those are counted: so many in one job, and then once for every decision of a person. */
const mostUnanswered = 3;

/** Without an answer and without effect: the next attempt waits, looks and sends again, but not for ever. */
function lost(failure: StepFailure, sent: number): StepFailure {
  if (sent < mostUnanswered) return failure;
  return unsafe({
    tried: 'setting the HSM as root of trust',
    seen: `${sent} requests had no answer and no effect; the last: ${failure.problem.seen}`,
    source,
    remedy: 'Look at CipherTrust Manager and at the way to it; retry sends the request once more.',
  });
}

const isTransient = (error: unknown): error is StepFailure => error instanceof StepFailure && error.problem.kind === 'Transient';
