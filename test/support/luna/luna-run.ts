import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { wordsOf } from '../../../domain/failure.ts';
import type { IncidentView, Progress } from '../../../domain/progress.ts';
import type { ProvisioningRequest } from '../../../domain/request.ts';
import { type Tampering, tamper } from '../../../simulator/control/tamper.ts';
import { type Fault, Faults } from '../../../simulator/faults.ts';
import type { Entry } from '../../../simulator/request-log.ts';
import { type Purpose, secretName } from '../../../stores/secrets/store.ts';
import { exampleRequest } from '../example.ts';
import type { Running } from '../workflow-bench.ts';
import { interference, type Names } from './interference.ts';
import type { LunaBench, Target } from './luna-bench.ts';
import { addresses, type LunaWorld, lunaWorld } from './luna-world.ts';
import { type Beat, type Event, type Interference, type Kind, mishaps, type Schedule } from './schedule.ts';
import type { LunaStep, StepHost } from './step-hosts.ts';
import { Watch } from './watch.ts';

/** Where somebody else may act: right before the job looks, so that what follows is never what no look could have seen. */
const looks = /^(luna-ssh:sign-in|lunash:(hsm show|client list|network show|status date|ntls show))$/;
/** After these there is nothing left of what a job made. */
const undoing: Interference[] = ['initialized by another', 'initialized under our label', 'zeroized', 'FIPS already on'];
const retrySoon = 50;
const patienceMs = 240_000;
/** An operator gives up when a step has failed as often as this. */
const mostIncidents = 3;

type Struck = Pick<Fault, 'kind' | 'amount'> | undefined;

/** Asks the schedule whenever something is about to take effect. */
class Fate extends Faults {
  readonly #struck: (operation: string) => Struck;

  constructor(struck: (operation: string) => Struck) {
    super();
    this.#struck = struck;
  }

  override async strike(operation: string): Promise<Fault | undefined> {
    const ordered = await super.strike(operation);
    const fault = this.#struck(operation);
    return fault ? { id: 'scheduled', operation, times: 1, ...fault } : ordered;
  }
}

/** Jobs for one HSM while the schedule's events befall them, with an operator who answers whatever is asked. */
export class LunaRun implements Target {
  readonly hits: Kind[] = [];
  readonly beats: Required<Beat>[] = [];
  readonly log: string[] = [];
  readonly request: ProvisioningRequest = exampleRequest();
  readonly name: string;
  readonly #bench: LunaBench;
  readonly schedule: Schedule;
  #world!: LunaWorld;
  #watch!: Watch;
  #host!: StepHost;
  #names: Names | undefined;
  #due: Event[];
  #moods: Schedule['moods'];
  #step: LunaStep = 'keep-secrets';
  #running = 0;
  readonly #occurrences = new Map<string, number>();
  readonly #tampered = new Set<Interference>();
  #before: { step: LunaStep; act: () => Promise<void> } | undefined;

  /** The HSM is delivered, the Windows host prepared; no job runs yet. */
  static async open(bench: LunaBench, schedule: Schedule): Promise<LunaRun> {
    const run = new LunaRun(bench, schedule);
    const { variants, clock, fips, allowClockChange } = schedule;
    Object.assign(run.request, { allowClockChange, hsm: { ...run.request.hsm, fips } });
    run.#world = await lunaWorld({ variants, arrived: (entry) => run.#arrived(entry), faults: new Fate((operation) => run.#struck(operation)) });
    run.#world.appliance.state.clock = { ...clock };
    run.#watch = new Watch(run.#world, run.name, run.request, bench.secrets);
    run.#host = run.#newHost();
    return run;
  }

  private constructor(bench: LunaBench, schedule: Schedule) {
    this.#bench = bench;
    this.schedule = schedule;
    this.#due = [...schedule.events];
    this.#moods = [...schedule.moods];
    this.name = bench.nextName(schedule.seed);
  }

  get world(): LunaWorld {
    return this.#world;
  }

  get watch(): Watch {
    return this.#watch;
  }

  get windows() {
    return { address: addresses.windows, pin: this.#world.windowsPin };
  }

  async close(): Promise<void> {
    this.#bench.hosts.give(this.#host);
    await this.#world.stop();
  }

  /**
   * Sends the request until a job completes. Where the operator gave up, or somebody undid it all after the last look, everything is put right, nothing more
   * happens, and the same request is sent again.
   */
  async play(): Promise<void> {
    for (let jobs = 1; jobs <= 3; jobs++) {
      const outcome = await this.job();
      const undone = [...this.#tampered].some((kind) => undoing.includes(kind));
      await this.#mend();
      if (outcome === 'completed' && !undone) return this.#watch.completed();
      this.#due = [];
      this.#moods = [];
    }
    throw new Error('three jobs, and none completed');
  }

  /** One job, to its end. `givesUp`: the operator aborts at the first incident. */
  async job({ givesUp = false } = {}): Promise<string> {
    const job = await this.#bench.provision(this.name, this.request, this);
    try {
      const outcome = await this.#operate(job, givesUp);
      this.#say(`the job ${outcome}`);
      return outcome;
    } catch (error) {
      await job.handle.terminate('the test is over');
      void this.#host.kill();
      throw error;
    }
  }

  tamper(how: Omit<Tampering, 'address'> & Record<string, unknown>): Promise<string | undefined> {
    this.#watch.others(how.what);
    return tamper(this.#world, { address: addresses.hsm, ...how } as Tampering);
  }

  /** What happens right before this step begins. */
  onStep(step: LunaStep, act: () => Promise<void>): void {
    this.#before = { step, act };
  }

  async attempt(step: LunaStep, input: unknown, context: Context): Promise<unknown> {
    const { attempt, activityId, heartbeatDetails, activityType, startToCloseTimeoutMs, scheduledTimestampMs, currentAttemptScheduledTimestampMs } =
      context.info;
    this.#running += 1;
    this.#step = step;
    this.#say(`${step} attempt ${attempt}`);
    try {
      if (this.#before?.step === step) await this.#before.act();
      const info = { attempt, activityId, heartbeatDetails, activityType, startToCloseTimeoutMs, scheduledTimestampMs, currentAttemptScheduledTimestampMs };
      const ended = await this.#host.attempt(step, input, info, context.cancellationSignal, (details) => context.heartbeat(details));
      if (ended.kind === 'done' && !this.#takes('kill before its result is told')) return await this.#learnt(step, ended.result);
      if (ended.kind === 'broken') throw ApplicationFailure.nonRetryable(ended.why);
      if (ended.kind === 'failed') {
        this.#say(`${step} failed: ${ended.failure.message}`);
        throw ApplicationFailure.create({ nextRetryDelay: retrySoon, ...ended.failure });
      }
      if (ended.kind === 'done') this.#kill();
      throw ApplicationFailure.create({ message: 'the process was killed', type: 'Transient', nextRetryDelay: retrySoon });
    } finally {
      this.#running -= 1;
    }
  }

  /** Once the secrets are kept it is known what others would have to know to put things right. */
  async #learnt(step: LunaStep, result: unknown): Promise<unknown> {
    if (step !== 'keep-secrets') return result;
    const kept = async (purpose: Purpose) => (await this.#bench.secrets.get(secretName(this.name, purpose)))!;
    const { hsm, lunaClient } = this.request;
    const [soPassword, appliancePassword] = [await kept('hsm-so-password'), await kept('appliance-password')];
    this.#names = { label: hsm.label, partition: hsm.partition.name, client: lunaClient.address, soPassword, appliancePassword };
    return result;
  }

  /** Follows a job to its end: approves what is asked, and answers incidents by mood. */
  async #operate(job: Running, givesUp: boolean): Promise<string> {
    const met = new Map<string, number>();
    for (const end = Date.now() + patienceMs; Date.now() < end; ) {
      await pause(30);
      // While a step is running nobody is asked anything.
      if (this.#running > 0) continue;
      const progress = await job.progress();
      if (progress?.job.finishedAt) return progress.job.state;
      const approval = progress?.approvals.find(({ closedAt }) => !closedAt);
      const incident = progress?.incidents.find(({ closedAt }) => !closedAt);
      if (approval) {
        this.#say(`${approval.id} is approved`);
        this.#watch.approved(approval);
        await job.handle.signal('approve', { approvalId: approval.id, decisionId: `d-${approval.id}`, actor: 'anna' });
        await job.reaches('the approval to be taken', isClosed('approvals', approval.id));
      } else if (incident) await this.#answer(job, incident, givesUp, met);
    }
    throw new Error(`no end came within ${patienceMs / 1000} s`);
  }

  async #answer(job: Running, incident: IncidentView, givesUp: boolean, met: Map<string, number>): Promise<void> {
    const times = (met.get(incident.step) ?? 0) + 1;
    met.set(incident.step, times);
    const action = givesUp || times > mostIncidents ? 'abort' : 'retry';
    const mood = this.#moods.shift() ?? 'mend and retry';
    this.#say(`${incident.id} at ${incident.step}: ${wordsOf(incident.problem)} → ${action === 'abort' ? action : mood}`);
    this.#watch.incident(incident);
    if (!givesUp && mood === 'mend and retry') await this.#mend();
    if (action === 'retry') this.#watch.decided();
    await job.handle.signal('resolve', { incidentId: incident.id, decisionId: `d-${incident.id}`, action, actor: 'otto' });
    await job.reaches('the decision to be taken', isClosed('incidents', incident.id));
  }

  /** Puts right what others did, by hand; a wrong password of the SO, too, once the right one is there again. */
  async #mend(): Promise<void> {
    const { hsm } = this.#world.appliance.state;
    if (!this.#names) return;
    for (const kind of this.#tampered) {
      const act = interference[kind].mend?.(hsm, this.#names);
      if (act) await this.tamper(act);
    }
    if (!hsm.zeroized && hsm.soPassword === this.#names.soPassword && hsm.soAttemptsLeft < 3) await this.tamper({ what: 'sign-in-as-so' });
    this.#tampered.clear();
  }

  #arrived(entry: Entry): void {
    this.#count('arrived', entry.operation);
    this.#watch.arrived(entry);
    if (this.#takes('kill')) this.#kill();
    if (this.#takes('cut')) this.#world.socks.cut();
    if (looks.test(entry.operation)) this.#interfere();
    else if (entry.operation === 'lunash:hsm login') this.#interfere('mistyped SO password');
  }

  #struck(operation: string): Struck {
    this.#count('struck', operation);
    this.#watch.struck(operation);
    if (this.#takes('kill')) this.#kill();
    if (this.#takes('cut')) this.#world.socks.cut();
    if (this.#takes('reset')) return { kind: 'reset' };
    return this.#takes('delay') ? { kind: 'slow', amount: 5 } : undefined;
  }

  #count(moment: Beat['moment'], operation: string): void {
    const what = `${this.#step} ${moment} ${operation}`;
    const occurrence = (this.#occurrences.get(what) ?? 0) + 1;
    this.#occurrences.set(what, occurrence);
    this.beats.push({ moment, operation, occurrence, step: this.#step });
  }

  #isDue({ beat }: Event): boolean {
    if (typeof beat === 'number') return beat <= this.beats.length;
    const now = this.beats.at(-1);
    const { moment, operation, occurrence, step = this.#step } = beat;
    return now?.moment === moment && now.operation === operation && now.occurrence === occurrence && now.step === step;
  }

  /** Is one of this kind due? Then it is over with this. */
  #takes(kind: Kind): boolean {
    const at = this.#due.findIndex((event) => event.kind === kind && this.#isDue(event));
    if (at < 0) return false;
    this.#due.splice(at, 1);
    this.hits.push(kind);
    this.#say(`* ${kind}`);
    return true;
  }

  #interfere(only?: Interference): void {
    const { hsm, clients } = this.#world.appliance.state;
    for (const { kind } of this.#due.filter((event) => this.#isDue(event))) {
      if (!this.#names || (mishaps as readonly string[]).includes(kind) || (only && kind !== only)) continue;
      const act = interference[kind as Interference].does(hsm, this.#names, clients);
      if (!act || !this.#takes(kind)) continue;
      this.#tampered.add(kind as Interference);
      void this.tamper(act);
    }
  }

  #kill(): void {
    void this.#host.kill();
    this.#host = this.#newHost();
  }

  #newHost(): StepHost {
    const { folder } = this.#bench;
    return this.#bench.hosts.take({
      HSM_PROXY: `socks5://127.0.0.1:${this.#world.socks.port}`,
      HSM_LUNA_VIA: this.schedule.via,
      HSM_SECRETS_FOLDER: `${folder}/secrets`,
      HSM_SECRETS_KEY_FILE: `${folder}/secrets.key`,
      HSM_RECORD_FOLDER: `${folder}/record`,
      HSM_REPORTS_FOLDER: `${folder}/reports`,
      HSM_COMMAND_MS: '1000',
      HSM_POLL_INTERVAL_MS: '50',
    });
  }

  #say(what: string): void {
    const now = this.beats.at(-1);
    this.log.push(`${this.beats.length}${now ? ` (${now.operation} ${now.moment})` : ''}: ${what}`);
  }
}

const isClosed =
  (list: 'approvals' | 'incidents', id: string) =>
  (progress: Progress): boolean =>
    progress[list].some((view) => view.id === id && view.closedAt !== undefined);
