import type { ProvisioningRequest } from './request.ts';

/** The request as every step gets it: an inline template goes to the one step that deploys it, else each of them would carry it into the history. */
export const withoutTemplateText = (request: ProvisioningRequest): ProvisioningRequest =>
  request.hsm.template?.inline ? { ...request, hsm: { ...request.hsm, template: { ...request.hsm.template, inline: {} } } } : request;

/** Is CipherTrust Manager reached through the Windows host? Then it has no public address, and its set-up waits for that host. */
export const throughClient = ({ via }: ProvisioningRequest['cipherTrust']): boolean => via === 'client';

/** Is CipherTrust Manager to get a name or a web certificate of its own? */
export const wantsOwnFace = ({ hostName, webCertificate }: ProvisioningRequest['cipherTrust']): boolean => (hostName ?? webCertificate) !== undefined;

/** Every secret that a request names, with where it stands (JSON pointer). A template is the user’s own text: nothing in it is a name of ours. */
export function secretsNamed(request: object): { path: string; name: string }[] {
  const within = (value: unknown, path: string): { path: string; name: string }[] => {
    if (typeof value !== 'object' || value === null || path === '/hsm/template/inline') return [];
    const { secret } = value as { secret?: unknown };
    if (typeof secret === 'string') return [{ path: `${path}/secret`, name: secret }];
    return Object.entries(value).flatMap(([field, inner]) => within(inner, `${path}/${field}`));
  };
  return within(request, '');
}
