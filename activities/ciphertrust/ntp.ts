import type { StepInput, StepResult } from '../../domain/results.ts';
import { addNtp, missingNtp, type NtpSeen, otherNtp, readNtp, secretsOfNtp } from '../../systems/ciphertrust/essentials.ts';
import { act, converge, done, lasting, wait } from '../converge.ts';
import { enterManagerSecrets, signedIn } from '../manager.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'ntp'>;

/** A first synchronization may take minutes, and none is required: after so many looks it is a warning. */
const looksForSynchronization = 18;

export const decideNtp = (seen: NtpSeen & { look: number }, { request }: Pick<Input, 'request'>) => {
  if (missingNtp(seen, request.cipherTrust).length > 0) return act('add');
  const servers = request.cipherTrust.ntp.map(({ host }) => host);
  if (!seen.synchronized && servers.length > 0 && seen.look < looksForSynchronization) return wait('The clock is not synchronized yet.');
  const others = otherNtp(seen, request.cipherTrust);
  return done<StepResult<'ntp'>>({
    servers,
    ...(others.length > 0 ? { others } : {}),
    synchronized: seen.synchronized,
    warnings: seen.synchronized || servers.length === 0 ? [] : ['CipherTrust Manager’s clock was not synchronized yet when its root of trust was prepared.'],
  });
};

/** “It’s strongly recommended to configure an NTP server”: every server, with its key where it has one. */
export const ntp = (systems: Systems) =>
  converge<Input, NtpSeen & { look: number }, StepResult<'ntp'>, 'add'>({
    lasting: lasting(systems.settings, 'manager-secret'),
    observe: async (input, attempt) => ({
      ...(await readNtp(await signedIn({ systems, input, attempt }, input.cipherTrust))),
      look: attempt.number,
    }),
    decide: decideNtp,
    act: {
      async add(input, seen, attempt) {
        const visitor = { systems, input, attempt };
        const missing = missingNtp(seen, input.request.cipherTrust);
        await enterManagerSecrets(visitor, ...secretsOfNtp(missing));
        await addNtp(await signedIn(visitor, input.cipherTrust), systems.secrets, missing);
      },
    },
    fingerprint: ({ listed }) => listed,
  });
