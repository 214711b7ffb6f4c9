import { quoting, refused, StepFailure, unsafe } from '../../domain/failure.ts';
import { afterwards } from '../../domain/first-error.ts';
import type { ManagerContents, PresentedCertificate, StepInput, StepResult } from '../../domain/results.ts';
import { isGranted, isUsed, type Order, type SentSetup } from '../../stores/record/memory.ts';
import { requireSecret, requireUserSecret } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import { problemBeforeSetup, readBeforeSetup } from '../../systems/ciphertrust/before-setup.ts';
import type { Manager } from '../../systems/ciphertrust/ciphertrust.ts';
import { type Answer, isPassing, isSuccess, quoted, source } from '../../systems/ciphertrust/errors.ts';
import { type HsmServer, isLikeNew, isServerOf, readHolds, readServers } from '../../systems/ciphertrust/holds.ts';
import { giveKey, needsKey, type Starting, usualReason } from '../../systems/ciphertrust/ksadmin-key.ts';
import { neverLeft } from '../../systems/ciphertrust/manager.ts';
import { probe } from '../../systems/ciphertrust/probe.ts';
import { isEarlier, SetupRecord } from '../../systems/ciphertrust/setup-record.ts';
import { NoPermit } from '../../systems/fence.ts';
import { approvalNotOnRecord } from '../approval-not-on-record.ts';
import { act, converge, done, halt, wait } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { enterLunacmSecrets } from '../machine-record.ts';
import { enterManagerSecrets, isManagerCreatedHere, managerRecord, signedIn, signsIn, type Visitor } from '../manager.ts';
import { recordOf } from '../record.ts';
import { attemptBegins, serverTime } from '../server-time.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'set-root-of-trust'>;

/** A wiped manager presents a new certificate: it is believed to be ours so long after `hsm/setup` was sent to it, and no longer. */
const windowMs = 3_600_000;

/**
 * What can be seen of it. `settling`: it presents the certificate from before `hsm/setup`, which may still be at work, or was answered a moment ago. It may go on
 * as before though the wipe is announced, or take its data down already: no answer of it counts yet, and no password is shown to it. `wiped`: it presents
 * another certificate, or no longer knows the kept password; that is what it looks like after `hsm/setup`.
 */
export type Seen =
  | ({ state: 'restarting'; detail: string } & Starting)
  | { state: 'settling'; sent: Heard }
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
      holds?: ManagerContents;
      /** How many requests were sent to this manager as it is, by whichever job. */
      requests: number;
      /** One of them after which no person ordered another one yet, how long ago it was last heard of, and how long it may take to show an effect. */
      open?: Heard & Pick<SentSetup, 'id' | 'failed'> & { msAgo: number; patienceMs: number };
      /** The target record bears out that this service made it what it is; looked for only where the job says so. */
      isRecordedAsMadeHere?: true;
      /** `hsm/setup` was sent under the approval already. */
      isApprovalSpent?: true;
      /** The job has an approval that the target record does not have. */
      isApprovalMissing?: true;
    };

type Ready = Seen & { state: 'ready' };

/** What was heard of a request; nothing where that was lost. */
type Heard = Pick<SentSetup, 'evidence'>;

export const decideSetRootOfTrust = (
  seen: Seen,
  input: Pick<Input, 'cipherTrust' | 'partitionSerial' | 'approvedDigest' | 'approvalId' | 'fresh' | 'publicKey'>,
) => {
  const { cipherTrust, partitionSerial, approvedDigest, approvalId, publicKey } = input;
  if (seen.state === 'restarting')
    return needsKey(seen, publicKey) ? act('give-key') : wait(`CipherTrust Manager restarts: ${[seen.detail, ...usualReason(seen)].join('; ')}`);
  if (seen.state === 'settling') return waitForEffect(seen.sent);
  if (seen.state === 'wiped') return decideWiped(seen, cipherTrust);
  const { servers, holds, open, isApprovalSpent, isApprovalMissing } = seen;
  if (servers.some((server) => isServerOf(server, partitionSerial))) return done<StepResult<'set-root-of-trust'>>({ cipherTrust });
  if (open) return open.failed || open.msAgo >= open.patienceMs ? act('tell') : waitForEffect(open);
  const isApproved = holds !== undefined && holds.digest === approvedDigest && !isApprovalSpent;
  if (isApproved && isApprovalMissing) return halt(approvalNotOnRecord(tried, approvalId));
  if (holds && !isApproved && !isLikeNew(holds, isMadeHere(seen, input))) return done<StepResult<'set-root-of-trust'>>({ cipherTrust, needsApproval: holds });
  return act('set-up');
};

/** By the job's word and the target record's: either alone wipes nothing unasked. */
const isMadeHere = ({ isRecordedAsMadeHere }: Ready, { fresh }: Pick<Input, 'fresh'>): boolean => fresh === true && isRecordedAsMadeHere === true;

const tried = 'setting the HSM as root of trust';

const waitForEffect = ({ evidence = 'no response received' }: Heard) => wait(`hsm/setup was sent (${evidence}). Checking whether it took effect.`);

function decideWiped({ pin, certificate, last }: Seen & { state: 'wiped' }, cipherTrust: Input['cipherTrust']) {
  if (last && last.msAgo <= windowMs)
    return done<StepResult<'set-root-of-trust'>>({
      cipherTrust: { ...cipherTrust, pin },
      openSince: last.notBefore,
      certificate,
      ...(last.failed ? { failed: true as const } : {}),
    });
  const when = last === undefined ? 'although this service sent nothing that wipes it' : `${inMinutes(last.msAgo)} after hsm/setup was sent to it`;
  return halt({
    code: 'CIPHERTRUST_CHANGED',
    tried,
    summary: `it presents another certificate or refuses the stored password, ${when}`,
    remedy: 'Find out who changed it. If the change is intended, abort and send the request again: a new job starts from the current state.',
  });
}

const inMinutes = (ms: number): string => (Number.isFinite(ms) ? `${Math.round(ms / 60_000)} minutes` : 'an unknown time');
const inSeconds = (ms: number): string => (Number.isFinite(ms) ? `${Math.round(ms / 1000)} s` : 'an unknown time');

const sendsAgain = 'sends hsm/setup once more, which wipes CipherTrust Manager';

/** What became of a request, for a person. Each may be a sign-in at the partition, and a wipe: only a person orders another one. */
function told({ evidence, failed, msAgo }: NonNullable<Ready['open']>): StepFailure {
  if (failed)
    return refused({
      code: 'CIPHERTRUST_SETUP_FAILED',
      tried,
      summary: 'hsm/setup failed',
      ...quoting(source, (evidence ?? '').replace(/^failed: /, '')),
      remedy: `Fix the problem CipherTrust Manager reported, then retry. Retrying ${sendsAgain}.`,
    });
  return unsafe({
    code: 'CIPHERTRUST_SETUP_NO_EFFECT',
    tried,
    summary: `hsm/setup was sent (${evidence ?? 'no response received'}), but ${inSeconds(msAgo)} later nothing has changed: CipherTrust Manager does not list the HSM and was not wiped`,
    remedy: `Check CipherTrust Manager’s log and the network path to it, then retry. Retrying ${sendsAgain}.`,
  });
}

/**
 * `hsm/setup`: CipherTrust Manager checks the partition, answers, then wipes itself and restarts. It is sent once for an order of a person, whatever becomes of
 * the answer: what it did is looked at, never assumed. After one that left, whichever job sent it, another one is sent only once a person was told in this run
 * what became of it. What the manager holds beside what a new one has is wiped only if a person approved exactly that, once. Only after a request that was sent to
 * it may the manager come back with another certificate and without its password.
 */
export const setRootOfTrust = (systems: Systems) => {
  const repaired = new WeakSet<AbortSignal>();
  const { secrets } = systems;
  const run = converge<Input, Seen, StepResult<'set-root-of-trust'>, 'set-up' | 'tell' | 'give-key'>({
    ...leaving(systems, 'hsm-setup', 'lunacm-script'),
    observe: (input, attempt) => observe({ systems, input, attempt }, repaired.has(attempt.signal)),
    decide: decideSetRootOfTrust,
    act: {
      async 'give-key'({ publicKey }, seen, { signal }) {
        repaired.add(signal);
        if (seen.state === 'restarting' && seen.manager && publicKey) await giveKey(seen.manager, publicKey);
      },
      async tell(input, seen, attempt) {
        const open = (seen as Ready).open!;
        await setupRecord({ systems, input, attempt }).told(open.id);
        throw told(open);
      },
      async 'set-up'(input, seen, attempt) {
        const visitor = { systems, input, attempt };
        const { holds, requests } = seen as Ready;
        const key = await requireUserSecret(secrets, input.keySecret);
        await checkBefore(visitor, key, requests);
        const setup = await setupOf(secrets, input, key);
        // A new sign-in: the checks may take longer than a token lives, and this request alone is not repeated with another one.
        await send(visitor, await signedIn(visitor, input.cipherTrust, { anew: true }), setup, holds!.digest);
      },
    },
    fingerprint: (seen) => (seen.state === 'ready' ? [seen.servers, seen.holds?.digest] : [seen.state, 'repaired' in seen && seen.repaired]),
  });
  const begun =
    <Outcome>(carryOut: (input: Input) => Promise<Outcome>) =>
    (input: Input): Promise<Outcome> => {
      attemptBegins();
      return carryOut(input);
    };
  return Object.assign(begun(run), { look: begun(run.look) });
};

type Caller = Visitor & { input: Input };

const orderOf = ({ input: { runId }, attempt }: Caller): Order => ({ runId, execution: attempt.order });

const setupRecord = (caller: Caller): SetupRecord =>
  new SetupRecord({
    record: managerRecord(caller),
    transcripts: caller.systems.transcripts,
    job: caller.input,
    step: caller.attempt.step,
    order: orderOf(caller),
    now: serverTime,
  });

async function observe(caller: Caller, repaired: boolean): Promise<Seen> {
  const { systems, input, attempt } = caller;
  const { cipherTrust: pinned, partitionSerial } = input;
  const seen = await probe(systems.cipherTrust, input, pinned, attempt.signal);
  if (!seen.started) return { state: 'restarting', look: attempt.number, repaired, ...seen };
  const all = await setupRecord(caller).look();
  const now = await serverTime();
  const toIt = all.filter((sent) => concerns(sent, pinned.pin));
  const last = all.findLast(({ pin = pinned.pin }) => pin === pinned.pin);
  const wiped = (since = 0): Seen => ({ state: 'wiped', pin: seen.pin, certificate: seen.certificate, ...(last ? { last: suspected(last, now, since) } : {}) });
  // The kept password is not shown to a machine that is not the pinned one. Whoever looked before did not see this certificate, unless that one was lost.
  if (seen.pin !== pinned.pin) return wiped(attempt.lastObservedAt);
  const { commandMs } = systems.settings;
  const patienceMs = patience.unheard * commandMs;
  const settling = all.find(({ heardAt, answered }) => msSince(heardAt, now) < (answered ? patience.answered * commandMs : patienceMs));
  if (settling) return { state: 'settling', sent: settling };
  // Where something may have wiped it, only a new sign-in shows that it was not.
  if (!(await signsIn(caller, seen.manager, toIt.length > 0))) return wiped();
  const servers = await readServers(seen.manager);
  const ready: Ready = { state: 'ready', servers, requests: toIt.length };
  if (servers.some((server) => isServerOf(server, partitionSerial))) return ready;
  // Each was sent only after a person was told of the one before.
  const open = toIt.at(-1);
  if (open && !(open.toldUnder && isEarlier(open.toldUnder, orderOf(caller))))
    return { ...ready, open: { ...open, msAgo: msSince(open.heardAt, now), patienceMs } };
  const [approval, origin] = [await approvalOf(caller, all), await recordedOriginOf(caller, all)];
  return { ...ready, holds: await readHolds(seen.manager, pinned.address, servers), ...approval, ...origin };
}

/** One that was sent to the manager as it is now. One that failed asks for a person, whatever it wiped. */
const concerns = ({ pin, failed }: SentSetup, pinned: string): boolean => failed || pin === undefined || pin === pinned;

/** Both by the Temporal server's clock. Where that was set back, nothing is long ago; where no time is known, everything is. */
const msSince = (at: number | undefined, now: number): number => (at === undefined ? Number.POSITIVE_INFINITY : Math.max(0, now - at));

/** It was not wiped before the request left, nor before somebody looked and saw that it was not (by that worker's clock, where it can be right). */
function suspected({ sentAt, failed }: SentSetup, now: number, lastObservedAt: number) {
  const from = sentAt ?? 0;
  return { msAgo: msSince(sentAt, now), failed, notBefore: new Date(lastObservedAt > from && lastObservedAt <= now ? lastObservedAt : from).toISOString() };
}

/** What the record says of the approval. It is spent where `hsm/setup` was sent under it; one that was entered as used for a request that never left is not. */
async function approvalOf({ systems, input, attempt }: Caller, sent: SentSetup[]): Promise<Pick<Ready, 'isApprovalSpent' | 'isApprovalMissing'>> {
  const { approvalId = '', approvedDigest: digest } = input;
  if (digest === undefined) return {};
  const approvals = await recordOf(systems, input, attempt, 'approvals').read();
  return {
    ...(isUsed(approvals, approvalId, (act) => sent.some(({ id }) => act === actOf(id))) ? { isApprovalSpent: true } : {}),
    ...(isGranted(approvals, { approvalId, digest }) ? {} : { isApprovalMissing: true }),
  };
}

/** What the record says of the job's word that it made the manager: a request of this service created its VM, or `hsm/setup` wiped what was there before. */
async function recordedOriginOf(caller: Caller, sent: SentSetup[]): Promise<Pick<Ready, 'isRecordedAsMadeHere'>> {
  const { fresh, cipherTrust } = caller.input;
  if (!fresh) return {};
  const isWipedHere = sent.some(({ pin }) => pin !== undefined && pin !== cipherTrust.pin);
  return isWipedHere || (await isManagerCreatedHere(caller)) ? { isRecordedAsMadeHere: true } : {};
}

const actOf = (id: string): string => `hsm/setup ${id}`;

/** Throws where something speaks against sending it that no person ordered to overlook. */
async function checkBefore(caller: Caller, key: string, requests: number): Promise<void> {
  const { systems, input, attempt } = caller;
  const manager = await signedIn(caller, input.cipherTrust);
  const counted = { ...attempt, record: recordOf(systems, input, attempt, 'hsm') };
  // The crypto officer looks into the partition from there.
  if (input.windows) await enterLunacmSecrets(caller);
  const problem = problemBeforeSetup(await readBeforeSetup({ manager, luna: systems.luna }, input, key, counted));
  const record = setupRecord(caller);
  if (!problem || (problem.mayGoOn && (await record.wasDoubted(problem.summary)))) return;
  if (problem.mayGoOn) await record.doubted(problem.summary);
  throw new StepFailure(requests > 0 ? { ...problem, remedy: `${problem.remedy} Retrying ${sendsAgain}.` } : problem);
}

/** How long its effect may take to show, in longest runs of a command: after its answer; after nobody heard one, since then it may still be at work, too. */
const patience = { answered: 0.4, unheard: 1.6 };

/** `connInfo` is JSON within JSON; the serial is the partition’s, not the HSM’s (docs/reference/ciphertrust.md#hsm-setup). */
async function setupOf(secrets: SecretStore, input: Input, key: string): Promise<object> {
  const { target, request, hsmAddress, partitionSerial, serverCertificate, clientCertificate } = input;
  return {
    type: 'luna',
    connInfo: JSON.stringify({
      partition_name: request.hsm.partition.name,
      partition_password: await requireSecret(secrets, target, 'crypto-officer-password'),
    }),
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
 * Sends it, unless anybody entered anything since this attempt looked, or the manager holds something else than what
 * the digest is of. The next looks tell what became of it: nothing that it is answered makes it leave again by itself,
 * since a proxy may say that nobody took what it has passed on, and one that failed may have wiped all the same.
 */
async function send(caller: Caller, manager: Manager, setup: object, digest: string): Promise<void> {
  const record = setupRecord(caller);
  const id = await entered(caller, record);
  // Checks and entries take seconds. What came in meanwhile is seen by the next look, which asks for it.
  if ((await digestNow(caller, manager, record, id)) !== digest) return record.notSent(id, 'CipherTrust Manager’s contents changed just before');
  let answer: Answer;
  try {
    answer = await manager.raw('POST', setupPath, setup);
  } catch (error) {
    return unanswered(record, id, error);
  }
  if (isSuccess(answer)) return record.answered(id, answer.status);
  const seen = quoted(answer, setup);
  await (isPassing(answer) ? record.unknown(id, seen) : record.failed(id, answer.status, seen));
}

/** Of what the manager holds now. Where that cannot be read the request does not leave, and that is entered. */
async function digestNow({ input }: Caller, manager: Manager, record: SetupRecord, id: string): Promise<string> {
  try {
    return (await readHolds(manager, input.cipherTrust.address, await readServers(manager))).digest;
  } catch (error) {
    throw await afterwards(error, () => record.notSent(id, 'CipherTrust Manager’s contents could not be read just before'));
  }
}

const setupPath = '/v1/system/hsm/setup';

/** Enters what is about to happen; the request's own entry comes last. */
async function entered(caller: Caller, record: SetupRecord): Promise<string> {
  const { systems, input, attempt } = caller;
  const { cipherTrust, partitionSerial, hsmAddress, approvedDigest, approvalId } = input;
  const id = SetupRecord.newId();
  await enterManagerSecrets(caller, 'root-of-trust');
  if (approvalId !== undefined && approvedDigest !== undefined) {
    const approvals = recordOf(systems, input, attempt, 'approvals');
    if (!isGranted(await approvals.read(), { approvalId, digest: approvedDigest })) throw unsafe(approvalNotOnRecord(tried, approvalId));
    await approvals.append('approval-used', { approvalId, digest: approvedDigest, act: actOf(id) });
  }
  await record.sending({ id, partitionSerial, hsmAddress, pin: cipherTrust.pin, ...(approvalId === undefined ? {} : { approvalId }) });
  return id;
}

async function unanswered(record: SetupRecord, id: string, error: unknown): Promise<void> {
  if (error instanceof NoPermit) await record.notSent(id, error.message);
  if (!(error instanceof StepFailure) || error.problem.kind !== 'Transient') throw error;
  const { summary: seen } = error.problem;
  if (!neverLeft(error.cause)) return record.unknown(id, `no answer: ${seen}`);
  throw await afterwards(error, () => record.notSent(id, seen));
}
