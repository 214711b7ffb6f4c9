import assert from 'node:assert/strict';
import { catalog, type PhaseId, type StepId, stepIds } from '../../domain/steps.ts';
import { StackBench } from './stack-bench.ts';
import { nameOf, type Reference, reference, type Start, starts, type ZombieCase, zombieCases } from './zombie-cases.ts';
import { playZombie } from './zombies.ts';

/**
 * A worker that stands still has polls under way, and what Temporal hands to them is lost until its heartbeat times out. Usually they last a minute; here it is
 * soon its successor's turn.
 */
const briefPolls = ['--dynamic-config-value', 'matching.longPollExpirationInterval="3s"'];

export const stepsIn = (...phases: PhaseId[]): StepId[] => stepIds.filter((id) => phases.includes(catalog[id].phase));

/**
 * Plays the cases of some steps of a job on one stack, one after the other. Those in `representative` stand for the ways in which a stalled attempt has done harm, or
 * nearly: they have “(ci)” in their name, so that --fgrep '(ci)' plays them alone.
 */
export async function describeZombies(steps: readonly StepId[], representative: readonly string[]): Promise<void> {
  const cases = (await zombieCases()).filter(({ act }) => steps.includes(act.step));
  const clean = new Map<Start, Reference>();
  for (const start of starts) clean.set(start, await reference(start));
  const title = (zombie: ZombieCase) => `${nameOf(zombie)}${representative.includes(nameOf(zombie)) ? ' (ci)' : ''}`;

  describe(`A worker that stands still in ${steps.join(', ')} while another one takes its place`, function () {
    this.timeout(300_000);
    let bench: StackBench;
    before(async () => {
      bench = await StackBench.start({ temporalArgs: briefPolls });
    });
    after(() => bench?.stop());

    it('is tried where it matters most: every representative case is one of the cases (ci)', () => {
      const names = cases.map(nameOf);
      assert.deepEqual(
        representative.filter((name) => !names.includes(name)),
        [],
      );
    });

    for (const zombie of cases)
      it(title(zombie), async () => {
        const { job, violations, incidents } = await playZombie(bench, zombie, clean.get(zombie.act.start)!);
        assert.deepEqual({ violations, state: job.job.state }, { violations: [], state: 'completed' }, incidents.join('\n'));
      });
  });
}
