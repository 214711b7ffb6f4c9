import type { ReportDraft } from './report.ts';
import type { Exposure, PresentedCertificate } from './results.ts';
import { lastWith, resultOf } from './step-results.ts';
import { step, stepIds } from './steps.ts';

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
  stepIds.some((id) => {
    const { opensManager } = step(id);
    return opensManager && steps[id].state !== 'pending' && !resultOf(results, opensManager.until);
  });

/** From when to when it was, as the steps that replaced it found out. */
const exposures = (results: ReportDraft['results']): ReportedManager['exposure'] =>
  stepIds.flatMap((id) => {
    const { opensManager } = step(id);
    return opensManager ? exposuresIn(resultOf(results, opensManager.until)).map((exposure) => measured(opensManager.when, exposure)) : [];
  });

function exposuresIn(result: ReturnType<typeof resultOf> = {}): Exposure[] {
  const before = 'exposures' in result ? (result.exposures ?? []) : [];
  return [...before, ...('exposure' in result && result.exposure ? [result.exposure] : [])];
}

export function managerOf({ target, request, progress, results }: ReportDraft): ReportedManager {
  const pinned = lastWith(results, 'cipherTrust')?.cipherTrust;
  const found = lastWith(results, 'webCertificate') ? undefined : lastWith(results, 'certificate')?.certificate;
  const { sshPrivateKey, sshPublicKey, sshKeyInAzure } = request.cipherTrust;
  const keySecret = sshPrivateKey?.secret ?? ((sshPublicKey ?? sshKeyInAzure) ? undefined : `${target}-ciphertrust-ssh-key`);
  return {
    ...(pinned && !initialMayHold({ progress, results })
      ? {
          signIn: {
            url: `https://${pinned.address}`,
            user: 'admin',
            passwordSecret: `${target}-ciphertrust-admin-password`,
            ssh: { user: 'ksadmin', ...(keySecret ? { keySecret } : {}) },
            ...(pinned.through ? { through: `the Windows host at ${pinned.through.address}` } : {}),
          },
        }
      : {}),
    exposure: exposures(results),
    ...(found ? { webCertificate: found } : {}),
  };
}

type Measured = ReportedManager['exposure'][number];

const measured = (when: Measured['when'], { from, until }: Exposure): Measured => ({
  from,
  until,
  when,
  seconds: Math.max(0, Math.ceil((Date.parse(until) - Date.parse(from)) / 1000)),
});

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
