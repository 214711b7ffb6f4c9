import type { ProvisioningRequest } from './request.ts';

/** What one RSA-2048 key pair took in a partition (measured on a 6.2 unit; later ones may need a little more). */
const bytesOfPair = 1_660;
/** A root of trust keeps two keys, and two more whenever they are rotated: with less room than this it can be rotated once at most. */
const fewestPairs = 4;

/** About how many RSA-2048 key pairs a partition of so many bytes holds. */
export const rsaPairs = (sizeBytes: number): number => Math.floor(sizeBytes / bytesOfPair);

/** A client that writes its key encrypted, which CipherTrust Manager cannot use: seen with 10.9.2. */
const encryptsKeys = (version: string): boolean => Number(version.split('.')[0]) >= 10;

/** What a person should know about the HSM’s side of a request before it is carried out. */
export function lunaWarnings({ hsm: { partition }, lunaClient, certificate }: ProvisioningRequest): string[] {
  const { certificateDays = 3650, certificateClient, version } = lunaClient;
  const maker = certificate === 'generated' ? undefined : certificateClient ? certificateClient.version : version;
  return [
    ...(rsaPairs(partition.sizeBytes) < fewestPairs
      ? [
          `The partition ${partition.name} gets ${partition.sizeBytes} bytes (not KB), room for about ${rsaPairs(partition.sizeBytes)} RSA-2048 key pairs: too few for a root of trust whose keys are to be rotated. Its size cannot be changed later without erasing it.`,
        ]
      : []),
    ...(certificateDays < 365
      ? [`CipherTrust Manager’s client certificate is valid for ${certificateDays} days only: when it ends, the root of trust does not answer any more.`]
      : []),
    ...(maker !== undefined && encryptsKeys(maker)
      ? [
          `vtl of the Luna client ${maker} encrypts the key that it makes, and CipherTrust Manager cannot use that: choose "certificate": "generated", or an older client in lunaClient.certificateClient.`,
        ]
      : []),
  ];
}
