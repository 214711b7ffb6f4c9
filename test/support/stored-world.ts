import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { targetId } from '../../api/target.ts';
import type { Report } from '../../domain/report.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { type Renaming, renamer } from '../../simulator/rename.ts';
import { folderNumberedStore } from '../../stores/record/folder-store.ts';
import type { NumberedStore } from '../../stores/record/numbered-store.ts';
import { sealedStore } from '../../stores/record/sealed-store.ts';
import { folderReports, type ReportStore } from '../../stores/reports/report-store.ts';
import { createFileStore, namesIn } from '../../stores/secrets/file-store.ts';
import { exampleRequest } from './example.ts';
import { historyOf } from './leaks.ts';
import { madeOnce } from './made-once.ts';
import { type JobView, type LedgerEntry, StackBench } from './stack-bench.ts';
import { until } from './until.ts';

/**
 * How far the stored job had come. `deployed`: HSM, Windows host with the Luna client, and CipherTrust Manager are there, and nobody has signed in at the HSM;
 * `awaiting-approval`: the HSM is initialized, and the job waits for the approval; `provisioned`: the job is completed.
 */
export const stages = ['deployed', 'awaiting-approval', 'provisioned'] as const;
export type Stage = (typeof stages)[number];

const root = fileURLToPath(new URL('../..', import.meta.url));
const home = join(root, '.data', 'test-worlds');
/** What a stored world depends on. */
const madeOf = [
  'domain',
  'temporal',
  'stores',
  'systems',
  'activities',
  'workflows',
  'worker',
  'simulator',
  'api/target.ts',
  'examples',
  'package-lock.json',
  fileURLToPath(import.meta.url),
];
/** What the product keeps in its data folder beside its secrets, and is to be found again. */
const stored = ['reports', 'record'];
const keptForMs = 24 * 3_600_000;

interface Kept {
  request: ProvisioningRequest;
  target: string;
  state: Record<string, unknown>;
}

/** What the stored job told at its end, and what it left behind. */
export interface StoredJob {
  id: string;
  job: JobView;
  report: Report;
  markdown: string;
  /** The ids of the completed jobs that the API lists. */
  completed: string[];
  /** The first event that whoever follows the job is sent. */
  event: string;
  /** Of the workflow, as JSON. */
  history: string;
  requestLog: LedgerEntry[];
  /** What arrived before the approval was asked for. */
  beforeApproval: LedgerEntry[];
  /** Everything that the stack wrote, logs and Temporal’s database included. */
  folder: string;
}

export interface Loaded {
  request: ProvisioningRequest;
  /** The target that this request has: the id of its job. */
  target: string;
  /** What arrived in the stored job until then, in order. */
  requestLog: LedgerEntry[];
}

/** The folder with one stage of the stored job. The first caller of all processes provisions and stores it; the others wait for that. */
export async function storedWorld(stage: Stage): Promise<string> {
  const folder = join(home, await fingerprint());
  await mkdir(home, { recursive: true });
  await madeOnce(folder, () => store(folder));
  return join(folder, stage);
}

/** The one job that was carried out for the stored worlds: tests of provisioning look at what it did, and carry out none of their own. */
export async function storedJob(): Promise<StoredJob> {
  const folder = join(await storedWorld('provisioned'), '..');
  const told = JSON.parse(await readFile(join(folder, 'job.json'), 'utf8')) as Omit<StoredJob, 'folder'>;
  return { ...told, folder: join(folder, 'left') };
}

/** Carries out one job, and stores what there is at each stage; all of it appears at once. */
async function store(folder: string): Promise<void> {
  const unfinished = `${folder}.${randomUUID()}`;
  const bench = await StackBench.start({ inFolders: true });
  try {
    const request = exampleRequest();
    const keep = (stage: Stage) => keepStage(bench, join(unfinished, stage), request);
    await bench.fault('hold', 'lunash:first sign-in');
    const id = await bench.provision(request);
    const hold = await bench.held('lunash:first sign-in');
    // The other branches come to rest first.
    await bench.reaches(id, 'machines', ({ steps }) => steps['install-luna-client'].state === 'done' && steps.license.state === 'done');
    await keep('deployed');
    await bench.release(hold);
    await bench.approvalAsked(id);
    await keep('awaiting-approval');
    const beforeApproval = await bench.requestLog();
    const { status } = await bench.approve(id);
    if (status !== 200) throw new Error(`the approval was not taken: ${status}`);
    const job = await bench.ended(id);
    await keep('provisioned');
    const told: Omit<StoredJob, 'folder'> = { ...(await toldBy(bench, id)), id, job, beforeApproval };
    await writeFile(join(unfinished, 'job.json'), JSON.stringify(told), { mode: 0o600 });
    await cp(bench.folder, join(unfinished, 'left'), { recursive: true });
    await rename(unfinished, folder);
  } finally {
    await bench.stop();
    await rm(unfinished, { recursive: true, force: true });
  }
  await forgetOld();
}

/** What API, Temporal and simulator say of a job that is completed. */
async function toldBy(bench: StackBench, id: string): Promise<Pick<StoredJob, 'report' | 'markdown' | 'completed' | 'event' | 'history' | 'requestLog'>> {
  const { body: report } = await bench.api<Report>('GET', `/v1/jobs/${id}/report`);
  const asOperator = { authorization: `Bearer ${bench.stack.tokens.operator}` };
  const markdown = await fetch(`${bench.stack.api}/v1/jobs/${id}/report`, { headers: { ...asOperator, accept: 'text/markdown' } });
  const completed = await until('the job listed as completed', async () => {
    const { body } = await bench.api<{ jobs: { id: string }[] }>('GET', '/v1/jobs?state=completed');
    return body.jobs.length > 0 ? body.jobs.map((listed) => listed.id) : undefined;
  });
  const events = await fetch(`${bench.stack.api}/v1/jobs/${id}/events`, { headers: asOperator });
  const [event, history] = [await events.text(), await historyOf(bench.stack.temporal, id)];
  return { report, markdown: await markdown.text(), completed, event, history, requestLog: await bench.requestLog() };
}

async function keepStage(bench: StackBench, folder: string, request: ProvisioningRequest): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { body: state } = await bench.control('GET', '/world/state');
  const kept: Kept = { request, target: targetId(request), state };
  await writeFile(join(folder, 'world.json'), JSON.stringify(kept), { mode: 0o600 });
  for (const name of ['secrets', 'secrets.key', ...stored])
    if (existsSync(join(bench.folder, name))) await cp(join(bench.folder, name), join(folder, name), { recursive: true });
}

/**
 * Puts a stored world into a stack: the simulator’s state, the secrets, the target record and the reports, under other names where that is asked for (`rename`: names, addresses
 * and serials, old → new; the request is renamed, too). Nothing that the stack’s simulator held before is there afterwards, and its log is empty.
 */
export async function loadWorld(
  bench: StackBench,
  stage: Stage,
  { rename: asked = {}, newHostKeys = false }: { rename?: Renaming; newHostKeys?: boolean } = {},
): Promise<Loaded> {
  const folder = await storedWorld(stage);
  const { request: stored, target: before, state } = JSON.parse(await readFile(join(folder, 'world.json'), 'utf8')) as Kept;
  const request = JSON.parse(renamer(asked)(JSON.stringify(stored))) as ProvisioningRequest;
  const target = targetId(request);
  const naming = target === before ? asked : { ...asked, [before]: target };
  const secrets = createFileStore({ folder: join(folder, 'secrets'), keyFile: join(folder, 'secrets.key') });
  const key = await secrets.get(`${before}-client-certificate-key`);
  const { status, body } = await bench.control('PUT', '/world', { state, rename: naming, newHostKeys, ...(key ? { keys: [key] } : {}) });
  if (status !== 204) throw new Error(`the world was not loaded: ${JSON.stringify(body)}`);
  const change = renamer(naming);
  const names = namesIn(join(folder, 'secrets'));
  await Promise.all(names.map(async (name) => bench.store.create(change(name), (await secrets.get(name))!)));
  await copyReports(folderReports(join(folder, 'reports')), bench.reports, change);
  // Record and reports in blobs are part of the state that was replaced.
  await rm(join(bench.folder, 'record', target), { recursive: true, force: true });
  await copyRecord(sealedStore(folderNumberedStore(join(folder, 'record')), secrets), bench.recordEntries, change);
  return { request, target, requestLog: (state['requestLog'] ?? []) as LedgerEntry[] };
}

/** Entries are sealed with a key of the secrets and bound to their names: each is opened, and written anew. */
async function copyRecord(from: NumberedStore, to: NumberedStore, change: (text: string) => string): Promise<void> {
  const names = await from.list('');
  await Promise.all(names.map(async (name) => to.create(change(name), change((await from.get(name))!))));
}

async function copyReports(from: ReportStore, to: ReportStore, change: (text: string) => string): Promise<void> {
  for (const name of await from.list('')) {
    const [json, markdown] = [await from.read(name, 'json'), await from.read(name, 'markdown')];
    await to.put(change(name), { json: change(json!), markdown: change(markdown!) });
  }
}

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256').update(root);
  for (const path of madeOf.map((name) => (name.startsWith('/') ? name : join(root, name))))
    for (const file of await filesIn(path)) hash.update(`\0${file}\0`).update(await readFile(file));
  return hash.digest('hex').slice(0, 20);
}

async function filesIn(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Worlds of versions that are gone. */
async function forgetOld(): Promise<void> {
  for (const name of await readdir(home)) {
    const made = await stat(join(home, name)).catch(() => undefined);
    if (made && Date.now() - made.mtimeMs > keptForMs) await rm(join(home, name), { recursive: true, force: true });
  }
}
