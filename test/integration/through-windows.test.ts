import assert from 'node:assert/strict';
import { createOutbound, type Outbound } from '../../systems/outbound.ts';
import { createWindows } from '../../systems/windows/windows.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';
import { until } from '../support/until.ts';

describe('The way to the HSM through the Windows host', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(() => luna?.stop());

  it('is closed again at once where the HSM cannot be reached from there', async () => {
    luna = await LunaSteps.start();
    const outbound = createOutbound(luna.systems.settings.proxy);
    const closed: boolean[] = [];
    const watched = {
      async socket(...to: Parameters<Outbound['socket']>) {
        const socket = await outbound.socket(...to);
        socket.once('close', () => closed.push(true));
        return socket;
      },
    } as Outbound;
    const windows = createWindows(watched, luna.systems.secrets);
    // The attempt goes on: its end would close everything.
    const signal = new AbortController().signal;
    await assert.rejects(windows.socket(luna.job, luna.hosts.windows, { address: '172.22.1.77', port: 22 }, signal), /172\.22\.1\.77:22/);
    await until('the connection to the host is closed', async () => closed[0]);
  });
});
