import type { AzureConnection } from '../../stores/azure-connection.ts';
import type { Outbound } from '../outbound.ts';
import type { Settings } from '../settings.ts';
import { cloudOfStore } from './clouds.ts';
import { credential } from './credential.ts';
import { azureFailure, isForeign, isSignIn, statusOf } from './errors.ts';
import { httpClient, transport } from './transport.ts';

/** How the stores reach Azure: as everything else does. */
export function azureConnection(settings: Settings, outbound: Outbound): AzureConnection {
  return {
    credential: (url) => credential(settings, cloudOfStore(url), outbound),
    transport: () => transport(settings, outbound),
    httpClient: () => httpClient(settings, outbound),
    fault(tried, error) {
      if (!isForeign(error)) return undefined;
      const status = statusOf(error);
      return { ...(status === undefined ? {} : { status }), isSignIn: isSignIn(error), failure: azureFailure(tried, error) };
    },
  };
}
