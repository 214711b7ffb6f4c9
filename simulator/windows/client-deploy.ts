import type { LunaClient } from './luna-client.ts';

export interface Deployment {
  server: string;
  name: string;
  partition: string;
  user: string;
  password: string;
}

/** Says what is in the way of a deployment before anything is made, as far as the tool itself finds it. */
function refusal({ world }: LunaClient, { server, partition, user, password }: Deployment): string | undefined {
  const appliance = world.appliances.get(server);
  if (!appliance) return `Unable to reach ${server}.`;
  const known = appliance.state.users.find((candidate) => candidate.name === user);
  if (known?.password !== password || known.mustChange) return 'Authentication to the appliance failed.';
  return appliance.state.hsm.partitions.some(({ name }) => name === partition) ? undefined : `Partition ${partition} does not exist.`;
}

/**
 * One-step NTLS: a certificate for the client, the server’s certificate, registration and assignment, with the appliance’s own sign-in. The certificate is
 * made first, and stays where what comes after it fails. Gives why it failed.
 */
export async function deployClient(client: LunaClient, wanted: Deployment, work: (change: () => void) => Promise<void>): Promise<string | undefined> {
  const refused = refusal(client, wanted);
  if (refused) return refused;
  const { server, name, partition } = wanted;
  const { state } = client.world.appliances.get(server)!;
  const before = structuredClone(client.state.files);
  const { certificatePath } = await client.createCertificate(name, 3650);
  const certificatePem = client.files.text(certificatePath)!;
  if (state.clients.some((registered) => registered.name === name)) return 'A client with the same name has already been registered.';
  const isAddress = /^[\d.]+$/.test(name);
  if (isAddress && state.clients.some(({ ip }) => ip === name)) return 'A client with the same IP address has already been registered.';
  let changed = false;
  await work(() => {
    changed = true;
    client.addServer(server, state.server.certificatePem);
    state.files[`${name}.pem`] = certificatePem;
    const unnoticed = Number(client.world.variants['luna.ntlsLate'] ?? 0);
    state.clients.push({ name, ...(isAddress ? { ip: name } : { hostname: name }), certificatePem, partitions: [partition], unnoticed });
  });
  if (!changed) client.files.restore(before);
  return undefined;
}
