import { randomUUID } from 'node:crypto';
import type { ArmReply } from './http.ts';

interface Refusal {
  code: number;
  status: number;
  error: string;
  text: (...words: string[]) => string;
}

/** What the directory refuses with: its number, the status of the answer, and the words that people look up. */
const refusals = {
  unknownTenant: {
    code: 90002,
    status: 400,
    error: 'invalid_tenant',
    text: (tenant) =>
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
  },
  unknownApplication: {
    code: 700016,
    status: 400,
    error: 'unauthorized_client',
    text: (id, tenant) =>
      `Application with identifier '${id}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
  },
  unsupportedGrant: { code: 70003, status: 400, error: 'unsupported_grant_type', text: (grant) => `The app requested an unsupported grant type '${grant}'.` },
  missingParameter: {
    code: 900144,
    status: 400,
    error: 'invalid_request',
    text: (name) => `The request body must contain the following parameter: '${name}'.`,
  },
  wrongScope: {
    code: 1002012,
    status: 400,
    error: 'invalid_scope',
    text: (scope) =>
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
  },
  nothingProven: {
    code: 7000218,
    status: 401,
    error: 'invalid_client',
    text: () => "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  },
  wrongSecret: {
    code: 7000215,
    status: 401,
    error: 'invalid_client',
    text: (id) =>
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${id}'.`,
  },
  expiredSecret: {
    code: 7000222,
    status: 401,
    error: 'invalid_client',
    text: (id) =>
      `The provided client secret keys for app '${id}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`,
  },
  malformedAssertion: { code: 50027, status: 400, error: 'invalid_request', text: () => 'JWT token is invalid or malformed.' },
  unknownCertificate: {
    code: 700027,
    status: 401,
    error: 'invalid_client',
    text: (thumbprint, id) =>
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${thumbprint}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '${id}'.]`,
  },
  wrongSignature: {
    code: 700027,
    status: 401,
    error: 'invalid_client',
    text: (thumbprint) =>
      `Client assertion contains an invalid signature. [Reason - The key was found, but use of the key to verify the signature failed., Thumbprint of key used by client: '${thumbprint}']`,
  },
  wrongAudience: { code: 700023, status: 401, error: 'invalid_client', text: () => 'Client assertion audience claim does not match Realm issuer.' },
  foreignAssertion: {
    code: 700021,
    status: 401,
    error: 'invalid_client',
    text: () => "Client assertion application identifier doesn't match 'client_id' parameter.",
  },
  outsideItsTime: {
    code: 700024,
    status: 401,
    error: 'invalid_client',
    text: (now, from, to) =>
      `Client assertion is not within its valid time range. Current time: ${now}, assertion valid from ${from}, expiry time of assertion ${to}.`,
  },
  unknownIssuer: { code: 700211, status: 401, error: 'invalid_client', text: (issuer) => unmatched('issuer', issuer!) },
  unknownAudience: { code: 700212, status: 401, error: 'invalid_client', text: (audience) => unmatched('audience', audience!) },
  unknownSubject: { code: 700213, status: 401, error: 'invalid_client', text: (subject) => unmatched('subject', subject!) },
  wrongToken: { code: 50013, status: 401, error: 'invalid_client', text: () => 'Assertion failed signature validation. [Reason - The key was not found.]' },
} satisfies Record<string, Refusal>;

function unmatched(part: string, value: string): string {
  return `No matching federated identity record found for presented assertion ${part} '${value}'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion.`;
}

/** A refusal of the directory, in the shape that its token endpoint has. */
export class AadError extends Error {
  readonly reply: ArmReply;

  constructor({ code, status, error, text }: Refusal, words: string[]) {
    super(text(...words));
    const [trace, correlation] = [randomUUID(), randomUUID()];
    const timestamp = new Date().toISOString().replace('T', ' ').replace(/\.\d+/, '');
    this.reply = {
      status,
      body: {
        error,
        error_description: `AADSTS${code}: ${this.message} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
        error_codes: [code],
        timestamp,
        trace_id: trace,
        correlation_id: correlation,
        error_uri: `https://login.microsoftonline.com/error?code=${code}`,
      },
    };
  }
}

export const aadError = (kind: keyof typeof refusals, ...words: string[]): AadError => new AadError(refusals[kind], words);
