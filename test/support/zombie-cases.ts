import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { catalog, type StepId, stepIds } from '../../domain/steps.ts';
import { type Marks, operations } from '../../simulator/operations.ts';
import { exampleRequest } from './example.ts';
import { JobDriver } from './job-driver.ts';
import { madeOnce } from './made-once.ts';
import { type JobView, type LedgerEntry, StackBench } from './stack-bench.ts';
import { loadWorld, type Stage, storedWorld } from './stored-world.ts';

/** Where a zombie case begins: with nothing, or with a stored world. */
export type Start = 'nothing' | Exclude<Stage, 'provisioned'>;
export const starts: readonly Start[] = ['nothing', 'deployed', 'awaiting-approval'];

/** An arrival by name, and the how-many-eth of its name it is in a clean job. */
export interface Place {
  operation: string;
  occurrence: number;
  /** Of requests to ARM, which come from several branches at once: what they are about. */
  target?: string;
}

/** Something that a job does, and that must not be done twice: by the simulator’s own list. */
export interface Act extends Place, Marks {
  start: Start;
  step: StepId;
  /** What is answered right before it is sent: the last look, where there is one that can be held. */
  predecessor?: Place;
  /** How many questions it asks. */
  questions: number;
}

export interface Reference {
  acts: Act[];
  /** How often a clean job does what has a mark, by operation: refused ones apart. */
  done: Record<string, number>;
  refused: Record<string, number>;
}

/** Arrivals that no fault and no hold meets, and those of the cloud’s own agent. */
const notHeld = (entry: LedgerEntry): boolean =>
  /^(luna-ssh:|socks:|windows:(sign-in|forward|run-script|installer))/.test(entry.operation) || entry.connection === 'agent' || entry.detail === 'booting';
const isMarked = ({ destructive, counted, disclosing }: Marks): boolean => destructive || counted || disclosing;

/** Which phases may do something of a system. */
const phasesOf: Record<string, readonly string[]> = {
  lunash: ['hsm-setup', 'partition', 'root-of-trust'],
  'luna-scp': ['partition', 'root-of-trust'],
  lunacm: ['partition', 'root-of-trust'],
  vtl: ['partition', 'root-of-trust'],
  windows: ['luna-client', 'partition', 'root-of-trust'],
  ciphertrust: ['ciphertrust', 'root-of-trust'],
  arm: ['permissions', 'network', 'hsm', 'luna-client', 'ciphertrust', 'report'],
};

/** The step that an arrival belongs to: one that was at work then, of a phase that speaks to this system. */
export function stepOf(entry: LedgerEntry, { steps: shown }: Pick<JobView, 'steps'>): StepId | undefined {
  const { lunaClient, cipherTrust } = exampleRequest();
  const byMachine = [
    { vmName: `/${lunaClient.vmName}`, phase: 'luna-client' },
    { vmName: `/${cipherTrust.vmName}`, phase: 'ciphertrust' },
  ].find(({ vmName }) => entry.target.includes(vmName));
  const phases = entry.system === 'arm' && byMachine ? [byMachine.phase] : (phasesOf[entry.system] ?? []);
  const at = Date.parse(entry.at);
  return stepIds.find((id) => {
    const { startedAt, finishedAt } = shown[id];
    return phases.includes(catalog[id].phase) && startedAt && finishedAt && Date.parse(startedAt) <= at && at <= Date.parse(finishedAt);
  });
}

/** What is answered right before an act: on the same connection, or of the same system where each request has its own. lunacm and vtl come by an exec of their own. */
function predecessorOf(act: LedgerEntry, before: readonly LedgerEntry[]): LedgerEntry | undefined {
  const same = before.filter((entry) => isBefore(entry, act));
  if (act.system === 'lunacm' || act.system === 'vtl') {
    const carrier = same.findLastIndex(({ operation }) => operation === 'windows:exec');
    return carrier < 0 ? undefined : same.slice(0, carrier).at(-1);
  }
  return same.at(-1);
}

function isBefore(entry: LedgerEntry, act: LedgerEntry): boolean {
  if (act.system === 'arm') return entry.system === 'arm' && entry.target === act.target;
  return act.system === 'ciphertrust' ? entry.system === act.system : entry.connection === act.connection;
}

function place(entry: LedgerEntry, requestLog: readonly LedgerEntry[]): Place {
  const { operation, target } = entry;
  const ofTarget = entry.system === 'arm' ? { target } : {};
  const same = requestLog.filter((other) => other.operation === operation && (entry.system !== 'arm' || other.target === target));
  return { operation, ...ofTarget, occurrence: same.filter((other) => other.seq <= entry.seq && !notHeld(other)).length };
}

/** The first act of each kind in each step of a clean job. */
function actsIn(start: Start, requestLog: readonly LedgerEntry[], job: JobView): Act[] {
  const acts = new Map<string, Act>();
  requestLog.forEach((entry, at) => {
    const step = stepOf(entry, job);
    if (!isMarked(entry) || notHeld(entry) || !step || entry.outcome === 'refused' || acts.has(`${step} ${entry.operation}`)) return;
    const before = predecessorOf(entry, requestLog.slice(0, at));
    const { destructive, counted, disclosing, questions = 0 } = entry;
    acts.set(`${step} ${entry.operation}`, {
      ...place(entry, requestLog),
      ...{ start, step, questions, destructive, counted, disclosing },
      ...(before && !notHeld(before) ? { predecessor: place(before, requestLog) } : {}),
    });
  });
  return [...acts.values()];
}

export function tally(requestLog: readonly LedgerEntry[], wanted: (entry: LedgerEntry) => boolean): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of requestLog) if (isMarked(entry) && wanted(entry)) counts[entry.operation] = (counts[entry.operation] ?? 0) + 1;
  return counts;
}

export const isRefused = ({ outcome, detail }: LedgerEntry): boolean => outcome === 'refused' && detail !== 'booting';
export const tookEffect = ({ outcome }: LedgerEntry): boolean => !['refused', 'cut', 'received'].includes(outcome);

/** A clean job from a start, once for each version of the source: what it does, in which step, and how often. */
export async function reference(start: Start): Promise<Reference> {
  const file = join(await storedWorld('provisioned'), `reference-${start}.json`);
  await madeOnce(file, async () => {
    await writeFile(`${file}.new`, JSON.stringify(await referenceOf(start), null, 1));
    await rename(`${file}.new`, file);
  });
  return JSON.parse(await readFile(file, 'utf8')) as Reference;
}

async function referenceOf(start: Start): Promise<Reference> {
  const bench = await StackBench.start();
  try {
    const request = start === 'nothing' ? exampleRequest() : (await loadWorld(bench, start)).request;
    const driver = await JobDriver.begin(bench, request);
    const job = await driver.ended();
    if (job.job.state !== 'completed' || driver.incidents.length > 0) throw new Error(`a clean job from ${start} is not clean: ${driver.incidents.join(', ')}`);
    const requestLog = await bench.requestLog();
    return { acts: actsIn(start, requestLog, job), done: tally(requestLog, tookEffect), refused: tally(requestLog, isRefused) };
  } finally {
    await bench.stop();
  }
}

export const points = ['before', 'question', 'sent', 'in flight'] as const;
/**
 * Where an attempt is stopped: `before` the act is sent, with the answer to the last look already there; at the act’s last `question`, already asked and not
 * answered; after it was `sent` and took effect, with the answer not read; or with its bytes `in flight`, held by a hop until the resume.
 */
export type Point = (typeof points)[number];
export const resumes = ['after the step', 'after the next step', 'after the job'] as const;
/** When the stopped attempt goes on. */
export type Resume = (typeof resumes)[number];

export interface ZombieCase {
  act: Act;
  point: Point;
  resume: Resume;
}

export const nameOf = ({ act, point, resume }: ZombieCase): string => `${act.step}, ${act.operation}: stopped ${point}, goes on ${resume}`;

/** Every act that erases, counts or discloses, at every point and every resume. An act that several starts have is tried from the latest. */
export async function zombieCases(): Promise<ZombieCase[]> {
  const references = [];
  for (const start of starts) references.push(await reference(start));
  const latest = new Map<string, Act>();
  for (const { acts } of references) for (const act of acts) if (operations[act.operation]) latest.set(`${act.step} ${act.operation}`, act);
  return [...latest.values()].flatMap((act) =>
    points.filter((point) => isPossible(act, point)).flatMap((point) => resumes.map((resume) => ({ act, point, resume }))),
  );
}

function isPossible({ predecessor, questions }: Act, point: Point): boolean {
  if (point === 'question') return questions > 0;
  return point === 'sent' || predecessor !== undefined;
}
