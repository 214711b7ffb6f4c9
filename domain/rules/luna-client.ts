import type { SecretReference } from '../request.ts';
import { type BrokenRule, together, violationUnless } from './rule.ts';

/** An address in the request is in the job’s history for everybody to read. */
function addressRules(url: string | SecretReference, path: string): BrokenRule[] {
  if (typeof url !== 'string') return [];
  return [
    ...violationUnless(url.startsWith('https://'), path, 'The installer is fetched over https only.'),
    ...violationUnless(
      !/[?#]|\/\/[^/]*@/.test(url),
      path,
      'An address with a query, such as a signature, must not be in a request: put it into the secret store and give { "secret": name }.',
    ),
  ];
}

/** Does this version have what the runbook’s lunacm commands need? */
const hasRoles = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 7 || (major === 7 && minor >= 4);
};

/** The Luna clients on the Windows host. */
export const lunaClientRules = together(
  ({ lunaClient }) => addressRules(lunaClient.installer.url, '/lunaClient/installer/url'),
  ({ lunaClient: { version } }) =>
    violationUnless(version === undefined || hasRoles(version), '/lunaClient/version', 'lunacm must be of version 7.4 or later.'),
  ({ lunaClient: { certificateClient } }) =>
    certificateClient ? addressRules(certificateClient.installer.url, '/lunaClient/certificateClient/installer/url') : [],
  ({ lunaClient: { certificateClient, installer } }) =>
    violationUnless(
      certificateClient === undefined || certificateClient.installer.sha256.toLowerCase() !== installer.sha256.toLowerCase(),
      '/lunaClient/certificateClient/installer/sha256',
      'This is the same installer as the first: leave it out.',
    ),
);
