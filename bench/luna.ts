import { appliancePassword } from '../activities/hsm-setup/appliance-password.ts';
import { createPartition } from '../activities/hsm-setup/create-partition.ts';
import { fipsMode } from '../activities/hsm-setup/fips-mode.ts';
import { initializeHsm } from '../activities/hsm-setup/initialize-hsm.ts';
import { inspectHsm } from '../activities/hsm-setup/inspect-hsm.ts';
import { runWithFence } from '../systems/fence.ts';
import { parseHsmShow, parsePartitionList } from '../systems/lunash/parse.ts';
import { LunashSession, type Terminal } from '../systems/lunash/session.ts';
import { Transcript } from '../systems/lunash/transcript.ts';
import { openFence } from '../test/support/fence.ts';
import { LunaSteps } from '../test/support/luna/luna-steps.ts';
import { minutesOf } from './configured.ts';
import type { Measure } from './measures.ts';

/** Ten times faster than an HSM; the connections are as fast as they are. */
const timeScale = 10;
const phase = ['initialize-hsm', 'fips-mode', 'create-partition'] as const;
/** What the parser reads, and in which pieces it gets it: as SSH delivers a long answer. */
const readBytes = 64 * 2 ** 20;
const pieceBytes = 1_400;

/** From the first sign-in to the partition shown, alone: how much longer than the HSM itself takes. */
export async function lunashPhase(): Promise<Measure> {
  const luna = await LunaSteps.start({ timeScale }, { HSM_COMMAND_MS: `${150_000 / timeScale}` });
  try {
    const { windows, hsm: known } = luna.hosts;
    const since = performance.now();
    const { appliance: hsm } = await luna.step(appliancePassword, { ...luna.job, windows, hsmAddress: known.address });
    const input = { ...luna.job, windows, hsm };
    await luna.step(inspectHsm, input);
    const { hsm: ours } = await luna.step(initializeHsm, input);
    await luna.step(fipsMode, { ...input, ...(await luna.granted('approval-1', ours.digest)) });
    await luna.step(createPartition, input);
    const seconds = (performance.now() - since) / 1000;
    const own = (phase.reduce((sum, step) => sum + minutesOf(step, luna.world.durations), 0) * 60) / timeScale;
    const over = (seconds / own - 1) * 100;
    return {
      name: 'LunaSH phase over the HSM’s own time',
      value: over,
      shown: `${seconds.toFixed(1)} s ÷ ${own.toFixed(1)} s = +${over.toFixed(1)} %`,
      limit: 15,
    };
  } finally {
    await luna.stop();
  }
}

/** How fast what LunaSH prints is read: the session, which looks for questions in each piece, and the parsers. */
export async function parserSpeed(): Promise<Measure> {
  const luna = await LunaSteps.start();
  try {
    luna.setUpHsm();
    const template = luna.partition;
    for (let number = 1; number < 100; number++)
      luna.world.appliance.state.hsm.partitions.push({ ...template, serial: `${1_234_567_890_123 + number}`, name: `partition-${number}` });
    const answers = await runWithFence(openFence, () =>
      luna.systems.luna.shell(
        { ...luna.job, ...luna.hosts },
        { step: 'bench', order: '1', number: 1, signal: AbortSignal.timeout(60_000) },
        async (session) => ({
          'hsm show': await session.read('hsm show'),
          'partition list': await session.read('partition list'),
        }),
      ),
    );
    const session = new LunashSession(new Answering(answers), openFence, new Transcript());
    let bytes = 0;
    const since = performance.now();
    while (bytes < readBytes) {
      const shown = parseHsmShow(await session.read('hsm show'));
      const rows = parsePartitionList(await session.read('partition list'));
      if (shown?.partitions.length !== 100 || rows.length !== 100) throw new Error('What is read is not what was printed');
      bytes += answers['hsm show'].length + answers['partition list'].length;
    }
    const speed = bytes / 2 ** 20 / ((performance.now() - since) / 1000);
    return { name: 'LunaSH parser', value: speed, shown: `${speed.toFixed(1)} MB/s`, least: 5 };
  } finally {
    await luna.stop();
  }
}

/** An appliance that answers at once, in pieces. */
class Answering implements Terminal {
  readonly #answers: Record<string, Buffer>;
  #hear: (chunk: Buffer) => void = () => {};

  constructor(answers: Record<string, string>) {
    const whole = (command: string, text: string) =>
      Buffer.from(`${command}\r\n${text.replaceAll('\n', '\r\n')}\r\n\r\nCommand Result : 0 (Success)\r\n\r\n[local_host] lunash:>`);
    this.#answers = Object.fromEntries(Object.entries(answers).map(([command, text]) => [command, whole(command, text)]));
  }

  on(event: string, listener: (chunk: Buffer) => void): void {
    if (event === 'data') this.#hear = listener;
  }

  write(line: string): void {
    const answer = this.#answers[line.trimEnd()] ?? Buffer.alloc(0);
    for (let at = 0; at < answer.length; at += pieceBytes) this.#hear(answer.subarray(at, at + pieceBytes));
  }

  end(): void {}
}
