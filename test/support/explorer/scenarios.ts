import { azureScenarios } from './azure-scenarios.ts';
import { lunacmScenarios, lunashScenarios } from './luna-scenarios.ts';
import { managerScenarios } from './manager-scenarios.ts';
import type { Scenario } from './plant.ts';

/**
 * The steps whose attempts are explored: those that erase or disclose by the catalog, and those that create, register or sign in where twice would be once too
 * often. At Azure deploy-hsm, windows-vm, ciphertrust-vm, install-luna-client; at the HSM appliance-password, initialize-hsm, fips-mode, create-partition,
 * prepare-ntls; at the Luna client connect-client, initialize-partition, crypto-officer, client-certificate, register-client; at CipherTrust Manager
 * admin-password, ntp, license, set-root-of-trust, reset-password, web-certificate. The others read, or create in Azure what may be created twice.
 */
export const scenarios: readonly Scenario[] = [...azureScenarios, ...lunashScenarios, ...lunacmScenarios, ...managerScenarios];
