import type { ReportDraft } from './report.ts';
import type { Exposure, PresentedCertificate } from './results.ts';

/** What the report says about CipherTrust Manager beside the proof of its root of trust. */
export interface ReportedManager {
  /** How to sign in; the password is in the secret store. */
  signIn?: { url: string; user: 'admin'; passwordSecret: string; ssh: { user: 'ksadmin'; keySecret?: string }; through?: string };
  /** When its initial password worked, at most. */
  exposure: (Exposure & { when: 'first boot' | 'after the wipe'; seconds: number })[];
  /** The web certificate that was pinned last: its names, and who signed it. */
  webCertificate?: PresentedCertificate;
}

/** May admin’s initial password be in force? From the first boot, and from the wipe, until it is known to be replaced. */
export const initialMayHold = ({ progress: { steps }, results }: Pick<ReportDraft, 'progress' | 'results'>): boolean =>
  (steps['first-boot'].state !== 'pending' && !results['admin-password']) || (steps['set-root-of-trust'].state !== 'pending' && !results['reset-password']);

export function managerOf({ target, request, progress, results }: ReportDraft): ReportedManager {
  const { 'first-boot': boot, 'reset-password': reset } = results;
  const found = results['web-certificate']?.certificate ? undefined : (results['set-root-of-trust']?.certificate ?? boot?.certificate);
  const { sshPrivateKey, sshPublicKey, sshKeyInAzure } = request.cipherTrust;
  const keySecret = sshPrivateKey?.secret ?? ((sshPublicKey ?? sshKeyInAzure) ? undefined : `${target}-ciphertrust-ssh-key`);
  return {
    ...(boot && !initialMayHold({ progress, results })
      ? {
          signIn: {
            url: `https://${boot.cipherTrust.address}`,
            user: 'admin',
            passwordSecret: `${target}-ciphertrust-admin-password`,
            ssh: { user: 'ksadmin', ...(keySecret ? { keySecret } : {}) },
            ...(boot.cipherTrust.through ? { through: `the Windows host at ${boot.cipherTrust.through.address}` } : {}),
          },
        }
      : {}),
    exposure: [
      ...measured('first boot', results['admin-password']?.exposure),
      ...(reset?.exposures ?? []).flatMap((exposure) => measured('after the wipe', exposure)),
      ...measured('after the wipe', reset?.exposure),
    ],
    ...(found ? { webCertificate: found } : {}),
  };
}

const measured = (when: ReportedManager['exposure'][number]['when'], exposure: Exposure | undefined): ReportedManager['exposure'] =>
  exposure ? [{ ...exposure, when, seconds: Math.max(0, Math.ceil((Date.parse(exposure.until) - Date.parse(exposure.from)) / 1000)) }] : [];

/** The same for people. */
export function managerLines({ signIn, exposure, webCertificate }: ReportedManager): string[] {
  return [
    ...(signIn
      ? [
          `Sign in at ${signIn.url} as \`${signIn.user}\`${signIn.through ? ` through ${signIn.through}` : ''}; the password is the secret \`${signIn.passwordSecret}\``,
          `SSH as \`${signIn.ssh.user}\`; ${signIn.ssh.keySecret ? `the private key is the secret \`${signIn.ssh.keySecret}\`` : 'the private key is yours'}`,
        ]
      : []),
    ...exposure.map(({ when, from, until, seconds }) => `Its initial password worked for at most ${seconds} s (${when}: ${from} to ${until})`),
    ...(webCertificate
      ? [
          `Web certificate: ${webCertificate.subject}, for ${webCertificate.names || 'no names'}, valid until ${webCertificate.notAfter}`,
          ...webCertificate.chain.map(({ subject, issuer, fingerprint }) => `Signed by ${issuer}: ${subject} (\`${fingerprint}\`)`),
        ]
      : []),
  ];
}
