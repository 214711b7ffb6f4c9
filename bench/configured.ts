import type { StepId } from '../domain/steps.ts';

/** Minutes that the simulated world is configured to take, by name; its control API tells them. */
export type Configured = Record<string, number>;

/** Which configured durations a step cannot avoid, one after the other. A step that is not here takes no configured time. */
const takes: Partial<Record<StepId, readonly string[]>> = {
  'register-providers': ['providerRegistration'],
  'virtual-network': ['virtualNetwork', 'subnet', 'subnet', 'subnet'],
  'deploy-hsm': ['publicAddress', 'gateway', 'hsm'],
  'windows-vm': ['networkSecurityGroup', 'networkInterface', 'virtualMachine', 'agentReady'],
  'install-luna-client': ['lunaClientInstall'],
  'ciphertrust-vm': ['networkSecurityGroup', 'networkInterface', 'virtualMachine'],
  'first-boot': ['cipherTrustBoot'],
  'initialize-hsm': ['hsmInit'],
  // The simulated HSM keeps its label through the policy change, so it is not initialized again.
  'fips-mode': ['hsmChangePolicy'],
  'create-partition': ['partitionCreate'],
  'prepare-ntls': ['regenerateCertificate', 'ntlsRestart'],
  'connect-client': ['clientDeploy'],
  'initialize-partition': ['partitionInit'],
  'set-root-of-trust': ['hsmSetup', 'cipherTrustReset'],
  'remove-temporary-access': ['vmDeallocate'],
};

/** The configured minutes of a step. Fails where the simulated world does not know a duration, because the path would come out too short. */
export function minutesOf(step: StepId, configured: Configured): number {
  return (takes[step] ?? []).reduce((sum, name) => {
    const minutes = configured[name];
    if (minutes === undefined) throw new Error(`The simulated world has no duration "${name}", which ${step} takes`);
    return sum + minutes;
  }, 0);
}
