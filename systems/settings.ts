import type { Place } from '../stores/place.ts';
import type { SecretSettings } from '../stores/secrets/settings.ts';

/** Where things are and how to reach them: configuration decides, never the code. Temporal's own settings are Temporal's (`TEMPORAL_ADDRESS` …). */
export interface Settings {
  azure: {
    /** Overrides the cloud's own endpoint, for a private ARM endpoint. */
    armEndpoint?: string;
    authorityHost?: string;
    tenantId?: string;
    clientId?: string;
    clientSecret?: string;
    /** PEM file of a client certificate with its private key. */
    certificatePath?: string;
    certificatePassword?: string;
    /** Of a workload identity: the file that holds the federated token. */
    federatedTokenFile?: string;
    /** `AZURE_TOKEN_CREDENTIALS`: narrows what is tried to one kind of credential. */
    tokenCredentials?: string;
    /** How long an answer of Azure is waited for, in milliseconds; Azure itself gives up after a minute. */
    timeoutMs: number;
  };
  /** `TEMPORAL_ADDRESS`, where set: a server on another machine is a witness of what time it is. */
  temporalAddress?: string;
  /** PEM of an additional authority for the Azure endpoints. */
  authorityPem?: string;
  /** `socks5://host:port`: the only way out, where set. */
  proxy?: string;
  /** Address ranges that this worker's connections come from, for the temporary firewall rules. */
  workerSources: string[];
  /** How the HSM is reached: through the Windows host or directly. */
  lunaVia: 'client' | 'direct';
  /** May SSH to HSMs use algorithms that are too weak by today's measure, where the appliance offers nothing better? */
  lunaOldAlgorithms: boolean;
  secrets: SecretSettings;
  /** Where the target record is kept. */
  record: Place;
  /** Where reports and transcripts are kept. */
  reports: Place;
  /** How long to wait between two looks where the server asks for nothing else, in milliseconds. */
  pollIntervalMs: number;
  /** The longest that a LunaSH command may run, in milliseconds: so long a session waits for one, and a later attempt for one that may still be at work. */
  commandMs: number;
}
