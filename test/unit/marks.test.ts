import assert from 'node:assert/strict';
import { withMarks } from '../../activities/marks.ts';
import { permitFor } from '../../systems/ciphertrust/tls.ts';
import { currentFence, runWithFence } from '../../systems/fence.ts';
import type { LastingActName } from '../../systems/lasting-acts.ts';
import { MemoryFence } from '../support/fence.ts';

const sends = async (act: LastingActName): Promise<string> => {
  await currentFence().permit(act);
  return 'sent';
};

describe('An act that erases or discloses', () => {
  const activities = withMarks({
    'initialize-hsm': sends,
    'create-partition': sends,
    'crypto-officer': sends,
    inventory: sends,
    'inspect-hsm': Object.assign(sends, { look: sends }),
  });
  const asked = async (step: keyof typeof activities, act: LastingActName) => {
    const fence = new MemoryFence();
    const outcome = await runWithFence(fence, () => activities[step](act)).catch(({ message }: Error) => message);
    return { outcome, permits: fence.asked.length };
  };

  it('gets a permit in a step whose line in the catalog says so', async () => {
    assert.deepEqual(await asked('initialize-hsm', 'lunash-init'), { outcome: 'sent', permits: 1 });
    assert.deepEqual(await asked('crypto-officer', 'lunacm-role-init'), { outcome: 'sent', permits: 1 });
  });

  it('gets none in a step without that mark, and nobody is asked for one', async () => {
    for (const [step, act, mark] of [
      ['create-partition', 'lunash-erasing-command', 'erases'],
      ['create-partition', 'lunash-access', 'discloses'],
      ['crypto-officer', 'lunacm-partition-init', 'erases'],
      ['inventory', 'hsm-setup', 'erases'],
    ] as const) {
      const { outcome, permits } = await asked(step, act);
      assert.deepEqual([outcome, permits], [`${act} was about to be sent, but the catalog does not say that ${step} ${mark} anything.`, 0]);
    }
  });

  it('gets none in a look of such a step either, and what does neither is let through', async () => {
    const { look } = activities['inspect-hsm'];
    await assert.rejects(
      runWithFence(new MemoryFence(), () => look('hsm-setup')),
      /inspect-hsm erases/,
    );
    assert.equal(await runWithFence(new MemoryFence(), () => look('lunash-command')), 'sent');
  });

  it('is known by the path of a request to CipherTrust Manager, with or without a slash or a query', async () => {
    const actOf = async (path: string) => {
      const fence = new MemoryFence();
      await permitFor({ method: 'POST', url: `/api${path}` }, fence)?.();
      return fence.asked[0];
    };
    const known = ['/v1/system/ntp/servers/', '/v1/licensing/licenses/?x=1', '/v1/configs/interfaces/web/certificate'];
    for (const path of known) assert.equal(await actOf(path), 'manager-secret', path);
    assert.equal(await actOf('/v1/auth/changepw'), 'manager-password');
    assert.equal(await actOf('/v1/system/hsm/setup/'), 'hsm-setup');
    for (const path of ['/v1/auth/tokens/', '/v1/licensing/trials/1/activate', '/v1/system/info']) assert.equal(await actOf(path), undefined, path);
  });
});
