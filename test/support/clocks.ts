import { type Clocks, createClocks, type Witness } from '../../activities/clocks.ts';

/** Clocks of a worker, so many seconds ahead of two other machines, which tell the real time. */
export const clocksOfWorker = (aheadSeconds = 0): Clocks => {
  const worker = () => Date.now() + aheadSeconds * 1000;
  const witnesses: Witness[] = ['Azure Resource Manager', 'CipherTrust Manager'].map((name) => ({ name, aheadSeconds: 0 - aheadSeconds }));
  return { ...createClocks({} as Parameters<typeof createClocks>[0], worker), witnesses: async () => witnesses };
};
