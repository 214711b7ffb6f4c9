import { notReady, refused, StepFailure, unsafe } from '../../domain/failure.ts';
import { afterwards } from '../../domain/first-error.ts';
import type { ManagerHolds, PresentedCertificate, StepInput, StepResult } from '../../domain/results.ts';
import { kept, userSecret } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import { problemBeforeSetup, readBeforeSetup } from '../../systems/ciphertrust/before-setup.ts';
import { type Manager, signedIn } from '../../systems/ciphertrust/ciphertrust.ts';
import { type Answer, answerFailure, isPassing, isSuccess, source } from '../../systems/ciphertrust/errors.ts';
import { type HsmServer, isLikeNew, isServerOf, readHolds, readServers } from '../../systems/ciphertrust/holds.ts';
import { giveKey, needsKey, type Starting, usualReason } from '../../systems/ciphertrust/ksadmin-key.ts';
import { neverLeft } from '../../systems/ciphertrust/manager.ts';
import { type Sent, SetupLog } from '../../systems/ciphertrust/setup-log.ts';
import { visit } from '../../systems/ciphertrust/visit.ts';
import { NoPermit } from '../../systems/fence.ts';
import { type Attempt, act, converge, done, halt, lasting, wait } from '../converge.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'set-root-of-trust'>;

/** A wiped manager presents a new certificate: it is believed to be ours so long after this job sent `hsm/setup`, and no longer. */
const windowMs = 3_600_000;

/**
 * What can be seen of it. `settling`: it presents the certificate from before `hsm/setup`, which may still be at work, or was answered a moment ago. It may go on
 * as before though the wipe is announced, or take its data down already: no answer of it counts yet, and no password is shown to it. `wiped`: it presents
 * another certificate, or no longer knows the kept password; that is what it looks like after `hsm/setup`.
 */
export type Seen =
  | ({ state: 'restarting'; detail: string } & Starting)
  | { state: 'settling'; sent: Pick<Sent, 'answer'> }
  | {
      state: 'wiped';
      pin: string;
      certificate: PresentedCertificate;
      /** The request that may have done it; and the moment before which it was surely not wiped, ISO 8601. */
      last?: { msAgo: number; failed: boolean; notBefore: string };
    }
  | {
      state: 'ready';
      servers: HsmServer[];
      /** What would be lost; absent where there is nothing to do. */
      holds?: ManagerHolds;
      /** How many requests this job sent. */
      requests: number;
      /** One of them after which no person ordered another one yet, how long ago it was last heard of, and how long it may take to show an effect. */
      open?: Pick<Sent, 'id' | 'answer' | 'failed'> & { msAgo: number; patienceMs: number };
    };

type Ready = Seen & { state: 'ready' };

export const decideSetRootOfTrust = (seen: Seen, input: Pick<Input, 'cipherTrust' | 'partitionSerial' | 'approvedDigest' | 'fresh' | 'publicKey'>) => {
  const { cipherTrust, partitionSerial, approvedDigest, fresh = false, publicKey } = input;
  if (seen.state === 'restarting')
    return needsKey(seen, publicKey) ? act('give-key') : wait(`CipherTrust Manager restarts: ${[seen.detail, ...usualReason(seen)].join('; ')}`);
  if (seen.state === 'settling') return waitForEffect(seen.sent);
  if (seen.state === 'wiped') return decideWiped(seen, cipherTrust);
  const { servers, holds, open } = seen;
  if (servers.some((server) => isServerOf(server, partitionSerial))) return done<StepResult<'set-root-of-trust'>>({ cipherTrust });
  if (open) return open.failed || open.msAgo >= open.patienceMs ? act('tell') : waitForEffect(open);
  if (holds && holds.digest !== approvedDigest && !isLikeNew(holds, fresh)) return done<StepResult<'set-root-of-trust'>>({ cipherTrust, needsApproval: holds });
  return act('set-up');
};

const tried = 'setting the HSM as root of trust';

const waitForEffect = ({ answer }: Pick<Sent, 'answer'>) =>
  wait(`hsm/setup was sent (${answer ?? 'no answer was heard'}); it is looked whether it takes effect.`);

function decideWiped({ pin, certificate, last }: Seen & { state: 'wiped' }, cipherTrust: Input['cipherTrust']) {
  if (last && last.msAgo <= windowMs)
    return done<StepResult<'set-root-of-trust'>>({
      cipherTrust: { ...cipherTrust, pin },
      openSince: last.notBefore,
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

const sendsAgain = 'sends hsm/setup once more, which wipes CipherTrust Manager';

/** What became of a request, for a person. Each may be a sign-in at the partition, and a wipe: only a person orders another one. */
function told({ answer = 'no answer was heard', failed, msAgo }: NonNullable<Ready['open']>): StepFailure {
  if (failed) return refused({ tried, seen: `hsm/setup ${answer}`, source, remedy: `Mend what CipherTrust Manager names, then retry: that ${sendsAgain}.` });
  return unsafe({
    tried,
    seen: `hsm/setup was sent (${answer}), and ${Math.round(msAgo / 1000)} s later nothing changed: it does not list the HSM and was not wiped`,
    source,
    remedy: `Look at CipherTrust Manager’s log and at the way to it; retry ${sendsAgain}.`,
  });
}

/**
 * `hsm/setup`: CipherTrust Manager checks the partition, answers, then wipes itself and restarts. It is sent once for an order of a person, whatever becomes of
 * the answer: what it did is looked at, never assumed. After one that left, another one is sent only once a person was told what became of it. What the manager
 * holds beside what a new one has is wiped only if a person approved exactly that. Only after a request that this job sent may the manager come back with
 * another certificate and without its password.
 */
export const setRootOfTrust = (systems: Systems) => {
  const repaired = new WeakSet<AbortSignal>();
  const { cipherTrust, secrets, settings, transcripts } = systems;
  return converge<Input, Seen, StepResult<'set-root-of-trust'>, 'set-up' | 'tell' | 'give-key'>({
    lasting: lasting(settings, 'hsm-setup', 'lunacm-script'),
    observe: (input, attempt) => observe(systems, input, new SetupLog(transcripts, input), attempt, repaired.has(attempt.signal)),
    decide: decideSetRootOfTrust,
    act: {
      async 'give-key'({ publicKey }, seen, { signal }) {
        repaired.add(signal);
        if (seen.state === 'restarting' && seen.manager && publicKey) await giveKey(seen.manager, publicKey);
      },
      async tell(input, seen, { order }) {
        const open = (seen as Ready).open!;
        await new SetupLog(transcripts, input).told(open.id, order);
        throw told(open);
      },
      async 'set-up'(input, seen, attempt) {
        const { signal, order } = attempt;
        const log = new SetupLog(transcripts, input);
        const { holds, requests } = seen as Ready;
        const enter = () => signedIn(cipherTrust, secrets, input, input.cipherTrust, signal);
        const key = await userSecret(secrets, input.keySecret);
        const problem = problemBeforeSetup(
          await readBeforeSetup(await enter(), systems.luna, input, key, { signal, record: recordOf(systems, input, attempt, 'hsm') }),
        );
        if (problem && !(problem.mayGoOn && (await log.wasDoubted(problem.seen, order)))) {
          if (problem.mayGoOn) await log.doubted(problem.seen, order);
          throw new StepFailure(requests > 0 ? { ...problem, remedy: `${problem.remedy} Retry ${sendsAgain}.` } : problem);
        }
        const setup = await setupOf(secrets, input, key);
        // A new sign-in: the checks may take longer than a token lives, and this request alone is not repeated with another one.
        const manager = await enter();
        // The checks take their time: what came into it meanwhile is looked at, and asked for.
        const now = await readHolds(manager, input.cipherTrust.address, await readServers(manager));
        if (now.digest === holds!.digest) await send(manager, setup, input, log, requests);
      },
    },
    sight: (seen) => (seen.state === 'ready' ? [seen.servers, seen.holds?.digest] : [seen.state, 'repaired' in seen && seen.repaired]),
  });
};

async function observe({ cipherTrust, secrets, settings }: Systems, input: Input, log: SetupLog, attempt: Attempt, repaired: boolean): Promise<Seen> {
  const { cipherTrust: pinned, partitionSerial } = input;
  const seen = await visit(cipherTrust, input, pinned, attempt.signal);
  if (!seen.started) return { state: 'restarting', look: attempt.number, repaired, ...seen };
  const sent = await log.sent();
  const last = sent.at(-1);
  const wiped = (since = 0): Seen => ({ state: 'wiped', pin: seen.pin, certificate: seen.certificate, ...(last ? { last: suspected(last, since) } : {}) });
  // The kept password is not shown to a machine that is not the pinned one. Whoever looked before did not see this certificate, unless that one was lost.
  if (seen.pin !== pinned.pin) return wiped(attempt.lookedAt);
  const patienceMs = patience.unheard * settings.commandMs;
  const settling = sent.find(({ heardAt, answered }) => Date.now() - heardAt < (answered ? patience.answered * settings.commandMs : patienceMs));
  if (settling) return { state: 'settling', sent: settling };
  if (!(await seen.manager.signIn(await kept(secrets, input.target, 'ciphertrust-admin-password')))) return wiped();
  const servers = await readServers(seen.manager);
  const ready: Ready = { state: 'ready', servers, requests: sent.length };
  if (servers.some((server) => isServerOf(server, partitionSerial))) return ready;
  const open = sent.findLast(({ toldUnder }) => toldUnder === undefined || toldUnder === attempt.order);
  if (open) return { ...ready, open: { ...open, msAgo: Date.now() - open.heardAt, patienceMs } };
  return { ...ready, holds: await readHolds(seen.manager, pinned.address, servers) };
}

/** It was not wiped before the request left, nor before somebody looked and saw that it was not. */
const suspected = ({ at, failed }: Sent, since: number) => ({ msAgo: Date.now() - at, failed, notBefore: new Date(Math.max(at, since)).toISOString() });

/** How long its effect may take to show, in longest runs of a command: after its answer; after nobody heard one, since then it may still be at work, too. */
const patience = { answered: 0.4, unheard: 1.6 };

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

/**
 * Sends it, unless another worker is about to. The next looks tell what became of it: nothing that it is answered makes it leave again by itself, since a proxy
 * may say that nobody took what it has passed on, and one that failed may have wiped all the same.
 */
async function send(manager: Manager, setup: object, { hsmAddress, partitionSerial }: Input, log: SetupLog, before: number): Promise<void> {
  const path = '/v1/system/hsm/setup';
  const id = await log.sending(`for partition ${partitionSerial} on ${hsmAddress}, with reset`);
  if ((await log.sent()).length > before + 1) {
    await log.notSent(id, 'another one is being sent');
    throw notReady('hsm/setup is being sent by another worker, too; it is looked again.');
  }
  let answer: Answer;
  try {
    answer = await manager.raw('POST', path, setup);
  } catch (error) {
    if (error instanceof NoPermit) await log.notSent(id, error.message);
    if (!(error instanceof StepFailure) || error.problem.kind !== 'Transient') throw error;
    if (!neverLeft(error.cause)) return log.unknown(id, `no answer: ${error.problem.seen}`);
    const { seen } = error.problem;
    throw await afterwards(error, () => log.notSent(id, seen));
  }
  if (isSuccess(answer)) return log.answered(id, `${answer.status}`);
  const { seen } = answerFailure(`POST ${path}`, answer, setup).problem;
  await (isPassing(answer) ? log.unknown(id, seen) : log.failed(id, seen));
}
