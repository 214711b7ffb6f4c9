import { unsafe } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { asPkcs1, belongTogether, seenOf, selfSignedClient } from '../../systems/certificates.ts';
import type { ClientPair } from '../../systems/lunacm/luna-client.ts';
import { generateSecret } from '../../systems/secrets/generate.ts';
import { secretName } from '../../systems/secrets/store.ts';
import { act, converge, done } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'client-certificate'>;
type Change = 'vtl-createcert' | 'generate-key' | 'keep-key' | 'sign' | 'remove-key';

/** Ten years: when it ends, the root of trust does not answer any more. */
const days = 3650;

export interface Seen {
  keyKept: boolean;
  /** The certificate on the host, if it belongs to the kept key. */
  certificate: string | undefined;
  /** A key that `vtl` left on the host: `unusable` where it is encrypted. */
  keyOnHost: 'no' | 'usable' | 'unusable';
}

export const decideClientCertificate = ({ keyKept, certificate, keyOnHost }: Seen, { target, request }: Pick<Input, 'target' | 'request'>) => {
  if (!keyKept) {
    if (keyOnHost === 'usable') return act('keep-key');
    return request.certificate === 'generated' || keyOnHost === 'unusable' ? act('generate-key') : act('vtl-createcert');
  }
  if (keyOnHost !== 'no') return act('remove-key');
  if (!certificate) return act('sign');
  return done<StepResult<'client-certificate'>>({ clientCertificate: seenOf(certificate), keySecret: secretName(target, 'client-certificate-key') });
};

/**
 * The certificate with which CipherTrust Manager presents itself to the HSM; its name is the manager’s address. The key is kept as a secret, unencrypted
 * PKCS#1 as the HSM’s clients want it, and removed from the Windows host.
 */
export const clientCertificate = ({ luna, secrets }: Systems) => {
  const name = ({ request }: Input) => request.cipherTrust.address;
  const keyName = ({ target }: Input) => secretName(target, 'client-certificate-key');
  const onHost = <T>(input: Input, signal: AbortSignal, work: Parameters<typeof luna.client<T>>[4]) =>
    luna.client(input, input, 'client-certificate', signal, work);
  const usable = (pair: ClientPair | undefined): Seen['keyOnHost'] => (pair ? (asPkcs1(pair.keyPem) ? 'usable' : 'unusable') : 'no');
  return converge<Input, Seen, StepResult<'client-certificate'>, Change>({
    observe: async (input, { signal }) => {
      const key = await secrets.get(keyName(input));
      return onHost(input, signal, async (client) => {
        const certificate = await client.ownCertificate(name(input));
        return {
          keyKept: key !== undefined,
          certificate: certificate && key && belongTogether(certificate, key) ? certificate : undefined,
          keyOnHost: usable(await client.pair(name(input))),
        };
      });
    },
    decide: decideClientCertificate,
    act: {
      'vtl-createcert': (input, _, { signal }) =>
        onHost(input, signal, async (client) => {
          await client.createCertificate(name(input), days);
          if (!(await client.slots()).some(({ serial }) => serial === input.partitionSerial))
            throw unsafe({
              tried: 'vtl createcert',
              seen: 'the host does not see its partition any more, though its configuration was put back',
              source: 'lunacm',
              remedy: 'Look at crystoki.ini on the Windows host, then retry.',
            });
        }),
      'keep-key': (input, _, { signal }) =>
        onHost(input, signal, async (client) => {
          const pair = await client.pair(name(input));
          await secrets.create(keyName(input), asPkcs1(pair!.keyPem)!);
        }),
      'generate-key': async (input) => void (await secrets.create(keyName(input), await generateSecret('client-certificate-key'))),
      'remove-key': (input, _, { signal }) => onHost(input, signal, (client) => client.removeKey(name(input))),
      sign: async (input, _, { signal }) => {
        const certificate = await selfSignedClient(name(input), (await secrets.get(keyName(input)))!, days);
        await onHost(input, signal, (client) => client.writeCertificate(name(input), certificate));
      },
    },
    sight: ({ keyKept, certificate, keyOnHost }) => [keyKept, certificate !== undefined, keyOnHost],
  });
};
