import { type ProblemOf, unsafe } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { generateSecret } from '../../stores/secrets/generate.ts';
import { putIfAbsent, read, requireSecret } from '../../stores/secrets/kept.ts';
import { secretName } from '../../stores/secrets/store.ts';
import { asPkcs1, belongTogether, endsSoon, seenOf, selfSignedClient } from '../../systems/certificates.ts';
import type { ClientPair, Home, LunaClient } from '../../systems/lunacm/luna-client.ts';
import { type Attempt, act, converge, done, refuse } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'client-certificate'>;
type Change = 'vtl-createcert' | 'generate-key' | 'keep-key' | 'sign' | 'remove-key';

/** Ten years: when it ends, the root of trust does not answer any more. */
const usualDays = 3650;

export interface Seen {
  keyKept: boolean;
  /** The certificate on the host, if it belongs to the kept key. */
  certificate: string | undefined;
  /** A key that `vtl` left on the host: `unusable` where it is encrypted. */
  keyOnHost: 'no' | 'usable' | 'unusable';
}

export const decideClientCertificate = ({ keyKept, certificate, keyOnHost }: Seen, { target, request }: Pick<Input, 'target' | 'request'>) => {
  if (!keyKept && request.certificate !== 'generated') {
    if (keyOnHost === 'usable') return act('keep-key');
    return keyOnHost === 'unusable' ? refuse(encrypted(request)) : act('vtl-createcert');
  }
  if (keyOnHost !== 'no') return act('remove-key');
  if (!keyKept) return act('generate-key');
  if (!certificate) return act('sign');
  const clientCertificate = seenOf(certificate);
  const warnings = endsSoon(clientCertificate)
    ? [`CipherTrust Manager’s client certificate expires on ${clientCertificate.notAfter.slice(0, 10)}. After that, its root of trust no longer responds.`]
    : [];
  return done<StepResult<'client-certificate'>>({ clientCertificate, keySecret: secretName(target, 'client-certificate-key'), warnings });
};

/** Luna’s clients take no other keys than unencrypted ones (docs/reference/luna.md#client-key: client 10.9.2 encrypts them, and nobody is told the passphrase). */
const encrypted = ({ cipherTrust }: Input['request']): ProblemOf<'Refused'> => ({
  code: 'CLIENT_KEY_ENCRYPTED',
  tried: `vtl createcert -n ${cipherTrust.address}`,
  summary: 'the private key that it wrote is encrypted',
  remedy: 'Retry with an amendment of /certificate to "generated"; or abort, and send the request again with an older client in lunaClient.certificateClient.',
});

/**
 * The certificate with which CipherTrust Manager presents itself to the HSM; its name is the manager’s address. The key is kept as a secret, unencrypted
 * PKCS#1 as the HSM’s clients want it, and removed from the Windows host.
 */
export const clientCertificate = (systems: Systems) => {
  const { luna, secrets } = systems;
  const name = ({ request }: Input) => request.cipherTrust.address;
  const days = ({ request }: Input) => request.lunaClient.certificateDays ?? usualDays;
  const home = ({ request }: Input): Home => (request.lunaClient.certificateClient && request.certificate !== 'generated' ? 'certificate' : 'own');
  const record = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'hsm');
  const keyName = ({ target }: Input) => secretName(target, 'client-certificate-key');
  const onHost = <T>(input: Input, attempt: Attempt, work: (client: LunaClient) => Promise<T>) => luna.client(input, attempt, work);
  const usable = (pair: ClientPair | undefined): Seen['keyOnHost'] => (pair ? (asPkcs1(pair.keyPem) ? 'usable' : 'unusable') : 'no');
  return converge<Input, Seen, StepResult<'client-certificate'>, Change>({
    // A vtl that was cut off re-points the host’s identity when it ends: only then is it put back for good.
    ...leaving(systems, 'vtl-createcert'),
    observe: async (input, attempt) => {
      await record(input, attempt).read();
      const key = await read(secrets, keyName(input));
      return onHost(input, attempt, async (client) => {
        // By whichever client: the one that is registered must be found again by a request that names another one.
        const made = [...(await client.certificates(name(input), 'own')), ...(await client.certificates(name(input), 'certificate'))];
        return {
          keyKept: key !== undefined,
          certificate: made.find((certificate) => key !== undefined && belongTogether(certificate, key)),
          keyOnHost: usable(await client.pair(name(input), home(input))),
        };
      });
    },
    decide: decideClientCertificate,
    act: {
      'vtl-createcert': (input, _, attempt) =>
        onHost(input, attempt, async (client) => {
          const enter = async () => void (await record(input, attempt).append('client-certificate-create-begun', { name: name(input) }));
          await client.createCertificate({ name: name(input), days: days(input) }, home(input), enter);
          if (!(await client.slots()).some(({ serial }) => serial === input.partitionSerial))
            throw unsafe({
              code: 'CLIENT_CONFIGURATION_BROKEN',
              tried: 'vtl createcert',
              summary: 'the host no longer sees its partition, although its configuration was restored',
              remedy: 'Check crystoki.ini on the Windows host, then retry.',
            });
        }),
      'keep-key': (input, _, attempt) =>
        onHost(input, attempt, async (client) => {
          const pair = await client.pair(name(input), home(input));
          await putIfAbsent(secrets, keyName(input), asPkcs1(pair!.keyPem)!);
        }),
      'generate-key': async (input) => putIfAbsent(secrets, keyName(input), await generateSecret('client-certificate-key')),
      'remove-key': (input, _, attempt) => onHost(input, attempt, (client) => client.removeKey(name(input), home(input))),
      sign: async (input, _, attempt) => {
        const certificate = await selfSignedClient(name(input), await requireSecret(secrets, input.target, 'client-certificate-key'), days(input));
        await onHost(input, attempt, (client) => client.writeCertificate(name(input), certificate, home(input)));
      },
    },
    fingerprint: ({ keyKept, certificate, keyOnHost }) => [keyKept, certificate !== undefined, keyOnHost],
  });
};
