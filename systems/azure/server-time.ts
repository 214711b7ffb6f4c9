import { StepFailure } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { Azure } from './azure.ts';

/** What time Azure Resource Manager says it is (ms since the epoch): the `Date` header of a look at the resource group. Undefined where it does not tell. */
export async function armTime(azure: Azure, request: ProvisioningRequest, signal: AbortSignal): Promise<number | undefined> {
  let told = Number.NaN;
  const onResponse = ({ headers }: { headers: { get(name: string): string | undefined } }) => {
    told = Date.parse(headers.get('date') ?? '');
  };
  try {
    const { resources } = await azure.clients(request.azure);
    await azure.look('reading the time of Azure', () => resources.resourceGroups.get(request.azure.resourceGroup, { abortSignal: signal, onResponse }));
  } catch (error) {
    // A refusal has a date as well.
    if (!(error instanceof StepFailure) || error.problem.kind === 'Transient') throw error;
  }
  return Number.isNaN(told) ? undefined : told;
}
