import assert from 'node:assert/strict';
import { createAzure } from '../../simulator/azure/azure.ts';
import { createWorld } from '../../simulator/create-world.ts';
import { exchange } from '../support/arm-client.ts';

const seconds = (date: string | undefined): number => Math.round((Date.parse(date ?? '') - Date.now()) / 1000);

/** How far the Date header of each simulated service is off, in seconds. */
async function clocks(variants: Record<string, string>) {
  const world = await createWorld({ timeScale: 3600, variants });
  const azure = await createAzure(world);
  try {
    const { ports } = await world.machines.cipherTrust({
      name: 'mycompany-ciphertrust',
      address: '172.22.0.5',
      adminUser: 'ksadmin',
      sshPublicKey: 'ssh-rsa AAAA',
    });
    const insecure = { rejectUnauthorized: false };
    const { Agent, get } = await import('node:https');
    const manager = new Promise<string | undefined>((resolve, reject) => {
      get(`https://127.0.0.1:${ports[443]}/api/v1/system/services/status`, { agent: new Agent(insecure) }, (response) => {
        response.resume().on('end', () => resolve(response.headers.date));
      }).on('error', reject);
    });
    const asked = async (path: string) => (await exchange(`${azure.arm}${path}`, azure.caPem)).headers['date'];
    return {
      arm: seconds(await asked('/subscriptions?api-version=2022-12-01')),
      authority: seconds(await asked(`/${azure.credentials.tenantId}/v2.0/.well-known/openid-configuration`)),
      vault: seconds(await asked('/secrets/one?api-version=7.4')),
      manager: seconds(await manager.catch(() => undefined)),
    };
  } finally {
    await azure.stop();
    await world.stop();
  }
}

const within = (off: number, expected: number): void => assert.ok(Math.abs(off - expected) <= 3, `${off} s off, not ${expected} s`);

describe('The Date headers of the simulated services', () => {
  it('tell the real time, however fast the world goes', async () => {
    const { arm, authority, vault, manager } = await clocks({ 'ciphertrust.bootPages': 'pages' });
    for (const off of [arm, authority, vault, manager]) within(off, 0);
  });

  it('are wrong by what a variant says, each witness by itself', async () => {
    const { arm, authority, vault, manager } = await clocks({
      'azure.dateSkewSeconds': '3600',
      'azure.vaultClockSkewSeconds': '60',
      'ciphertrust.dateSkewSeconds': '-120',
    });
    within(arm, 3600);
    within(authority, 3600);
    within(vault, 60);
    within(manager, -120);
  });
});
