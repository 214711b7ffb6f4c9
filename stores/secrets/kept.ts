import { forPerson, messageOf, refused, StepFailure, unsafe } from '../../domain/failure.ts';
import { type Purpose, recordKeyName, type SecretStore, secretName } from './store.ts';

/** The store itself fails: nothing may be generated or tried in place of what it holds. */
export const storeFailed = (tried: string, error: unknown): StepFailure =>
  error instanceof StepFailure
    ? new StepFailure({ ...forPerson(error.problem, 'the secret store'), kind: 'Unsafe' }, { cause: error })
    : unsafe({ code: 'SECRET_STORE_FAILED', tried, summary: messageOf(error), remedy: 'Check the secret store and its key (HSM_SECRETS), then retry.' }, error);

/** The value of a secret, undefined where there is none. */
export async function read(secrets: SecretStore, name: string): Promise<string | undefined> {
  try {
    return await secrets.get(name);
  } catch (error) {
    throw storeFailed(`reading the secret ${name}`, error);
  }
}

/** A secret that an earlier step kept. Without it nothing can be done, and no other value may ever be tried in its place. */
export async function requireSecret(secrets: SecretStore, target: string, purpose: Purpose): Promise<string> {
  const name = secretName(target, purpose);
  const value = await read(secrets, name);
  if (value === undefined)
    throw refused({
      code: 'SECRET_LOST',
      tried: `reading the secret ${name}`,
      summary: 'it is not there',
      remedy: 'Bring the store’s backup back, then retry; without it the system cannot be signed in to.',
    });
  return value;
}

/** A secret that the user put into the store and named in the request. */
export async function requireUserSecret(secrets: SecretStore, name: string): Promise<string> {
  // Key Vault takes no notice of the case of a name.
  if (name.toLowerCase() === recordKeyName)
    throw refused({
      code: 'SECRET_UNUSABLE',
      tried: `reading the secret ${name}`,
      summary: 'it is the key of the target record, which no request may use',
      remedy: 'Retry with an amendment that names another secret; where a step has used the field, abort and send the request again.',
    });
  const value = await read(secrets, name);
  if (value === undefined)
    throw refused({
      code: 'SECRET_MISSING',
      tried: `reading the secret ${name}`,
      summary: 'it is not there',
      remedy: `Store it (npm run --silent secret -- --keep ${name} < FILE), then retry.`,
    });
  return value;
}

/** Keeps a new secret; of two writers at once the first wins. */
export async function putIfAbsent(secrets: SecretStore, name: string, value: string): Promise<void> {
  try {
    await secrets.create(name, value);
  } catch (error) {
    throw storeFailed(`keeping the secret ${name}`, error);
  }
}
