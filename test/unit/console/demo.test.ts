import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { targetId } from '../../../api/target.ts';
import { plan } from '../../../domain/plan.ts';
import type { ApprovalView, IncidentView, JobOverview, Progress, StepView } from '../../../domain/progress.ts';
import type { ProvisioningRequest } from '../../../domain/request.ts';
import { type StepId, stepIds } from '../../../domain/steps.ts';
import { Api, ApiError } from '../../../scripts/console/api.ts';
import { renderPlan } from '../../../scripts/console/plan.ts';
import { Screen } from '../../../scripts/console/screen.ts';
import { follow, NobodyToAsk } from '../../../scripts/demo/follow.ts';
import { beginNewWorld, jobFor, secretsNamedIn } from '../../../scripts/demo/world.ts';
import { UsageError } from '../../../scripts/setup/command-line.mjs';
import { read } from '../../../scripts/setup/commands/demo.mjs';

const request = JSON.parse(readFileSync(new URL('../../../examples/luna-kylo.json', import.meta.url), 'utf8')) as ProvisioningRequest;
const at = '2026-11-24T12:00:00.000Z';

const hsm = {
  serial: '66331',
  label: 'LunaHSM',
  firmware: '7.0.3',
  software: '7.2.0',
  zeroized: false,
  fips: false,
  soAttemptsLeft: 3,
  partitions: [],
  bytesInUse: 0,
  digest: 'd',
};
const approval: ApprovalView = {
  ...{ id: 'approve-zeroize-1', question: 'Erase?', loses: 'All keys.', hsm, requestedBy: 'kylo', secondPerson: false, askedAt: at, deadline: at },
};
const incident: IncidentView = {
  ...{ id: 'incident-1', step: 'install-luna-client', actions: ['retry', 'abort'], openedAt: at },
  problem: { kind: 'Refused', code: 'CLIENT_INSTALL_FAILED', tried: 'the installer', summary: 'its SHA-256 is another', remedy: 'Put it right.' },
};

/** An API with one job that waits for one decision and is over after it. */
class OneJob {
  readonly decisions: { path: string; token: string | undefined; body: unknown }[] = [];
  readonly #server: Server;
  readonly #asks: Partial<Progress>;

  constructor(asks: Partial<Progress>) {
    this.#asks = asks;
    this.#server = createServer((incoming, outgoing) => {
      let text = '';
      incoming.on('data', (chunk) => {
        text += chunk;
      });
      incoming.on('end', () => {
        if (incoming.method === 'POST') this.decisions.push({ path: incoming.url!, token: incoming.headers.authorization, body: JSON.parse(text) });
        outgoing.setHeader('content-type', 'application/json').end(JSON.stringify(incoming.method === 'POST' ? {} : this.#job()));
      });
    });
  }

  async open(): Promise<Api> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return new Api(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #job(): Progress & { id: string } {
    const over = this.decisions.length > 0;
    const steps = Object.fromEntries(stepIds.map((id) => [id, { state: 'done', attempts: 1 } satisfies StepView])) as Record<StepId, StepView>;
    const state = over ? 'completed' : 'running';
    const job: JobOverview = {
      state,
      revision: 1,
      startedAt: at,
      requestedBy: 'kylo',
      hsmName: 'h',
      region: 'westus2',
      warnings: [],
      awaitingApproval: false,
      hasIncident: false,
    };
    return { id: 'h-0123456789', job, steps, incidents: [], approvals: [], decisions: [], ...(over ? {} : this.#asks) };
  }
}

describe('the demo', () => {
  let written = '';
  const out = new Writable({
    write(chunk, _encoding, done) {
      written += String(chunk);
      done();
    },
  }) as unknown as WriteStream;
  let job: OneJob;

  const followed = async (asks: Partial<Progress>, yes: boolean): Promise<Progress> => {
    written = '';
    job = new OneJob(asks);
    const tokens = { operator: 'an-operator', approver: 'an-approver' };
    return await follow({ api: await job.open(), id: 'h-0123456789', tokens, screen: new Screen(out), yes, interrupted: new AbortController().signal });
  };
  afterEach(() => job?.close());

  it('with --yes shows what is lost and approves as the approver', async () => {
    assert.equal((await followed({ approvals: [approval] }, true)).job.state, 'completed');
    assert.match(written, /What is lost: All keys\./);
    assert.deepEqual(job.decisions, [
      {
        path: '/v1/jobs/h-0123456789/approvals/approve-zeroize-1',
        token: 'Bearer an-approver',
        body: { decision: 'approve', actor: 'demo', comment: 'demo --yes' },
      },
    ]);
  });

  it('with --yes aborts at an incident, after telling it', async () => {
    await followed({ incidents: [incident], approvals: [approval] }, true);
    assert.match(
      written,
      /Incident incident-1 at "Install the Luna client" \(CLIENT_INSTALL_FAILED\):\n {2}Tried: the installer\n {2}What happened: its SHA-256 is another/,
    );
    assert.deepEqual(
      job.decisions.map(({ path, body }) => [path, (body as { action: string }).action]),
      [['/v1/jobs/h-0123456789/incidents/incident-1', 'abort']],
    );
  });

  it('without a terminal and without --yes decides nothing', async function () {
    if (process.stdin.isTTY) this.skip();
    await assert.rejects(followed({ approvals: [approval] }, false), NobodyToAsk);
    assert.deepEqual(job.decisions, []);
  });

  it('tells every mistake that the API finds', async () => {
    const server = createServer((_incoming, outgoing) => {
      const problem = {
        title: 'The request breaks 2 rules',
        status: 422,
        errors: [
          { pointer: '/hsm/name', detail: 'too long' },
          { pointer: '/azure/region', detail: 'no HSM there' },
        ],
      };
      outgoing.writeHead(422, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await assert.rejects(
        new Api(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).send('token', 'POST', '/v1/plans', {}),
        (error) => error instanceof ApiError && error.message === 'The request breaks 2 rules\n  - /hsm/name: too long\n  - /azure/region: no HSM there',
      );
    } finally {
      server.close();
    }
  });

  it('shows the plan: what is created, how long it takes and why, what is destroyed', () => {
    const planned = plan(request);
    assert.ok(planned.ok);
    const text = renderPlan(planned.plan, 60).join('\n');
    for (const told of ['Dedicated HSM kylo-luna-hsm', 'Deploy the gateway and the HSM →', 'Destroys:', 'Erases every partition', 'Warnings:'])
      assert.ok(text.includes(told), told);
    assert.match(text, /Usually takes [\d]+ .*; here 60 times faster, so about \d+ s/);
    for (const line of text.split('\n')) assert.ok(line.length <= 130, line);
  });

  it('finds the secrets that a request names', () => assert.deepEqual(secretsNamedIn(request), ['ntp-key']));

  describe('and its data folder', () => {
    let folder: string;
    const keepSecret = () => {
      mkdirSync(join(folder, 'secrets'));
      writeFileSync(join(folder, 'secrets', 'a-hsm-so-password.secret'), 'sealed');
      writeFileSync(join(folder, 'secrets.key'), 'key');
    };
    /** Where no Temporal server can be found: it cannot start anything. */
    const demo = (...args: string[]) =>
      spawnSync(process.execPath, [fileURLToPath(new URL('../../../scripts/demo.ts', import.meta.url)), ...args], {
        env: { PATH: folder, XDG_CACHE_HOME: folder, HSM_DATA_FOLDER: folder, HSM_API_PORT: '0', HSM_TEMPORAL_PORT: '0', HSM_TEMPORAL_UI_PORT: '0' },
        encoding: 'utf8',
      });
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'hsm-world-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it('begins a new world without losing the passwords of the last one', () => {
      assert.equal(beginNewWorld(folder), undefined);
      mkdirSync(join(folder, 'simulator'));
      mkdirSync(join(folder, 'record'));
      keepSecret();
      const aside = beginNewWorld(folder)!;
      assert.deepEqual(readdirSync(folder).toSorted(), ['earlier', 'simulated-world']);
      assert.ok(existsSync(join(aside, 'secrets', 'a-hsm-so-password.secret')) && existsSync(join(aside, 'secrets.key')));
      assert.ok(existsSync(join(aside, 'record')), 'the target record is sealed with one of these secrets');
    });

    it('leaves alone one whose secrets it did not make: they may be those of real systems', () => {
      keepSecret();
      mkdirSync(join(folder, 'simulator'));
      assert.throws(() => beginNewWorld(folder), /holds secrets that no demo made, perhaps those of real systems: nothing was touched/);
      assert.deepEqual(readdirSync(folder).toSorted(), ['secrets', 'secrets.key', 'simulator']);
      const { status, stdout, stderr } = demo('--yes');
      assert.deepEqual([status, stdout, stderr.split('\n').length], [1, '', 2]);
      assert.match(stderr, /^\/.* holds secrets that no demo made/);
      assert.deepEqual(readdirSync(folder).toSorted(), ['secrets', 'secrets.key', 'simulator']);
    });

    it('is not touched for a request that cannot be carried out', () => {
      const file = join(folder, 'request.json');
      writeFileSync(file, JSON.stringify({ ...request, hsm: { ...request.hsm, name: 'a name with spaces' } }));
      const { status, stdout, stderr } = demo('--request', file);
      assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
      assert.match(stderr, /^The request \/.*\/request\.json cannot be carried out; nothing was touched:\n {2}- \/hsm\/name: .+\n$/);
      assert.deepEqual(readdirSync(folder), ['request.json']);
    });
  });

  it('goes on with the job of its HSM, however that is written, and with no other', () => {
    const hsm = { ...request.hsm, name: 'Kylo-Luna-HSM' };
    const id = targetId(request);
    assert.equal(jobFor({ ...request, hsm }, ['kylo-luna-hsm-0123456789', id]), id);
    assert.equal(jobFor(request, ['kylo-luna-hsm-0123456789']), undefined);
  });

  it('understands its options, and says which one it does not', () => {
    assert.deepEqual(read(['--yes', '--fault', 'unsealed']), { yes: true, fault: 'unsealed', timeScale: 150 });
    assert.deepEqual(read(['--request', 'package.json', '--time-scale', '60']), { yes: false, requestFile: 'package.json', timeScale: 60 });
    for (const typed of [['--force'], ['--time-scale', 'fast'], ['--fault', 'nope'], ['--request', 'no-such-file.json'], ['yes']])
      assert.throws(() => read(typed), UsageError, typed.join(' '));
  });
});
