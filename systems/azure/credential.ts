import type { TokenCredential } from '@azure/identity';
import type { Outbound } from '../outbound.ts';
import type { Settings } from '../settings.ts';
import type { Cloud } from './clouds.ts';
import { listening } from './sign-in.ts';
import { signInTransport } from './transport.ts';

/**
 * Who this service is at Azure: what the settings name, in the order certificate, secret, workload identity; otherwise what the host offers (managed
 * identity first of all). `AZURE_TOKEN_CREDENTIALS` narrows it to one kind, whatever else is set.
 */
export async function credential(settings: Settings, cloud: Cloud, outbound: Outbound): Promise<TokenCredential> {
  const { ClientCertificateCredential, ClientSecretCredential, DefaultAzureCredential, WorkloadIdentityCredential } = await import('@azure/identity');
  const { tenantId, clientId, clientSecret, certificatePath, certificatePassword, federatedTokenFile, authorityHost, tokenCredentials } = settings.azure;
  const sending = await signInTransport(settings, outbound);
  const options = { ...sending, authorityHost: authorityHost ?? cloud.authority, disableInstanceDiscovery: authorityHost !== undefined };
  const application = `of application ${clientId}`;
  if (!tokenCredentials && tenantId && clientId) {
    if (certificatePath) {
      const certificate = { certificatePath, ...(certificatePassword ? { certificatePassword } : {}) };
      return listening(new ClientCertificateCredential(tenantId, clientId, certificate, options), `the certificate ${certificatePath} ${application}`);
    }
    if (clientSecret) return listening(new ClientSecretCredential(tenantId, clientId, clientSecret, options), `the client secret ${application}`);
    if (federatedTokenFile) {
      const workload = new WorkloadIdentityCredential({ ...options, tenantId, clientId, tokenFilePath: federatedTokenFile });
      return listening(workload, `the federated token ${federatedTokenFile} ${application}`);
    }
  }
  // A client id is then that of a user-assigned managed identity.
  const host = new DefaultAzureCredential({ ...options, ...(clientId ? { managedIdentityClientId: clientId } : {}) });
  return listening(host, tokenCredentials ? `AZURE_TOKEN_CREDENTIALS=${tokenCredentials}` : 'whatever identity this host offers');
}
