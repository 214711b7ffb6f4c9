import assert from 'node:assert/strict';
import { wordsOf } from '../../domain/failure.ts';
import { StackBench } from '../support/stack-bench.ts';

/** Made by the same operation: one lie meets both. */
const machines = ['windows-vm', 'ciphertrust-vm'];

/** A system that says that it did something, and did not: by the step that must not believe it. Steps that only look change nothing that could be lied about. */
const lies: Record<string, string> = {
  'register-providers': 'arm:POST Microsoft.Resources/providers/register',
  'resource-group': 'arm:PUT Microsoft.Resources/resourceGroups',
  'virtual-network': 'arm:PUT Microsoft.Network/virtualNetworks',
  'deploy-hsm': 'arm:PUT Microsoft.Resources/deployments',
  'windows-vm': 'arm:PUT Microsoft.Compute/virtualMachines',
  'install-luna-client': 'windows:run-script',
  'accept-terms': 'arm:PUT Microsoft.MarketplaceOrdering/agreements',
  'ciphertrust-vm': 'arm:PUT Microsoft.Compute/virtualMachines',
  'admin-password': 'ciphertrust:PATCH /v1/auth/changepw',
  ntp: 'ciphertrust:POST /v1/system/ntp/servers',
  license: 'ciphertrust:POST /v1/licensing/trials/{id}/activate',
  'appliance-password': 'lunash:first sign-in',
  'initialize-hsm': 'lunash:hsm init',
  'fips-mode': 'lunash:hsm changePolicy',
  'create-partition': 'lunash:partition create',
  'prepare-ntls': 'lunash:sysconf regenCert',
  'connect-client': 'lunacm:clientconfig deploy',
  'initialize-partition': 'lunacm:partition init',
  'crypto-officer': 'lunacm:role init',
  'client-certificate': 'vtl:createcert',
  'register-client': 'lunash:client register',
  'set-root-of-trust': 'ciphertrust:POST /v1/system/hsm/setup',
  'reset-password': 'ciphertrust:PATCH /v1/auth/changepw',
  'remove-temporary-access': 'arm:DELETE Microsoft.Network/networkSecurityGroups/securityRules',
};

describe('A system that lies', function () {
  this.timeout(300_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start();
  });
  after(() => bench?.stop());

  it('leaves the step incomplete, whichever step it is; once it tells the truth, a retry goes on to the end', async () => {
    const faults = new Map<string, string>();
    const lie = async (step: string) => faults.set(step, ((await bench.fault('lie', lies[step]!, { times: 0 })).body as { id: string }).id);
    for (const step of Object.keys(lies)) if (!['reset-password', 'ciphertrust-vm'].includes(step)) await lie(step);
    const id = await bench.provision();
    const caught = new Set<string>();
    const handled = new Set<string>();
    const waiting: string[] = [];
    for (;;) {
      const job = await bench.reaches(
        id,
        `the next incident, or the end, after ${[...caught].join(', ')}`,
        ({ job, incidents, approvals }) =>
          job.finishedAt !== undefined ||
          incidents.some(({ id, closedAt }) => !closedAt && !handled.has(id)) ||
          approvals.some(({ id, closedAt }) => !closedAt && !handled.has(id)),
        { incidents: true },
      );
      if (job.job.finishedAt) break;
      const approval = job.approvals.find(({ id, closedAt }) => !closedAt && !handled.has(id));
      if (approval) {
        handled.add(approval.id);
        await bench.approve(id, approval.id);
      }
      for (const incident of job.incidents.filter(({ id, closedAt }) => !closedAt && !handled.has(id))) {
        handled.add(incident.id);
        assert.notEqual(job.steps[incident.step].state, 'done');
        caught.add(incident.step);
        const isMachine = machines.includes(incident.step);
        const liar = isMachine ? 'windows-vm' : incident.step;
        if (isMachine) waiting.push(incident.id);
        if (isMachine && waiting.length < machines.length) continue;
        assert.ok(faults.has(liar), `${incident.step} stopped, but nobody lied to it: ${wordsOf(incident.problem)}`);
        await bench.control('DELETE', `/faults/${faults.get(liar)}`);
        faults.delete(liar);
        if (incident.step === 'set-root-of-trust') await lie('reset-password');
        for (const open of isMachine ? waiting : [incident.id]) assert.equal((await bench.resolve(id, open, 'retry')).status, 200);
      }
    }
    assert.equal((await bench.job(id)).job.state, 'completed');
    assert.deepEqual([...caught].sort(), Object.keys(lies).sort());
  });
});
