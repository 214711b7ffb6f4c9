import type { HttpClient, PipelinePolicy } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import type { StepFailure } from '../domain/failure.ts';

/**
 * How a store reaches Azure. Whoever starts the process gives it, so that vault and blobs take the same way out, trust the same authorities and sign in as the
 * same identity as everything else, and the stores need not know how that is done.
 */
export interface AzureConnection {
  /** The identity of this service in the cloud that the vault or storage account at this address lies in. */
  credential(url: string): Promise<TokenCredential>;
  /** What every client is created with: it never retries by itself. */
  transport(): AzureTransport;
  /** The same for clients that take no policies but only who sends for them. */
  httpClient(): Promise<HttpClient>;
  /** What an error of a client means. Undefined where it came neither from Azure nor from the way there: then it is a defect of ours. */
  fault(tried: string, error: unknown): AzureFault | undefined;
}

export interface AzureTransport {
  /** An additional authority, PEM. */
  tlsOptions?: { ca: string };
  additionalPolicies: { policy: PipelinePolicy; position: 'perRetry' }[];
  retryOptions: { maxRetries: number };
}

export interface AzureFault {
  /** The HTTP status, where there was an answer. */
  status?: number;
  /** Did the sign-in fail, so that the service itself was not asked? */
  isSignIn: boolean;
  /** In words that hold nothing that was sent; transient where it passes. Its cause may hold the request: only its problem may be shown. */
  failure: StepFailure;
}
