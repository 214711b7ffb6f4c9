import { interfaceRoutes } from './interfaces.ts';
import { licensingRoutes } from './licensing.ts';
import { ntpRoutes } from './ntp.ts';
import { policyRoutes } from './password-policies.ts';
import { rootOfTrustRoutes } from './root-of-trust.ts';
import type { Route } from './route.ts';
import { signInRoutes } from './sign-in.ts';
import { systemRoutes } from './system.ts';
import { userRoutes } from './users.ts';

/** The part of the REST API that is simulated. */
export const routes: readonly Route[] = [
  ...systemRoutes,
  ...interfaceRoutes,
  ...signInRoutes,
  ...ntpRoutes,
  ...licensingRoutes,
  ...rootOfTrustRoutes,
  ...userRoutes,
  ...policyRoutes,
];

export interface Found {
  route: Route;
  id: string;
}

/** The route of a request, and the value of the varying part of its path; or what is there instead. */
export function findRoute(method: string, path: string): Found | 'nothing' | 'another verb' {
  let instead: 'nothing' | 'another verb' = 'nothing';
  for (const route of routes) {
    const [verb, pattern] = route.operation.split(' ') as [string, string];
    const parts = new RegExp(`^${pattern.replace('{id}', '([^/]+)')}$`).exec(path);
    if (parts && verb === method) return { route, id: parts[1] ?? '' };
    if (parts) instead = 'another verb';
  }
  return instead;
}
