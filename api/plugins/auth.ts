import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../problem.ts';

/** An operator starts, cancels and mends jobs; an approver decides about what destroys. Both may look. */
export type Role = 'operator' | 'approver';
export type Tokens = Record<Role, string>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call this route; anybody who is signed in where absent; `false`: nobody needs to sign in. */
    role?: Role | false;
  }
  interface FastifyRequest {
    role: Role | undefined;
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Static bearer tokens, one a role. */
export function auth(app: FastifyInstance, tokens: Tokens): void {
  const known = (Object.keys(tokens) as Role[]).map((role) => ({ role, digest: digest(tokens[role]) }));
  const roleOf = ({ headers }: FastifyRequest): Role | undefined => {
    const [, token] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? [];
    return token === undefined ? undefined : known.find((candidate) => timingSafeEqual(candidate.digest, digest(token)))?.role;
  };
  app.decorateRequest('role', undefined);
  app.addHook('onRequest', async (request, reply) => {
    const needed = request.routeOptions.config.role;
    // The documentation’s pages bring routes of their own; there is nothing secret in them.
    if (needed === false || request.is404 || request.routeOptions.url?.startsWith('/docs')) return;
    request.role = roleOf(request);
    if (!request.role) {
      reply.header('www-authenticate', 'Bearer');
      throw new Problem(401, 'Not signed in', 'Send a bearer token: it is in the tokens file that the API names at its start.');
    }
    if (needed && request.role !== needed) throw new Problem(403, 'Not allowed', `This needs the ${needed}’s token; you are signed in as ${request.role}.`);
  });
}
