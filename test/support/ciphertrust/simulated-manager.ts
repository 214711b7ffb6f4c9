import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import axios from 'axios';
import { selfSigned } from '../../../simulator/certificates.ts';
import type { ManagerState } from '../../../simulator/ciphertrust/state.ts';
import { createWorld, type RunningWorld, type WorldOptions } from '../../../simulator/create-world.ts';
import { hsmAddress, managerAddress, officerPassword, partition, stubAppliance } from '../stub-appliance.ts';
import { until } from '../until.ts';
import { quickKeys } from './options.ts';

export const password = 'Kept-Password-1';
const [server, client] = await Promise.all([selfSigned({ commonName: 'local_host' }), selfSigned({ commonName: managerAddress })]);
export const certificates = { server, client };

/** A simulated manager for the tests of one `describe`, as a client that nobody here wrote would use it; what they start ends after each. */
export function simulatedManager() {
  let world: RunningWorld;
  const objects: string[] = [];
  const worlds: RunningWorld[] = [];
  const folders: string[] = [];

  afterEach(async () => {
    for (const running of worlds.splice(0)) await running.stop();
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
    objects.length = 0;
  });

  /** A world with an HSM, and a manager that is being switched on. */
  async function switchOn({ variants, ...options }: Partial<WorldOptions> = {}, sshPublicKey = 'ssh-rsa AAAAB3NzaC1yc2E kylo') {
    const machines = { appliance: async () => stubAppliance(certificates, objects) };
    world = await createWorld({ timeScale: 600, machines, ...options, variants: { ...quickKeys, ...variants } });
    worlds.push(world);
    if (world.appliances.size > 0) return;
    await world.machines.appliance({ name: 'kylo-luna-hsm', address: hsmAddress });
    await world.machines.cipherTrust({ name: 'mycompany-ciphertrust', address: managerAddress, adminUser: 'ksadmin', sshPublicKey });
  }

  const port = () => world.cipherTrusts.get(managerAddress)!.ports[443]!;
  /** Asks over TLS; the certificate is its own, so it is not checked here. */
  async function ask(method: string, path: string, data?: object | string, token?: string) {
    const { status, data: body } = await axios.request({
      method,
      url: `https://127.0.0.1:${port()}/api/v1${path}`,
      data,
      headers: { 'content-type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      httpsAgent: new Agent({ rejectUnauthorized: false, keepAlive: false }),
      proxy: false,
      maxRedirects: 0,
      validateStatus: () => true,
    });
    return { status, body };
  }

  const kept = () => (world.state['cipherTrusts'] as Record<string, ManagerState>)[managerAddress]!;

  /** Asks for something that ends in a restart, and waits for that. */
  async function restarted(method: string, path: string, body: object, token: string) {
    const { startedAt } = kept().boot;
    const answer = await ask(method, path, body, token);
    if (answer.status < 300) await until('a restart', async () => (kept().boot.startedAt === startedAt ? undefined : true));
    return answer;
  }

  const statusNow = () =>
    ask('GET', '/system/services/status').then(
      ({ status, body }) => (status === 200 ? (body.status as string) : undefined),
      () => undefined,
    );
  const firstStatus = () => until('an answer', statusNow);
  const started = () => until('its services to be up', async () => ((await statusNow()) === 'started' ? true : undefined));
  const changePassword = (from: string, to: string) => ask('PATCH', '/auth/changepw', { username: 'admin', password: from, new_password: to });
  const signIn = (given: string) => ask('POST', '/auth/tokens/', { grant_type: 'password', username: 'admin', password: given });

  async function signedIn(): Promise<string> {
    await started();
    assert.equal((await changePassword('admin', password)).status, 204);
    return (await signIn(password)).body.jwt;
  }

  async function activateTrial(token: string): Promise<void> {
    const { body } = await ask('GET', '/licensing/trials/', undefined, token);
    assert.equal(body.resources[0].status, 'available');
    assert.equal((await ask('POST', `/licensing/trials/${body.resources[0].id}/activate`, undefined, token)).body.status, 'activated');
  }

  const setup = (change: object = {}, connInfo: object = {}) => ({
    type: 'luna',
    connInfo: JSON.stringify({ partition_name: 'luna_part', partition_password: officerPassword, ...connInfo }),
    initialConfig: {
      host: hsmAddress,
      serial: partition.serial,
      'server-cert': certificates.server.certificatePem,
      'client-cert': certificates.client.certificatePem,
      'client-cert-key': certificates.client.privateKeyPem,
      ...change,
    },
    reset: true,
    delay: 5,
  });

  const leaf = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: port(), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      }).once('error', reject);
    });

  return {
    objects,
    switchOn,
    ask,
    kept,
    restarted,
    statusNow,
    firstStatus,
    started,
    changePassword,
    signIn,
    signedIn,
    activateTrial,
    setup,
    leaf,
    newFolder: async () => {
      folders.push(await mkdtemp(join(tmpdir(), 'simulator-')));
      return folders.at(-1)!;
    },
    get world() {
      return world;
    },
    /** Switched off, and to be switched on again. */
    async switchOff() {
      await world.stop();
      worlds.length = 0;
    },
  };
}

export type SimulatedManager = ReturnType<typeof simulatedManager>;
