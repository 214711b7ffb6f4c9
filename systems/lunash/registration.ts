import { hasFingerprint } from '../certificates.ts';
import { type ClientShown, parseClientList, parseClientShow, parseFingerprint } from './parse.ts';
import type { LunashSession } from './session.ts';

export type Registration = ClientShown & { certificateIsOurs: boolean };

/** How a client is registered with the HSM, and whether with this certificate; undefined where it is not. */
export async function readRegistration(session: LunashSession, client: string, certificatePem: string): Promise<Registration | undefined> {
  if (!parseClientList(await session.read('client list')).includes(client)) return undefined;
  const found = parseClientShow(await session.read(`client show -client ${client}`));
  const fingerprint = parseFingerprint(await session.read(`client fingerprint -client ${client}`));
  return found && { ...found, certificateIsOurs: fingerprint !== undefined && hasFingerprint(certificatePem, fingerprint) };
}
