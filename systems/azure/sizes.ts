import type { AzureClients } from './azure.ts';

/** Of these VM sizes, those that the subscription may not use in the region although they are offered there, with Azure’s reason. */
export async function restrictions(
  clients: AzureClients,
  region: string,
  sizes: readonly string[],
  abortSignal: AbortSignal,
): Promise<{ size: string; reason: string }[]> {
  const found: { size: string; reason: string }[] = [];
  const wanted = sizes.map((size) => size.toLowerCase());
  for await (const { resourceType, name = '', restrictions: said } of clients.compute.resourceSkus.list({ filter: `location eq '${region}'`, abortSignal })) {
    if (resourceType !== 'virtualMachines' || !wanted.includes(name.toLowerCase())) continue;
    const restriction = said?.find(({ type }) => type === 'Location');
    if (restriction) found.push({ size: name, reason: restriction.reasonCode ?? 'it is restricted' });
  }
  return found;
}
