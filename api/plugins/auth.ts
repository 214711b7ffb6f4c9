import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from '../problem.ts';

/** An operator starts, cancels and mends jobs; an approver decides about what destroys. Both may look. */
export const roles = ['operator', 'approver'] as const;
export type Role = (typeof roles)[number];

export interface Person {
  name: string;
  roles: readonly Role[];
  token: string;
}

/** One for each role, which may be shared, and one for each person that is known by name. */
export type Tokens = Partial<Record<Role, string>> & { people?: readonly Person[] };

/** With a role’s token nobody knows who it is. */
export type SignedIn = Pick<Person, 'roles'> & { name?: string };

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call this route; anybody who is signed in where absent; `false`: nobody needs to sign in. */
    role?: Role | false;
  }
  interface FastifyRequest {
    signedIn: SignedIn | undefined;
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Static bearer tokens: of roles and of people. */
export function auth(app: FastifyInstance, tokens: Tokens): void {
  const known = [
    ...roles.flatMap((role) => (tokens[role] === undefined ? [] : [{ signedIn: { roles: [role] }, digest: digest(tokens[role]) }])),
    ...(tokens.people ?? []).map(({ token, ...signedIn }) => ({ signedIn, digest: digest(token) })),
  ];
  const whoSends = ({ headers }: FastifyRequest): SignedIn | undefined => {
    const [, token] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    return token === undefined ? undefined : known.find((candidate) => timingSafeEqual(candidate.digest, digest(token)))?.signedIn;
  };
  app.decorateRequest('signedIn', undefined);
  app.addHook('onRequest', async (request) => {
    const needed = request.routeOptions.config.role;
    // The documentation’s pages bring routes of their own; there is nothing secret in them.
    if (needed === false || request.is404 || request.routeOptions.url?.startsWith('/docs')) return;
    request.signedIn = whoSends(request);
    if (!request.signedIn) {
      throw new HttpProblem(
        401,
        'Not signed in',
        'Send the header Authorization: Bearer TOKEN. The tokens are in the file that the API names in its log at startup.',
        {
          headers: { 'www-authenticate': 'Bearer' },
        },
      );
    }
    const { name, roles: may } = request.signedIn;
    if (needed && !may.includes(needed))
      throw new HttpProblem(403, 'Not allowed', `This needs the ${needed}’s token; you are signed in as ${[name, may.join()].filter(Boolean).join(', ')}.`);
  });
}
