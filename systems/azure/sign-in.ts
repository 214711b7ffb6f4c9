import { AsyncLocalStorage } from 'node:async_hooks';
import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import { Type } from 'typebox';
import { messageOf, refused, type StepFailure, transient } from '../../domain/failure.ts';
import { isFields, readFields } from '../foreign.ts';
import { pageTitle, parsedJson } from './arm-error.ts';
import { pauseMs } from './pause.ts';
import { signInRemedy } from './sign-in-remedies.ts';

/** An answer to a request of a sign-in that was no token. */
interface Refusal {
  status: number;
  text: string;
  header: (name: string) => string | undefined;
  /** Did the host’s own identity endpoint say so? */
  ofHost: boolean;
}

/** What came back to the last request of a sign-in: a refusal, or nothing at all; absent where all went well, or nobody was asked. */
type Heard = Refusal | 'nothing';

const underWay = new AsyncLocalStorage<{ heard?: Heard }>();

/** The sign-in library tells causes in many shapes, and some not at all; so what the authority or the host’s identity endpoint says is heard on its way. */
export const hearing: PipelinePolicy = {
  name: 'hearing',
  async sendRequest(request, next) {
    const signIn = underWay.getStore() ?? {};
    signIn.heard = 'nothing';
    const response = await next(request);
    const { status, headers, bodyAsText } = response;
    if (status < 400) delete signIn.heard;
    else signIn.heard = { status, text: bodyAsText ?? '', header: (name) => headers.get(name), ofHost: request.url.startsWith('http:') };
    return response;
  },
};

/** A sign-in that gave no token: how it was tried, and what came of it. */
export class SignInError extends Error {
  readonly way: string;
  readonly heard: Heard | undefined;

  constructor(way: string, heard: Heard | undefined, cause: unknown) {
    super(`no sign-in with ${way}`, { cause });
    this.name = 'SignInError';
    this.way = way;
    this.heard = heard;
  }
}

/** The same credential; whatever keeps it from a token is a SignInError. `way` is how it signs in, in a person’s words. */
export const listening = (credential: TokenCredential, way: string): TokenCredential => ({
  getToken: (scopes, options) =>
    underWay.run({}, async () => {
      try {
        const token = await credential.getToken(scopes, options);
        if (token) return token;
        throw new Error('there is no token, and no reason was given');
      } catch (error) {
        if (error instanceof Error && error.name === 'AbortError') throw error;
        throw new SignInError(way, underWay.getStore()?.heard, error);
      }
    }),
});

/** A passing fault of the authority is retried; its refusal, or a mistake on this host, is one sentence. */
export function signInFailure(tried: string, error: SignInError): StepFailure {
  const { way, heard, cause } = error;
  const told = { tried: `${tried}, signing in with ${way}` };
  const again = { code: 'AZURE_SIGN_IN_UNAVAILABLE', remedy: 'It is tried again by itself.' } as const;
  // Where several ways were tried, one that leads nowhere from this host says nothing.
  const several = isFields(cause) && Array.isArray(cause['errors']) && cause['errors'].length > 1;
  if (heard === 'nothing' && !several) return transient({ ...told, ...again, summary: 'it could not be reached, or did not answer' }, error);
  if (heard === undefined || heard === 'nothing') {
    const summary = several ? 'none of the ways that were tried is set up on this host' : firstLine(cause);
    return refused({ code: 'AZURE_IDENTITY_MISSING', ...told, summary, remedy: signInRemedy(summary) }, error);
  }
  const evidence = { source: heard.ofHost ? 'The host’s identity endpoint' : 'Microsoft Entra ID', text: wordsOf(heard) };
  const pause = pauseMs(heard.header, heard.text);
  if (passes(heard))
    return transient({ ...told, ...again, summary: 'the sign-in did not work now', evidence, ...(pause === undefined ? {} : { retryAfterMs: pause }) }, error);
  return refused({ code: 'AZURE_SIGN_IN_REFUSED', ...told, summary: 'the sign-in was refused', evidence, remedy: signInRemedy(evidence.text) }, error);
}

/** An identity that was just given to a host is not found at first, and its endpoint is gone for a minute where it is renewed. */
function passes({ status, text, ofHost }: Refusal): boolean {
  return (
    status === 429 || status >= 500 || (ofHost && [404, 410].includes(status)) || /\b(temporarily_unavailable|server_error|request_throttled)\b/.test(text)
  );
}

/** The sentence of a refusal, without the numbers that only Microsoft can look up. */
function wordsOf({ status, text }: Refusal): string {
  const { error_description, message } = readFields({ error_description: Type.String(), message: Type.String() }, parsedJson(text));
  const said = error_description ?? message ?? pageTitle(text);
  const sentence = said?.replaceAll(/\s+/g, ' ').replace(/ ?(\bTrace ID:| - Correlation ID| - Trace ID).*$/, '');
  return sentence === undefined || sentence === '' ? `${status}` : /^AADSTS/.test(sentence) ? sentence : `${status}: ${sentence}`;
}

const firstLine = (cause: unknown): string => messageOf(cause).split('\n')[0]!.trim();
