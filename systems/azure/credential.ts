import type { TokenCredential } from '@azure/identity';
import type { Settings } from '../../worker/settings.ts';
import type { Cloud } from './clouds.ts';
import type { Transport } from './transport.ts';

/**
 * Who this service is at Azure: what the settings name, in the order certificate, secret, workload identity; otherwise what the host offers (managed
 * identity first of all). `AZURE_TOKEN_CREDENTIALS` narrows it to one kind, whatever else is set.
 */
export async function credential({ azure }: Settings, cloud: Cloud, sending: Transport): Promise<TokenCredential> {
  const { ClientCertificateCredential, ClientSecretCredential, DefaultAzureCredential, WorkloadIdentityCredential } = await import('@azure/identity');
  const { tenantId, clientId, clientSecret, certificatePath, certificatePassword, federatedTokenFile, authorityHost } = azure;
  const options = { ...sending, authorityHost: authorityHost ?? cloud.authority, disableInstanceDiscovery: authorityHost !== undefined };
  if (!azure.tokenCredentials && tenantId && clientId) {
    if (certificatePath) {
      const certificate = { certificatePath, ...(certificatePassword ? { certificatePassword } : {}) };
      return new ClientCertificateCredential(tenantId, clientId, certificate, options);
    }
    if (clientSecret) return new ClientSecretCredential(tenantId, clientId, clientSecret, options);
    if (federatedTokenFile) return new WorkloadIdentityCredential({ ...options, tenantId, clientId, tokenFilePath: federatedTokenFile });
  }
  // A client id is then that of a user-assigned managed identity.
  return new DefaultAzureCredential({ ...options, ...(clientId ? { managedIdentityClientId: clientId } : {}) });
}
