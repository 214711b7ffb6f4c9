import assert from 'node:assert/strict';
import type { Job, Pinned } from '../../domain/results.ts';
import { type SecretStore, secretName } from '../../stores/secrets/store.ts';
import { runWithFence } from '../../systems/fence.ts';
import { createOutbound } from '../../systems/outbound.ts';
import { endPredecessor } from '../../systems/windows/end-predecessor.ts';
import { createWindows, type Windows, type WindowsSession } from '../../systems/windows/windows.ts';
import { exampleRequest } from '../support/example.ts';
import { openFence } from '../support/fence.ts';
import { addresses, type LunaWorld, lunaWorld, windowsKey } from '../support/luna/luna-world.ts';
import { until } from '../support/until.ts';

const target = 'kylo-luna-hsm-0123456789';
const marks = { hsmAddress: addresses.hsm, target, certificateName: addresses.cipherTrust };
const client = 'C:\\Program Files\\SafeNet\\LunaClient';

describe('A later attempt and what the one before left on the Windows host', function () {
  this.timeout(60_000);
  let world: LunaWorld;
  let windows: Windows;
  let session: WindowsSession;
  const job: Job = { target, runId: 'run-1', request: exampleRequest() };
  const signal = AbortSignal.timeout(60_000);
  const host = (): Pinned => ({ address: addresses.windows, pin: world.windowsPin });
  const inFence = <T>(work: () => Promise<T>) => runWithFence(openFence, work);
  const open = () => inFence(() => windows.open(job, host(), signal));
  const toHsm = () => inFence(() => windows.socket(job, host(), addresses.hsm, 22, signal));

  beforeEach(async () => {
    world = await lunaWorld({});
    const secrets: SecretStore = {
      get: async (name) => (name === secretName(target, 'windows-ssh-key') ? windowsKey : undefined),
      create: () => assert.fail('nothing is kept'),
    };
    windows = createWindows(createOutbound(`socks5://127.0.0.1:${world.socks.port}`), secrets);
    session = await open();
  });
  afterEach(async () => {
    session.end();
    await world.stop();
  });

  it('ends nothing where nothing is at work, and enters nothing', async () => {
    assert.deepEqual(await endPredecessor(session, marks), []);
    assert.equal(world.ledger.entries.filter(({ operation }) => operation === 'windows:stop-process').length, 0);
  });

  it('resets its sessions with the HSM, and leaves other sessions with the host alone', async () => {
    const [earlier, other] = [await toHsm(), await open()];
    const closed = new Promise<void>((resolve) => earlier.once('close', () => resolve()));
    earlier.resume();
    const ended = await endPredecessor(session, marks);
    assert.match(ended.join(), /^An earlier attempt’s sshd\.exe \(process \d+\) was ended on the Windows host\.$/);
    await closed;
    assert.equal((await other.exec('mkdir C:\\x')).code, 0);
    other.end();
    assert.deepEqual(await endPredecessor(session, marks), [], 'and nothing is left');
  });

  it('ends its vtl, which then makes no certificate, and no other', async () => {
    const earlier = await open();
    for (const name of [addresses.cipherTrust, 'somebody.example.com']) {
      world.weather.add({ kind: 'slow', operation: 'vtl:createcert', amount: 100 });
      earlier.exec(`"${client}\\vtl.exe" createcert -n ${name}`, 'vtl-createcert').catch(() => {});
    }
    const started = () => world.ledger.entries.filter(({ operation }) => operation === 'vtl:createcert');
    await until('both running', async () => started().length === 2 || undefined);
    assert.match((await endPredecessor(session, marks)).join(), /^An earlier attempt’s vtl\.exe \(process \d+\) was ended on the Windows host\.$/);
    await until('both over', async () => started().every(({ outcome }) => outcome !== 'received') || undefined);
    assert.deepEqual(
      started()
        .map(({ outcome }) => outcome)
        .sort(),
      ['cut', 'done'],
    );
    earlier.end();
  });
});
