import { generateKeyPairSync } from 'node:crypto';
import { createWorld, type RunningWorld, type WorldOptions } from '../../../simulator/create-world.ts';
import { createSocks, type Socks } from '../../../simulator/network/socks.ts';
import type { Appliance } from '../../../simulator/world.ts';
import { pinOfKey } from '../../../systems/ssh/connection.ts';
import { publicLine } from '../../../systems/ssh/private-key.ts';

export const addresses = { hsm: '172.22.1.4', windows: '172.22.0.4', cipherTrust: '172.22.0.5' };
/** One simulated minute is 20 ms: `hsm init` takes that long, `clientconfig deploy` twice as long. */
export const timeScale = 3_000;

/** The key that the Windows host lets in; every job of a test keeps this one, so that none has to be made. */
export const windowsKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
}).privateKey;

const keysFile = 'C:\\ProgramData\\ssh\\administrators_authorized_keys';
/** OpenSSH for that key alone, and the Luna client. */
const preparation = `Add-WindowsCapability -Online -Name OpenSSH.Server~~~~0.0.1.0
Start-Service -Name sshd
Set-NetFirewallRule -Name OpenSSH-Server-In-TCP -Profile Any
Set-Content -Path ${keysFile} -Value '${publicLine(windowsKey, 'test')}'
icacls ${keysFile} /inheritance:r /grant *S-1-5-32-544:F /grant *S-1-5-18:F
Invoke-WebRequest -Uri https://downloads.example.com/luna/LunaHSMClient-7.4.0.exe -OutFile C:\\Windows\\Temp\\luna.exe
Start-Process -FilePath C:\\Windows\\Temp\\luna.exe -ArgumentList '/install /quiet'`;

export interface LunaWorld extends RunningWorld {
  readonly appliance: Appliance;
  readonly windowsPin: string;
  readonly socks: Socks;
}

let delivered: Promise<Record<string, unknown>> | undefined;

/** The state of a world in which Azure has just delivered the HSM and the Windows host has its client: made once, copied for every run. */
async function deliver(variants: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const world = await createWorld({ timeScale, variants });
  await world.machines.appliance({ name: 'kylo-luna-hsm', address: addresses.hsm });
  const host = await world.machines.windowsHost({
    name: 'lunaclient',
    address: addresses.windows,
    adminUser: 'LunaAdmin',
    adminPassword: 'LunaAdmin-Password-1',
  });
  const { exitCode, error } = await host.runScript(preparation, {});
  if (exitCode !== 0) throw new Error(`the Windows host could not be prepared: ${error}`);
  await world.stop();
  world.requestLog.clear();
  return world.state;
}

/** These count when the appliance is delivered. */
const setsClock = ({ variants = {} }: Partial<WorldOptions>): boolean => 'luna.zone' in variants || 'luna.clockSkewMinutes' in variants;

/** A delivered HSM and a prepared Windows host, untouched or as they were `left`, with a network of their own behind a proxy. */
export async function lunaWorld(options: Partial<Omit<WorldOptions, 'state'>>, left?: Record<string, unknown>): Promise<LunaWorld> {
  const state = structuredClone(left ?? (await (setsClock(options) ? deliver(options.variants) : (delivered ??= deliver()))));
  const world = await createWorld({ timeScale, ...options, state });
  const socks = await createSocks(world);
  const { hostKeys } = (state['windowsHosts'] as Record<string, { hostKeys: { rsa: string } }>)[addresses.windows]!;
  const switchOff = world.stop;
  const stop = async () => {
    await socks.stop();
    await switchOff();
  };
  return Object.assign(world, {
    appliance: world.appliances.get(addresses.hsm)!,
    windowsPin: pinOfKey(Buffer.from(publicLine(hostKeys.rsa).split(' ')[1]!, 'base64')),
    socks,
    stop,
  });
}
