import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createActivities } from '../../activities/registry.ts';
import type { Systems } from '../../activities/systems.ts';
import { catalog, step, stepIds } from '../../domain/steps.ts';
import { readSettings } from '../../worker/settings.ts';

const activities = new URL('../../activities/', import.meta.url);
const activitySteps = stepIds.filter((id) => id !== 'approve-zeroize');
/** Factories only keep what they are given, so anything will do. */
const settings = readSettings({});
const nothing = new Proxy({}, { get: (_, name) => (name === 'settings' ? settings : nothing) }) as unknown as Systems;

describe('The catalog of steps', () => {
  it('has one activity file for every step, and no other', () => {
    const files = readdirSync(activities, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name: phase }) => readdirSync(new URL(phase, activities)).map((file) => `${phase}/${file}`));
    const expected = [...activitySteps.map((id) => `${catalog[id].phase}/${id}.ts`), 'approvals/enter-approval.ts', 'report/inventory.ts', 'plan/what-if.ts'];
    assert.deepEqual(files.sort(), expected.sort());
  });

  it('is registered one to one, each step under its own id', () => {
    assert.deepEqual(Object.keys(createActivities(nothing)).sort(), [...activitySteps, 'enter-approval', 'inventory', 'what-if'].sort());
  });

  it('names as predecessors only steps that come before', () => {
    for (const [index, id] of stepIds.entries())
      for (const before of catalog[id].after as readonly string[])
        assert.ok(
          stepIds.slice(0, index).some((earlier) => earlier === before),
          `${id} comes after ${before}`,
        );
  });

  it('lets no cancel cut what changes the HSM, types passwords on the Windows host or changes its identity, and has each of those end within an hour', () => {
    const changing = ['appliance-password', 'initialize-hsm', 'create-partition', 'prepare-ntls', 'register-client'] as const;
    const onHost = ['connect-client', 'initialize-partition', 'crypto-officer', 'client-certificate', 'verify-root-of-trust'] as const;
    for (const id of [...changing, ...onHost]) assert.deepEqual([catalog[id].interruptible, catalog[id].deadline], [false, '1 hours'], id);
  });

  it('marks every step that sends a command which erases, or gives a machine a secret', () => {
    const marked = (mark: 'erases' | 'discloses' | 'destroys') => stepIds.filter((id) => mark in catalog[id]);
    assert.deepEqual(marked('erases'), [
      'initialize-hsm',
      'fips-mode',
      'prepare-ntls',
      'connect-client',
      'initialize-partition',
      'register-client',
      'set-root-of-trust',
    ]);
    for (const id of marked('destroys')) assert.ok('erases' in catalog[id], id);
    const toAzure = ['windows-vm', 'install-luna-client', 'ciphertrust-vm'];
    const toManager = ['admin-password', 'ntp', 'license', 'set-root-of-trust', 'reset-password', 'web-certificate'];
    const toHsm = ['appliance-password', 'initialize-hsm', 'fips-mode', 'register-client'];
    const toHost = ['connect-client', 'initialize-partition', 'crypto-officer'];
    assert.deepEqual(marked('discloses').sort(), [...toAzure, ...toManager, ...toHsm, ...toHost].sort());
  });

  it('is what the operators’ guide says about what erases and what gets a secret', () => {
    const guide = readFileSync(new URL('../../docs/operators.md', import.meta.url), 'utf8');
    const rows = stepIds
      .map(step)
      .flatMap(({ erases = '', discloses = '' }, index) => (erases || discloses ? [`| \`${stepIds[index]}\` | ${erases} | ${discloses} |`] : []));
    assert.ok(guide.includes(`\n${rows.join('\n')}\n\n`), rows.join('\n'));
  });

  it('lets nobody skip or interrupt what destroys', () => {
    for (const id of stepIds) {
      const definition = catalog[id];
      if ('destroys' in definition || 'erases' in definition) assert.deepEqual([definition.skippable, definition.interruptible], [false, false], id);
    }
  });
});
