import { refused } from '../../domain/failure.ts';
import { type Purpose, type SecretStore, secretName } from './store.ts';

/** A secret that an earlier step kept. Without it nothing can be done, and no other value may ever be tried in its place. */
export async function kept(secrets: SecretStore, target: string, purpose: Purpose): Promise<string> {
  const value = await secrets.get(secretName(target, purpose));
  if (value === undefined)
    throw refused({
      tried: `reading the secret ${secretName(target, purpose)}`,
      seen: 'it is not there',
      source: 'the secret store',
      remedy: 'Bring the store’s backup back, then retry; without it the system cannot be signed in to.',
    });
  return value;
}

/** A secret that the user put into the store and named in the request. */
export async function userSecret(secrets: SecretStore, name: string): Promise<string> {
  const value = await secrets.get(name);
  if (value === undefined)
    throw refused({ tried: `reading the secret ${name}`, seen: 'it is not there', source: 'the secret store', remedy: 'Put it there, then retry.' });
  return value;
}
