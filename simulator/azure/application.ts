import { type AadError, aadError } from './aad-error.ts';
import { type Assertion, hasExpired, isFederated, read, signedBy, thumbprints } from './assertion.ts';
import type { AzureState } from './state.ts';

/** A workload outside that the application trusts: who issues its tokens, for whom, and the key that they are signed with. */
export interface FederatedCredential {
  issuer: string;
  subject: string;
  audience: string;
  publicKeyPem: string;
}

/** What the directory knows of the application, beside its id and its secret. */
export interface Application {
  /** When the secret ends (ms since the epoch); never where nothing is said. */
  secretEndsAt?: number;
  /** Certificates that were uploaded for it, PEM. */
  certificates: string[];
  federated: FederatedCredential[];
}

export const newApplication = (): Application => ({ certificates: [], federated: [] });

/** Lets the application in that a request for a token names, by whatever it proves itself with; throws what is wrong with it. */
export function admit(state: AzureState, home: string, form: URLSearchParams): void {
  const { clientId, tenantId } = state.credentials;
  const given = form.get('client_id');
  if (given !== clientId) throw aadError('unknownApplication', `${given}`, tenantId);
  const assertion = form.get('client_assertion');
  const secret = form.get('client_secret');
  if (assertion !== null) checkAssertion(state, home, assertion);
  else if (secret === null) throw aadError('nothingProven');
  else checkSecret(state, secret);
}

function checkSecret({ application: { secretEndsAt = Infinity }, credentials: { clientId, clientSecret } }: AzureState, secret: string): void {
  if (secret !== clientSecret) throw aadError('wrongSecret', clientId);
  if (secretEndsAt <= Date.now()) throw aadError('expiredSecret', clientId);
}

function checkAssertion({ application, credentials: { clientId } }: AzureState, home: string, text: string): void {
  const assertion = read(text);
  if (!assertion) throw aadError('malformedAssertion');
  const refusal = isFederated(assertion, clientId) ? refusedToken(application, assertion) : refusedCertificate(application, assertion, clientId, home);
  if (refusal) throw refusal;
}

/** A certificate proves who signed; the key is found by its thumbprint. */
function refusedCertificate({ certificates }: Application, assertion: Assertion, clientId: string, home: string): AadError | undefined {
  const { header, claims } = assertion;
  const thumbprint = header['x5t#S256'] ?? header.x5t;
  const certificate = certificates.find((pem) => thumbprint !== undefined && thumbprints(pem).includes(thumbprint));
  const shown = Buffer.from(thumbprint ?? '', 'base64url')
    .toString('hex')
    .toUpperCase();
  if (!certificate) return aadError('unknownCertificate', shown, clientId);
  if (!signedBy(assertion, certificate)) return aadError('wrongSignature', shown);
  if (hasExpired(assertion)) return outsideItsTime(assertion);
  if (claims.sub !== clientId) return aadError('foreignAssertion');
  if (![home, `${home}/v2.0`, `${home}/oauth2/token`, `${home}/oauth2/v2.0/token`].includes(claims.aud ?? '')) return aadError('wrongAudience');
  return undefined;
}

/** A token of somebody else’s issuer counts where issuer, subject and audience are those that the application trusts, to the letter. */
function refusedToken({ federated }: Application, assertion: Assertion): AadError | undefined {
  const { iss = '', sub = '', aud = '' } = assertion.claims;
  const ofIssuer = federated.filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length === 0) return aadError('unknownIssuer', iss);
  const ofSubject = ofIssuer.filter(({ subject }) => subject === sub);
  if (ofSubject.length === 0) return aadError('unknownSubject', sub);
  const credential = ofSubject.find(({ audience }) => audience === aud);
  if (!credential) return aadError('unknownAudience', aud);
  if (!signedBy(assertion, credential.publicKeyPem)) return aadError('wrongToken');
  return hasExpired(assertion) ? outsideItsTime(assertion) : undefined;
}

const outsideItsTime = ({ claims: { nbf = 0, iat = nbf, exp = 0 } }: Assertion): AadError => {
  const [now, from, to] = [Date.now(), iat * 1000, exp * 1000].map((at) => new Date(at).toISOString());
  return aadError('outsideItsTime', now!, from!, to!);
};
