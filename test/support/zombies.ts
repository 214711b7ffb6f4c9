import { setTimeout as pause } from 'node:timers/promises';
import { exampleRequest } from './example.ts';
import { JobDriver } from './job-driver.ts';
import { secondWorker } from './second-worker.ts';
import type { JobView, LedgerEntry, StackBench } from './stack-bench.ts';
import { loadWorld } from './stored-world.ts';
import { until } from './until.ts';
import { type Act, isRefused, type Place, type Reference, tally, tookEffect, type ZombieCase } from './zombie-cases.ts';

/** Refused sign-ins that may be more than in a clean job, of one kind. */
const mostRefused = 2;
/** How long bytes on their way must stay the same to be all. */
const quietMs = 500;

interface Wires {
  holds: { id: string; connections: { heldBytes: number }[] }[];
  connections: { host: string; port: number; connection: number }[];
}
interface World {
  appliances: { soAttemptsLeft: number; partitions: { objects: string[] }[] }[];
  cipherTrusts: { sealer: string }[];
}

export interface Played {
  job: JobView;
  incidents: string[];
  /** What must not be, a sentence each; none is good. */
  violations: string[];
  requestLog: LedgerEntry[];
}

/** A worker that can be made to stand still, or at least to be believed gone. */
export interface Stalled {
  /** It goes on with whatever it is answered: the answer is kept from it until its successor had its turn. */
  isAwake?: boolean;
  freeze(): void;
  thaw(): void;
}

/** SIGSTOP and SIGCONT: what a suspended machine or a full swap does to a process. */
export const byPid = (pid: number): Stalled => ({
  freeze: () => void process.kill(pid, 'SIGSTOP'),
  thaw() {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It is gone.
    }
  },
});

/**
 * Plays a case on a stack whose own worker runs and has no job: that worker carries the job to the act and is stopped there, a second one takes over after the
 * heartbeat’s time-out, and the first goes on when the case says. Both are gone afterwards; a new worker of the stack’s runs.
 */
export async function playZombie(
  bench: StackBench,
  zombie: ZombieCase,
  clean: Reference,
  stalled: Stalled = byPid(bench.stack.pid('worker')!),
): Promise<Played> {
  const { act, resume } = zombie;
  try {
    const driver = await beginNear(bench, act);
    const { letGo, before, old } = await stopAt(bench, driver, zombie, stalled);
    const successor = await secondWorker(bench, 'successor');
    try {
      if (resume === 'after the step') await driver.done(act.step);
      if (resume === 'after the next step') await driver.nextDone(act.step);
      if (resume === 'after the job') await driver.ended();
      const asleep = await bench.requestLog();
      await letGo();
      stalled.thaw();
      await isOver(bench, driver, old);
      const job = await driver.ended();
      return await judge(bench, { zombie, clean, asleep, before }, job, driver.incidents);
    } finally {
      await successor.kill('SIGKILL');
    }
  } finally {
    stalled.thaw();
    await tidy(bench);
  }
}

/** No hold, no fault and no old worker is left. */
export async function tidy(bench: StackBench): Promise<void> {
  await bench.control('DELETE', '/faults');
  for (const { id } of (await wires(bench)).holds) await bench.control('POST', `/wires/${id}/reset`);
  await bench.stack.kill('worker', 'SIGKILL');
  await bench.stack.restart('worker');
}

let names = 0;

/** A job on an HSM of its own, from where the act is near. */
export async function beginNear(bench: StackBench, { start }: Act): Promise<JobDriver> {
  const name = `zombie-${++names}`;
  const request = exampleRequest();
  request.hsm.name = name;
  if (start === 'nothing') await bench.emptyWorld();
  else Object.assign(request, (await loadWorld(bench, start, { rename: { 'kylo-luna-hsm': name } })).request);
  await bench.control('DELETE', '/request-log');
  return JobDriver.begin(bench, request);
}

const wires = async (bench: StackBench): Promise<Wires> => (await bench.control<Wires>('GET', '/wires')).body;

export interface Stopped {
  /** Lets what is on its way arrive. */
  letGo(): Promise<void>;
  /** Connections in the log when it was stopped. */
  before: ReadonlySet<string>;
  /** What it had open then. */
  old: Wires['connections'];
}

/** Brings the worker to the point and stops it there. */
export async function stopAt(bench: StackBench, driver: JobDriver, { act, point }: Omit<ZombieCase, 'resume'>, stalled: Stalled): Promise<Stopped> {
  const hold = await held(bench, driver, placeOf(act, point));
  let letGo = async () => {};
  if (point === 'in flight') letGo = await stopInFlight(bench, hold, act, stalled);
  else {
    stalled.freeze();
    const release = async () => void (await bench.release(hold));
    if (stalled.isAwake) letGo = release;
    // What it waits for is there when it goes on.
    else await release();
  }
  const { connections: old } = await wires(bench);
  return { letGo, old, before: new Set((await bench.requestLog()).map(({ connection }) => connection)) };
}

/** Where the simulator holds, for a point. */
function placeOf({ operation, occurrence, target, predecessor, questions }: Act, point: ZombieCase['point']): Place {
  // The last question of this occurrence, in the order in which all of them are asked.
  if (point === 'question') return { operation: `question ${operation}`, occurrence: questions * occurrence };
  const place: Place = point === 'sent' ? { operation, occurrence, ...(target ? { target } : {}) } : predecessor!;
  return place.operation.startsWith('lunacm:') ? { ...place, operation: `arrived ${place.operation}` } : place;
}

async function held(bench: StackBench, driver: JobDriver, { operation, occurrence, target }: Place): Promise<string> {
  await bench.fault('hold', operation, { skip: occurrence - 1, ...(target ? { target: target.replace('kylo-luna-hsm', '*') } : {}) });
  return driver.meanwhile(`${operation} held`, async () => {
    const { body } = await bench.control<{ id: string; operation: string }[]>('GET', '/holds');
    return body.find((hold) => hold.operation.toLowerCase() === operation.toLowerCase())?.id;
  });
}

/** The worker sends the act, and a hop keeps it. */
async function stopInFlight(bench: StackBench, hold: string, { operation }: Act, stalled: Stalled): Promise<() => Promise<void>> {
  const { hostname, port } = new URL(bench.stack.simulator.arm);
  const ways = operation.startsWith('arm:')
    ? [{ host: hostname, port: Number(port) }]
    : (await wires(bench)).connections.filter((wire) => [22, 443].includes(wire.port)).map(({ host, port }) => ({ host, port }));
  const distinct = [...new Map(ways.map((way) => [`${way.host}:${way.port}`, way])).values()];
  const ids = await Promise.all(
    distinct.map(async (way) => (await bench.control<{ id: string }>('POST', '/wires', { ...way, direction: 'to-machine' })).body.id),
  );
  await bench.release(hold);
  await until(`bytes of ${operation} held`, () => quietBytes(bench), { timeoutMs: 30_000 });
  stalled.freeze();
  for (const id of ids) await bench.control('POST', `/wires/${id}/narrow`);
  return async () => {
    for (const id of ids) await bench.control('POST', `/wires/${id}/release`);
  };
}

async function quietBytes(bench: StackBench): Promise<true | undefined> {
  const count = async () => (await wires(bench)).holds.flatMap(({ connections }) => connections).reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  const first = await count();
  await pause(quietMs);
  return first > 0 && first === (await count()) ? true : undefined;
}

/** The stopped attempt is over: what it had connected is closed. */
export async function isOver(bench: StackBench, driver: JobDriver, old: Wires['connections']): Promise<void> {
  const isOld = (wire: Wires['connections'][number]) =>
    old.some(({ host, port, connection }) => host === wire.host && port === wire.port && connection === wire.connection);
  await driver.meanwhile('the stopped attempt’s connections closed', async () => ((await wires(bench)).connections.some(isOld) ? undefined : true));
}

interface Seen {
  zombie: ZombieCase;
  clean: Reference;
  /** The log right before the stopped attempt went on. */
  asleep: readonly LedgerEntry[];
  /** Connections that there were when it was stopped. */
  before: ReadonlySet<string>;
}
type Facts = Seen & { requestLog: readonly LedgerEntry[] };

async function judge(bench: StackBench, seen: Seen, job: JobView, incidents: string[]): Promise<Played> {
  const requestLog = await bench.requestLog();
  const facts = { ...seen, requestLog };
  const violations = [...violationsOf(facts), ...late(facts), ...(await emptied(bench, job))];
  return { job, incidents, requestLog, violations };
}

/** Acts that happened more often than in a clean job. */
function violationsOf({ zombie: { act }, clean, requestLog }: Facts): string[] {
  const violations: string[] = [];
  const done = tally(requestLog, tookEffect);
  for (const { operation } of requestLog.filter((entry) => entry.destructive))
    if ((done[operation] ?? 0) > (clean.done[operation] ?? 0))
      violations.push(`${operation} took effect ${done[operation]} times, not ${clean.done[operation] ?? 0}`);
  const { operation, disclosing, counted } = act;
  if (disclosing && !counted && isOnce(operation) && (done[operation] ?? 0) > (clean.done[operation] ?? 0))
    violations.push(`${operation} was sent ${done[operation]} times, not ${clean.done[operation] ?? 0}`);
  for (const [name, times] of Object.entries(tally(requestLog, (entry) => entry.counted && isRefused(entry))))
    if (times > (clean.refused[name] ?? 0) + mostRefused) violations.push(`${name} was refused ${times} times`);
  return [...new Set(violations)];
}

/** A file that is put again by the successor is its own: what the stopped attempt puts afterwards is found by its connection. */
const isOnce = (operation: string): boolean => !/^(windows:sftp|luna-scp:|vault:)/.test(operation);

/** What the stopped attempt still did after it went on: over connections that it had, or by an answer to a question that had been asked of it. */
function late({ requestLog, asleep, before, zombie }: Facts): string[] {
  const known = new Map(asleep.map((entry) => [entry.seq, entry]));
  const isMarked = ({ destructive, counted, disclosing }: LedgerEntry) => destructive || counted || disclosing;
  return requestLog.filter(isMarked).flatMap((entry) => {
    const was = known.get(entry.seq);
    if (!was)
      return before.has(entry.connection) && !isFileOnItsWay(zombie, entry)
        ? [`${entry.operation} arrived from the stopped attempt after its successor had taken over`]
        : [];
    const carriedOut = was.outcome === 'received' && tookEffect(entry);
    return carriedOut && before.has(entry.connection) ? [`${entry.operation} was carried out by the stopped attempt after its successor had taken over`] : [];
  });
}

/**
 * Bytes that had left under a permit cannot be called back. Those of a file change nothing by themselves: whoever runs a script, or takes a certificate from its
 * file, does so over a connection that the successor has, and a script's name is never used twice.
 */
const isFileOnItsWay = ({ act, point }: ZombieCase, { operation }: LedgerEntry): boolean =>
  point === 'in flight' && operation === act.operation && /^(windows:sftp|luna-scp:) ?put$/.test(operation);

/** A job is not completed over an empty HSM. */
async function emptied(bench: StackBench, { job }: JobView): Promise<string[]> {
  if (job.state !== 'completed') return [];
  const { appliances, cipherTrusts } = (await bench.control<World>('GET', '/world')).body;
  const holdsKeys = appliances[0]?.partitions.some(({ objects }) => objects.length >= 2) && cipherTrusts[0]?.sealer === 'rapido';
  return holdsKeys ? [] : ['the job says completed, and the HSM holds no root keys'];
}
