import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../domain/report.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { decoded, filesIn, historyOf, isSecret, leaks, type Place } from '../support/leaks.ts';
import { StackBench } from '../support/stack-bench.ts';

/** Nothing of it is anywhere but inside the network: not a public address, and no secret but in a key vault, reached under its own name through the proxy. */
describe('A job with private access alone, and a key vault', function () {
  this.timeout(240_000);
  let bench: StackBench;
  let id: string;
  let report: Report;
  const request = JSON.parse(readFileSync(new URL('../../examples/private-access.json', import.meta.url), 'utf8')) as ProvisioningRequest;
  before(async () => {
    bench = await StackBench.start({ env: { HSM_SECRETS: 'key-vault', HSM_KEY_VAULT_URL: 'https://simulated.vault.azure.net' } });
    id = await bench.provision(request);
    await bench.approvalAsked(id);
    assert.equal((await bench.approve(id)).status, 200);
  });
  after(() => bench?.stop());

  it('makes the same root of trust, over private addresses', async () => {
    const { job } = await bench.ended(id);
    assert.equal(job.state, 'completed');
    const { body } = await bench.api<Report>('GET', `/v1/jobs/${id}/report`);
    assert.equal(body.cipherTrust?.entry.host, request.hsm.address);
    report = body;
  });

  it('with each secret written to the vault once, and nowhere else', async () => {
    const written = (await bench.ledger('vault:PUT secret')).filter(({ outcome }) => outcome === 'done').map(({ target }) => target);
    assert.deepEqual(
      written.toSorted(),
      [...report.secrets, 'ntp-key', `${id}-appliance-host-key`, `${id}-kept-purposes`, `${id}-partition-${report.partition?.serial}`].toSorted(),
    );
    const values = await Promise.all(written.filter(isSecret).map((name) => bench.store.get(name)));
    const secrets = values.filter((value) => value !== undefined);
    assert.equal(secrets.length, report.secrets.length + 1);
    assert.ok(!existsSync(join(bench.folder, 'secrets')) && !existsSync(join(bench.folder, 'secrets.key')));
    const places: Place[] = [
      // The simulated vault is in the state of the simulated world.
      ...filesIn(bench.folder, /\/simulator\/state\.json/),
      ['history', decoded(await historyOf(bench.stack.temporal, id))],
      ['report', JSON.stringify(report)],
    ];
    assert.ok(places.length > 10, `${places.length} places are searched`);
    assert.deepEqual(leaks(secrets, places), []);
  });

  it('without any public address but the gateway’s', async () => {
    assert.deepEqual(await bench.ledger('arm:PUT Microsoft.Network/publicIPAddresses'), []);
    const { body } = await bench.control<{ resources: { id: string; type: string }[] }>('GET', '/world');
    const named = (type: string) => body.resources.filter((resource) => resource.type.endsWith(`/${type}`)).map((resource) => resource.id.split('/').at(-1));
    assert.deepEqual(named('publicIPAddresses'), ['HSMInside-ergwpip']);
    assert.deepEqual(named('virtualMachines').sort(), ['inside-ciphertrust', 'lunaclient']);
  });
});
