/** Where secrets are kept. */
export type SecretSettings = { kind: 'file'; folder: string; keyFile: string; key?: string } | ({ kind: 'key-vault' } & VaultSettings);

export interface VaultSettings {
  url: string;
  /** The API version to speak; the client's own when absent. */
  serviceVersion?: string;
  /** Must the vault's challenge name the domain that the vault is in? Only an emulator's does not. */
  verifyChallenge: boolean;
}
