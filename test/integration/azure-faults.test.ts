import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { wordsOf } from '../../domain/failure.ts';
import type { FaultRequest } from '../../simulator/faults.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { azureSteps } from '../support/azure-job.ts';

type Struck = Partial<FaultRequest> & Pick<FaultRequest, 'kind'>;

/** What strikes the operations, in turn. */
const weathers: Record<string, Struck[]> = {
  '429, with a Retry-After in seconds, as a date, in milliseconds, and without': [
    { kind: 'throttle', amount: 1 },
    { kind: 'throttle', amount: 2, tell: 'date' },
    { kind: 'throttle', amount: 1, tell: 'milliseconds' },
    { kind: 'throttle' },
  ],
  '503': [{ kind: 'error', status: 503 }],
  'a gateway’s HTML page with 502': [{ kind: 'page' }],
  'a connection that is cut before the request was accepted': [{ kind: 'reset' }],
  'a connection that is cut after the request was accepted': [{ kind: 'reset-after-accept' }],
  'an answer that stops half-way': [{ kind: 'stall' }],
};

/** Everything that a job does in Azure, with each of its requests struck once: those for tokens and the polls of long operations, too. */
describe('Bad faults between this service and Azure', function () {
  this.timeout(120_000);
  let operations: string[];
  let bench: AzureBench;
  const started = async () => {
    bench = await AzureBench.start({ timeoutMs: 300 });
  };
  before(async () => {
    await started();
    await azureSteps(bench);
    operations = [...new Set(bench.world.requestLog.entries.map(({ operation }) => operation))].filter((operation) => /^(arm|authority):/.test(operation));
    await bench.stop();
    assert.ok(operations.length >= 30, `${operations.length} operations`);
  });
  beforeEach(started);
  afterEach(() => bench.stop());

  /** Nothing was made twice: each thing was put once with success, two subnets and the network among them. */
  function madeOnce(): void {
    const puts = bench.arrived('arm:PUT *', 'done').map(({ operation, target }) => `${operation} ${target}`.toLowerCase());
    assert.deepEqual(
      puts.filter((put, at) => puts.indexOf(put) !== at),
      [],
    );
    const there = (type: string) => bench.azure.resources().filter((resource) => resource.type === type).length;
    assert.deepEqual(
      ['HardwareSecurityModules/dedicatedHSMs', 'Network/virtualNetworkGateways', 'Compute/virtualMachines', 'Network/publicIPAddresses'].map((type) =>
        there(`Microsoft.${type}`),
      ),
      [1, 1, 2, 3],
    );
    assert.equal(bench.arrived('windows:run-script').length, 1, 'the installation ran once');
    for (const change of ['deallocate', 'start'])
      assert.equal(bench.arrived(`arm:POST Microsoft.Compute/virtualMachines/${change}`, 'done').length, 1, `${change} was ordered once`);
  }

  /** A POST that was not answered well was sent again only after a look. */
  function looksBeforePostingAgain(): void {
    const { entries } = bench.world.requestLog;
    for (const [at, { operation, target }] of entries.entries()) {
      if (!operation.startsWith('arm:POST ')) continue;
      const before = entries.slice(0, at).findLastIndex((other) => other.operation === operation && other.target === target);
      if (before < 0) continue;
      assert.ok(
        entries.slice(before, at).some((between) => between.operation.startsWith('arm:GET ')),
        `${operation} was sent twice without a look`,
      );
    }
  }

  for (const [faults, struck] of Object.entries(weathers))
    it(`${faults}: waits as told and goes on; nothing is made twice, nothing posted again blindly`, async () => {
      for (const [at, operation] of operations.entries()) {
        const { kind, ...more } = struck[at % struck.length]!;
        bench.fault(kind, operation, more);
      }
      const { address, manager } = await azureSteps(bench);
      assert.deepEqual([address, manager.privateAddress], ['172.22.1.4', '172.22.0.5']);
      assert.deepEqual(bench.world.faults.list(), [], 'everything was struck');
      madeOnce();
      looksBeforePostingAgain();
      const bad = bench.attempts.filter(({ problem }) => problem.kind !== 'NotReady');
      assert.ok(bad.length >= 20, `${bad.length} attempts failed`);
      for (const { problem, retryAfterMs } of bad) {
        assert.equal(problem.kind, 'Transient', wordsOf(problem));
        assert.ok(!/[<>]/.test(wordsOf(problem)) && (problem.evidence?.text ?? '').length <= 300, wordsOf(problem));
        const told = /try again after '(\d)' seconds/.exec(wordsOf(problem))?.[1];
        if (told) assert.ok(retryAfterMs! > (Number(told) - 1) * 1000 && retryAfterMs! <= Number(told) * 1000, `${told} s told, ${retryAfterMs} ms waited`);
      }
      if (struck[0]!.kind === 'throttle') assert.ok(new Set(bad.map(({ retryAfterMs }) => retryAfterMs)).size >= 3, 'told and not told');
    });
});

describe('A request to Azure', () => {
  let bench: AzureBench;
  afterEach(() => bench.stop());

  for (const [what, fault] of [
    ['answered with 503', { kind: 'error', status: 503 }],
    ['throttled', { kind: 'throttle' }],
    ['cut off after it was accepted', { kind: 'reset-after-accept' }],
  ] as const)
    it(`that is ${what} is not sent again by an attempt: the next one looks first`, async () => {
      bench = await AzureBench.start();
      const put = 'arm:PUT Microsoft.Resources/resourceGroups';
      const { kind, ...more } = fault;
      bench.fault(kind, put, more);
      await assert.rejects(bench.attempt('resource-group', {}), (error: unknown) => error instanceof ApplicationFailure && error.type === 'Transient');
      assert.equal(bench.arrived(put).length, 1);
    });
});

describe('An Azure whose reads lag behind', function () {
  this.timeout(60_000);
  let bench: AzureBench;
  afterEach(() => bench?.stop());

  it('is looked at again: nothing is taken for undone, and nothing made twice, from the group to the doors', async () => {
    bench = await AzureBench.start({ variants: { 'azure.staleReads': '3' } });
    await azureSteps(bench);
    const made = bench.arrived('arm:PUT *', 'done').map(({ operation, target }) => `${operation} ${target}`);
    assert.deepEqual(
      made.filter((one, index) => made.indexOf(one) !== index && !/securityRules/.test(one)),
      [],
    );
    assert.deepEqual(
      ['HardwareSecurityModules/dedicatedHSMs', 'Compute/virtualMachines'].map((type) => bench.states(`Microsoft.${type}`).length),
      [1, 2],
    );
  });

  it('for too long is an incident', async () => {
    bench = await AzureBench.start({ variants: { 'azure.staleReads': '100' } });
    const { kind, words: seen } = await bench.stops('resource-group', {});
    assert.deepEqual([kind, seen], ['Unsafe', 'success was reported, but nothing changed']);
    assert.equal(bench.arrived('arm:PUT Microsoft.Resources/resourceGroups').length, 1);
  });
});

describe('The sign-in to Azure', () => {
  let bench: AzureBench;
  beforeEach(async () => {
    bench = await AzureBench.start();
  });
  afterEach(() => bench.stop());

  it('has a token that has expired replaced by a new one', async () => {
    bench.fault('error', 'arm:GET Microsoft.Resources/providers', {
      status: 401,
      code: 'ExpiredAuthenticationToken',
      message: 'The access token has expired.',
    });
    await bench.step('register-providers', {});
    assert.equal(bench.arrived('authority:POST token').length, 2);
  });

  it('that is refused is one sentence', async () => {
    bench.fault('error', 'authority:POST token', { status: 401, code: 'invalid_client', message: 'AADSTS7000215: Invalid client secret provided.' });
    const { kind, code, evidence } = await bench.stops('register-providers', {});
    assert.deepEqual([kind, code], ['Refused', 'AZURE_SIGN_IN_REFUSED']);
    assert.deepEqual(evidence, { source: 'Microsoft Entra ID', text: 'AADSTS7000215: Invalid client secret provided.' });
  });
});
