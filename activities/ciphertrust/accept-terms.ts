import type { StepInput, StepResult } from '../../domain/results.ts';
import { act, converge, done, lasting, refuse } from '../converge.ts';
import { type Systems, staleReadDelays } from '../systems.ts';

type Input = StepInput<'accept-terms'>;

export const decideAcceptTerms = (accepted: boolean | undefined, { request }: Pick<Input, 'request'>) => {
  if (accepted !== false) return done<StepResult<'accept-terms'>>({ accepted: accepted === true });
  if (request.cipherTrust.acceptTerms === true) return act('accept');
  return refuse({
    code: 'AZURE_TERMS_NOT_ACCEPTED',
    tried: `using the image ${request.cipherTrust.image}`,
    summary: 'its marketplace terms are no longer accepted, and the request does not allow this service to accept them',
    remedy: 'Accept them with az vm image terms accept, then retry; or retry with an amendment of /cipherTrust/acceptTerms to true.',
  });
};

/** `az vm image terms accept`. An image of one’s own has no terms, and for a machine that is there nothing is bought: its image’s terms may be gone. */
export const acceptTerms = ({ azure, settings }: Systems) => {
  const read = async ({ request, image }: Input, signal: AbortSignal) => {
    if ('id' in image) return undefined;
    const { marketplace } = await azure.clients(request.azure);
    return azure.ask('reading the marketplace terms', () =>
      marketplace.marketplaceAgreements.get('virtualmachine', image.publisher, image.offer, image.sku, { abortSignal: signal }),
    );
  };
  const isThere = async ({ request }: Input, signal: AbortSignal) => {
    const { compute } = await azure.clients(request.azure);
    const { vmName } = request.cipherTrust;
    const found = await azure.look(`reading ${vmName}`, () => compute.virtualMachines.get(request.azure.resourceGroup, vmName, { abortSignal: signal }));
    return found !== undefined;
  };
  return converge<Input, boolean | undefined, StepResult<'accept-terms'>, 'accept'>({
    lasting: lasting(settings, 'arm-change'),
    observe: async (input, { signal }) => {
      if (await isThere(input, signal)) return undefined;
      const terms = await read(input, signal);
      return terms && terms.accepted === true;
    },
    decide: decideAcceptTerms,
    staleReadDelaysMs: staleReadDelays({ settings }),
    act: {
      async accept(input, _, { signal }) {
        if ('id' in input.image) return;
        const { publisher, offer, sku } = input.image;
        const { marketplace } = await azure.clients(input.request.azure);
        const terms = await read(input, signal);
        await azure.ask('accepting the marketplace terms', () =>
          marketplace.marketplaceAgreements.create('virtualmachine', publisher, offer, sku, { ...terms!, accepted: true }, { abortSignal: signal }),
        );
      },
    },
  });
};
