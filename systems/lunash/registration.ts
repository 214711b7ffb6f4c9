import { unsafe } from '../../domain/failure.ts';
import type { TargetRecord } from '../../stores/record/record.ts';
import { hasFingerprint } from '../certificates.ts';
import { type ClientShown, parseClientList, parseClientShow, parseFingerprint } from './parse.ts';
import type { LunashSession } from './session.ts';

export type Registration = ClientShown & {
  certificateIsOurs: boolean;
  /** It is registered with one that was made here before, and is not the present one. */
  certificateWasOurs?: boolean;
};

/** How a client is registered with the HSM, and whether with this certificate or an earlier one; undefined where it is not. */
export async function readRegistration(
  session: LunashSession,
  client: string,
  certificatePem: string | undefined,
  earlier: readonly string[] = [],
): Promise<Registration | undefined> {
  if (!parseClientList(await session.read('client list')).includes(client)) return undefined;
  const found = parseClientShow(await session.read(`client show -client ${client}`));
  const fingerprint = parseFingerprint(await session.read(`client fingerprint -client ${client}`));
  const isIt = (pem: string) => fingerprint !== undefined && hasFingerprint(pem, fingerprint);
  return found && { ...found, certificateIsOurs: certificatePem !== undefined && isIt(certificatePem), certificateWasOurs: earlier.some(isIt) };
}

/**
 * `client delete`, on record before it is sent. Looked at twice in the session that does it, before the entry and, since that may take seconds, after it: nothing
 * is deleted that is not registered with a certificate of ours.
 */
export async function deleteOurClient(session: LunashSession, client: string, ours: readonly string[], record: TargetRecord<'hsm'>): Promise<void> {
  if (!(await isRegisteredAsOurs(session, client, ours))) return;
  await record.append('client-delete-begun', { client });
  if (!(await isRegisteredAsOurs(session, client, ours))) return;
  await session.change(`client delete -client ${client}`, { proceed: true }, 'client delete');
}

/** False where it is not registered; throws Unsafe where it is with a certificate of somebody else. */
async function isRegisteredAsOurs(session: LunashSession, client: string, ours: readonly string[]): Promise<boolean> {
  const found = await readRegistration(session, client, undefined, ours);
  if (!found) return false;
  if (found.certificateWasOurs) return true;
  throw unsafe({
    code: 'HSM_CLIENT_FOREIGN',
    tried: `deleting the client ${client}`,
    summary: 'it is not registered with a certificate that was made here',
    remedy: 'Nothing was deleted. Find out whose it is, then retry.',
  });
}

/** `client hostip show`: the address that a client is mapped to, `none`, or undefined where it is not told. */
export function parseMapping(text: string, client: string): string | undefined {
  const line = text.split('\n').find((candidate) => candidate.trim().split(/[\s:]+/)[0] === client);
  return line === undefined ? undefined : (/(\d{1,3}(?:\.\d{1,3}){3})\s*$/.exec(line)?.[1] ?? 'none');
}
