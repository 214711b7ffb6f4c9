import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import type { Appliance, NtlsAttempt } from '../world.ts';
import { badRequest, badValue, serverError } from './errors.ts';
import type { Call, Reply } from './routes.ts';
import { type HsmServer, wipe } from './state.ts';

const rootKeys = ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key'];
/** Seconds between the answer and the wipe where the request says nothing. */
const usualDelaySeconds = 5;

interface Wanted {
  partitionName: string;
  password: string;
  host: string;
  serial: string;
  serverCertificate: string;
  clientCertificate: string;
  clientKey: string;
}

/** `hsm/setup`: checks everything against the HSM itself, answers, then wipes all data and restarts. Nothing is wiped where a check fails. */
export async function setUpHsm(call: Call, lie?: 'wipes-unsealed' | 'does-nothing'): Promise<Reply> {
  const { world, state, body } = call;
  const wanted = read(call);
  const { appliance, attempt, name } = connect(call, wanted);
  const signedIn = appliance.cryptoOfficerSignIn(attempt, wanted.serial, wanted.password);
  if (!signedIn.ok) throw serverError(`HSM setup failed: ${signedIn.why}`);
  await world.clock.sleepMinutes(world.durations.hsmSetup);
  const config = { host: wanted.host, partition_name: name, serial: wanted.serial, 'server-cert': wanted.serverCertificate };
  const server: HsmServer = { id: randomUUID(), type: 'luna', config };
  const delayMs = world.clock.realMs(Number(body['delay'] ?? usualDelaySeconds) / 60);
  const sealed = { hsmServers: [server], sealer: 'rapido' as const, rotKeys: rootKeys.map(() => ({ id: randomUUID(), createdAt: new Date().toISOString() })) };
  const restart = async () => {
    if (!lie) appliance.addObjects(wanted.serial, rootKeys);
    await wipe(world, state, lie ? {} : sealed);
  };
  return {
    status: Number(world.quirks['ciphertrust.setupStatus'] ?? 200),
    body: { id: server.id, type: 'luna', config },
    ...(lie === 'does-nothing' ? {} : { afterwards: () => void setTimeout(() => void restart(), delayMs) }),
  };
}

function read({ world, body }: Call): Wanted {
  if (body['type'] !== 'luna') throw badValue('type must be one of luna, lunapci, lunatct, dpod, aws, nshield');
  if (body['reset'] !== true) throw badRequest('reset must be true: the first HSM resets the CipherTrust Manager');
  const info =
    typeof body['connInfo'] === 'string' ? parsed(body['connInfo']) : world.quirks['ciphertrust.connInfo'] === 'object' ? body['connInfo'] : undefined;
  if (typeof info !== 'object' || info === null) throw badRequest('Validation errors:\nconnInfo: connInfo must be a JSON string');
  const config = (body['initialConfig'] ?? {}) as Record<string, unknown>;
  const fields = { ...(info as Record<string, unknown>), ...config };
  const absent = ['partition_name', 'partition_password', 'host', 'serial', 'server-cert', 'client-cert', 'client-cert-key'].filter(
    (name) => typeof fields[name] !== 'string' || fields[name] === '',
  );
  if (absent.length > 0) throw badRequest(`Validation errors:\n${absent.map((name) => `${name}: ${name} is a required field`).join('\n')}`);
  const field = (name: string) => fields[name] as string;
  return {
    partitionName: field('partition_name'),
    password: field('partition_password'),
    host: field('host'),
    serial: field('serial'),
    serverCertificate: field('server-cert'),
    clientCertificate: field('client-cert'),
    clientKey: field('client-cert-key'),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function connect({ world, state }: Call, wanted: Wanted): { appliance: Appliance; attempt: NtlsAttempt; name: string } {
  try {
    const matching = new X509Certificate(wanted.clientCertificate).checkPrivateKey(createPrivateKey(wanted.clientKey));
    if (!matching) throw new Error('the client key does not belong to the client certificate');
    if (!/BEGIN RSA PRIVATE KEY/.test(wanted.clientKey) || /ENCRYPTED/.test(wanted.clientKey))
      throw new Error('the client key is not an unencrypted PKCS#1 key');
    new X509Certificate(wanted.serverCertificate);
  } catch (error) {
    throw badValue(`HSM setup failed: ${(error as Error).message}`);
  }
  const appliance = world.appliances.get(wanted.host);
  if (!appliance) throw serverError(`HSM setup failed: no connection to ${wanted.host}:1792`);
  const attempt = {
    clientCertificatePem: wanted.clientCertificate,
    clientPrivateKeyPem: wanted.clientKey,
    clientAddress: state.address,
    serverCertificatePem: wanted.serverCertificate,
  };
  const seen = appliance.ntls(attempt);
  if (!seen.ok) throw serverError(`HSM setup failed: ${seen.why}`);
  const partition = seen.partitions.find(({ serial }) => serial === wanted.serial);
  if (!partition) throw serverError(`HSM setup failed: no partition with serial ${wanted.serial} is visible to this client`);
  if (![partition.label, partition.name].includes(wanted.partitionName))
    throw serverError(`HSM setup failed: the partition is not called ${wanted.partitionName}`);
  return { appliance, attempt, name: wanted.partitionName };
}
