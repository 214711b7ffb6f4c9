import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyContextConfig, FastifyInstance } from 'fastify';

const whoMay = (role: FastifyContextConfig['role']): string => {
  if (role === false) return 'Needs no token.';
  return role ? `For the role ${role}.` : 'For everybody who is signed in.';
};

/** OpenAPI 3.1 at /openapi.json and Swagger UI at /docs, made from the routes’ own schemas. */
export async function documentation(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'HSM provisioner',
        version: '1.0.0',
        description:
          'From an Azure subscription to a CipherTrust Manager whose root of trust is a partition on an Azure Dedicated HSM. Errors are problem details (RFC 9457) and name all mistakes at once.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    // What the sign-in itself goes by: no route has to say it once more.
    transform: ({ schema, url, route: { config } }) => {
      const description = whoMay(config?.role);
      return { url, schema: { ...schema, description, ...(config?.role === false ? { security: [] } : {}) } };
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => (typeof json['$id'] === 'string' ? json['$id'] : `schema-${index}`) },
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  app.get('/openapi.json', { config: { role: false }, schema: { hide: true } }, () => app.swagger());
}
