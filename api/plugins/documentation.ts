import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

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
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => (typeof json['$id'] === 'string' ? json['$id'] : `schema-${index}`) },
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  app.get('/openapi.json', { config: { role: false }, schema: { hide: true } }, () => app.swagger());
}
