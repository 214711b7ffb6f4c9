import assert from 'node:assert/strict';
import { createWorld } from '../../../simulator/create-world.ts';
import { createWindowsHost } from '../../../simulator/windows/windows-host.ts';
import type { WindowsHost, World } from '../../../simulator/world.ts';

describe('A simulated machine that is scrapped while it is being switched on', () => {
  it('is off for good, and the next one at its address has nothing of it', async () => {
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let isFirst = true;
    const windowsHost = async (spec: Parameters<World['machines']['windowsHost']>[0]): Promise<WindowsHost> => {
      if (isFirst) await gate;
      isFirst = false;
      return createWindowsHost(world, spec);
    };
    const world = await createWorld({ timeScale: 1000, machines: { windowsHost } });
    try {
      const address = '172.22.0.4';
      const spec = { name: 'host', address, adminUser: 'somebody', adminPassword: 'A-password-of-theirs-1' };
      const switchingOn = world.machines.windowsHost(spec);
      world.scrap(address);
      goOn();
      const scrapped = await switchingOn;
      scrapped.attach('20.0.0.4');
      assert.equal(world.windowsHosts.has(address), false);
      assert.equal(world.network.has('20.0.0.4', 22) || world.network.has(address, 22), false);
      await world.machines.windowsHost({ ...spec, adminUser: 'LunaAdmin' });
      const { adminUser } = (world.state['windowsHosts'] as Record<string, { adminUser: string }>)[address]!;
      assert.deepEqual([adminUser, world.windowsHosts.has(address)], ['LunaAdmin', true]);
    } finally {
      await world.stop();
    }
  });
});
