import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import type { Appliance, NtlsAttempt } from '../world.ts';
import { ApiError, badRequest, badValue, forbidden, serverError } from './errors.ts';
import { licensed } from './licensing.ts';
import { clockIsRight } from './ntp.ts';
import type { Call, Reply } from './route.ts';
import { announceRestart, type HsmServer, managerTime, type RootOfTrust, unsealed } from './state.ts';

const rootKeys = ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key'];
/** Further apart the clocks of both sides may not be. */
const allowedMs = 300_000;
/** Seconds between the answer and the restart where the request says nothing. */
const usualDelaySeconds = 5;

export const delayOf = ({ body }: Pick<Call, 'body'>): number => Number(body['delay'] ?? usualDelaySeconds);

interface Wanted {
  partitionName: string;
  password: string;
  host: string;
  serial: string;
  serverCertificate: string;
  clientCertificate: string;
  clientKey: string;
}

/**
 * `hsm/setup`: checks everything against the HSM itself, answers, then wipes all data and restarts. Nothing is wiped where a check fails. A lie answers the
 * same; `unsealed` wipes and restarts without the HSM, any other changes nothing.
 */
export async function setUpHsm(call: Call, lie?: 'wipes-unsealed' | 'does-nothing'): Promise<Reply> {
  const { world, state } = call;
  if (!licensed(state)) throw forbidden('License not installed yet for feature HSM Root of Trust: it is not included in Community Edition');
  const wanted = read(call);
  if (world.variants['ciphertrust.setupNeedsNtp'] === 'yes' && !clockIsRight(world, state)) throw failed(call, 'the clock is not synchronized');
  const { appliance, attempt } = connect(call, wanted);
  const signedIn = appliance.cryptoOfficerSignIn(attempt, wanted.serial, wanted.password);
  if (!signedIn.ok) throw failed(call, signedIn.why);
  await world.clock.sleepMinutes(world.durations.hsmSetup);
  const server = serverOf(wanted);
  if (!lie) {
    appliance.addObjects(wanted.serial, rootKeys);
    if (world.variants['ciphertrust.listedBeforeReset'] === 'yes') state.data.hsmServers.push(server);
    announceWipe(call, sealedBy(server));
  }
  if (lie === 'wipes-unsealed') announceWipe(call, unsealed);
  const status = Number(world.variants['ciphertrust.setupStatus'] ?? 200);
  const body = { empty: {}, none: undefined }[world.variants['ciphertrust.setupBody'] ?? 'full'] ?? server;
  return { status, ...(status === 204 || world.variants['ciphertrust.setupBody'] === 'none' ? {} : { body }) };
}

/** How it says that the HSM could not be used; and whether it has wiped itself all the same. Both are unknown: docs/reference/ciphertrust.md#setup-refusal. */
function failed(call: Call, why: string): ApiError {
  const { world } = call;
  if (world.variants['ciphertrust.failedSetup'] === 'wipes') announceWipe(call, unsealed);
  const message = `HSM setup failed: ${why}`;
  return (
    { 400: badValue(message), 422: new ApiError(422, 9, 'NCERRInvalidParamValue: Invalid parameter', message) }[
      world.variants['ciphertrust.setupRefusal'] ?? ''
    ] ?? serverError(message)
  );
}

/** When the wipe really comes is unknown (docs/reference/ciphertrust.md#setup-answer): what the request asks for is believed. */
function announceWipe(call: Call, wipesTo: RootOfTrust): void {
  const { world, state } = call;
  announceRestart({ world, state, delaySeconds: Number(world.variants['ciphertrust.resetSeconds'] ?? delayOf(call)) }, { wipesTo });
}

const serverOf = ({ host, partitionName, serial, serverCertificate }: Wanted): HsmServer => ({
  id: randomUUID(),
  type: 'luna',
  config: { host, partition_name: partitionName, serial, 'server-cert': serverCertificate },
});

const sealedBy = (server: HsmServer): RootOfTrust => ({
  hsmServers: [server],
  sealer: 'rapido',
  rotKeys: [{ id: randomUUID(), createdAt: new Date().toISOString() }],
});

function read({ world, body }: Call): Wanted {
  if (body['type'] !== 'luna') throw badValue('type: only luna can be set up here');
  const info =
    typeof body['connInfo'] === 'string' ? parsed(body['connInfo']) : world.variants['ciphertrust.connInfo'] === 'object' ? body['connInfo'] : undefined;
  if (typeof info !== 'object' || info === null) throw badRequest('Validation errors:\nconnInfo: connInfo must be a JSON string');
  const config = (body['initialConfig'] ?? {}) as Record<string, unknown>;
  const fields = { ...(info as Record<string, unknown>), ...config };
  const absent = ['partition_name', 'partition_password', 'host', 'serial', 'server-cert', 'client-cert', 'client-cert-key'].filter(
    (name) => typeof fields[name] !== 'string' || fields[name] === '',
  );
  if (absent.length > 0) throw badRequest(`Validation errors:\n${absent.map((name) => `${name}: ${name} is a required field`).join('\n')}`);
  if (body['reset'] !== true) throw badRequest('reset must be true: the first HSM resets the CipherTrust Manager');
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

/** Reaches the wanted partition over NTLS, from this machine’s own address. */
function connect(call: Call, wanted: Wanted): { appliance: Appliance; attempt: NtlsAttempt } {
  const { world, state } = call;
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
  if (!appliance) throw failed(call, `no connection to ${wanted.host}:1792`);
  const apartMs = Math.abs(managerTime(world) - Date.now() - appliance.state.clock.skewMinutes * 60_000);
  if (apartMs > allowedMs) throw failed(call, `the certificate of ${wanted.host} is not valid at this time`);
  const attempt = {
    clientCertificatePem: wanted.clientCertificate,
    clientPrivateKeyPem: wanted.clientKey,
    clientAddress: state.address,
    serverCertificatePem: wanted.serverCertificate,
  };
  const seen = appliance.ntls(attempt);
  if (!seen.ok) throw failed(call, seen.why);
  const partition = seen.partitions.find(({ serial }) => serial === wanted.serial);
  if (!partition) throw failed(call, `no partition with serial ${wanted.serial} is visible to this client`);
  if (![partition.label, partition.name].includes(wanted.partitionName)) throw failed(call, `the partition is not called ${wanted.partitionName}`);
  return { appliance, attempt };
}
