import assert from 'node:assert/strict';
import { StackBench } from '../../support/stack-bench.ts';
import { nameOf, type Reference, reference, type Start, starts, type ZombieCase, zombieCases } from '../../support/zombie-cases.ts';
import { playZombie } from '../../support/zombies.ts';

/** One case for each way in which a stalled attempt has done harm, or nearly. They have “(ci)” in their name: --fgrep '(ci)' runs them alone. */
const representative: readonly string[] = [
  'initialize-hsm, lunash:hsm init: stopped before, goes on after the step',
  'initialize-hsm, lunash:hsm init: stopped question, goes on after the next step',
  'fips-mode, lunash:hsm changePolicy: stopped before, goes on after the next step',
  'fips-mode, lunash:hsm changePolicy: stopped question, goes on after the job',
  'fips-mode, lunash:hsm changePolicy: stopped in flight, goes on after the job',
  'fips-mode, lunash:hsm login: stopped question, goes on after the step',
  'prepare-ntls, lunash:sysconf regenCert: stopped before, goes on after the step',
  'connect-client, lunacm:clientconfig deploy: stopped before, goes on after the next step',
  'initialize-partition, lunacm:partition init: stopped before, goes on after the step',
  'crypto-officer, lunacm:role changepw: stopped sent, goes on after the job',
  'set-root-of-trust, ciphertrust:POST /v1/system/hsm/setup: stopped before, goes on after the step',
  'set-root-of-trust, ciphertrust:POST /v1/system/hsm/setup: stopped in flight, goes on after the job',
];

const cases = await zombieCases();
const clean = new Map<Start, Reference>();
for (const start of starts) clean.set(start, await reference(start));

describe('A worker that stands still while another one takes its place', function () {
  this.timeout(300_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start();
  });
  after(() => bench?.stop());

  it('is tried where it matters most: every representative case is one of the cases', () => {
    assert.deepEqual(
      representative.filter((name) => !cases.some((zombie) => nameOf(zombie) === name)),
      [],
    );
  });

  const title = (zombie: ZombieCase) => `${nameOf(zombie)}${representative.includes(nameOf(zombie)) ? ' (ci)' : ''}`;
  for (const zombie of cases)
    it(title(zombie), async () => {
      const { job, violations, incidents } = await playZombie(bench, zombie, clean.get(zombie.act.start)!);
      assert.deepEqual({ violations, state: job.job.state }, { violations: [], state: 'completed' }, incidents.join('\n'));
    });
});
