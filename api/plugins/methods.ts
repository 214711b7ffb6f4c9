import type { FastifyInstance } from 'fastify';
import { HttpProblem } from '../problem.ts';

/** Remembers the routes, and tells for a path that no route answers which methods it would have. */
export function allowedMethods(app: FastifyInstance): (url: string) => string[] {
  const routes: { methods: string[]; path: RegExp }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const methods = Array.isArray(method) ? method : [method];
    const pattern = url
      .replaceAll(/[.+?^$()[\]{}|\\]/g, '\\$&')
      .replaceAll(/:\w+/g, '[^/]+')
      .replaceAll('*', '.*');
    routes.push({ methods, path: new RegExp(`^${pattern}$`) });
  });
  return (url) => {
    const [path = ''] = url.split('?', 1);
    return [...new Set(routes.filter((route) => route.path.test(path)).flatMap(({ methods }) => methods))].sort();
  };
}

/** The problem for a request that no route answers: another method is needed (405), or there is nothing at this path (404). */
export function noRoute(method: string, url: string, allowed: string[]): HttpProblem {
  // A page that is missing below a route with a wildcard has the right method.
  if (allowed.length > 0 && !allowed.includes(method))
    return new HttpProblem(405, 'Method Not Allowed', `${method} is not available at this path. Use ${allowed.join(' or ')}.`, {
      headers: { allow: allowed.join(', ') },
    });
  return new HttpProblem(404, 'Not Found', `There is nothing at ${method} ${url.slice(0, 200)}. All routes are listed at /docs.`);
}
