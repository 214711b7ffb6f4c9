/** How long things take in the real world, in minutes; the clock scales them. Configured, never measured: the benchmark's critical path is computed from these. */
export const usualDurations = {
  providerRegistration: 0.5,
  publicAddress: 0.2,
  virtualNetwork: 0.2,
  subnet: 0.05,
  gateway: 36,
  hsm: 20,
  networkSecurityGroup: 0.1,
  networkInterface: 0.1,
  virtualMachine: 3,
  agentReady: 1,
  lunaClientInstall: 5,
  vmDeallocate: 1,
  cipherTrustBoot: 5,
  cipherTrustReset: 3,
  ntpSynchronisation: 1,
  hsmInit: 1,
  hsmChangePolicy: 1,
  partitionCreate: 0.2,
  regenerateCertificate: 0.3,
  ntlsRestart: 0.2,
  clientDeploy: 2,
  partitionInit: 0.3,
  hsmSetup: 0.5,
};

export type Durations = typeof usualDurations;
