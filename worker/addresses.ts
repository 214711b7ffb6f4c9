import { isIP } from 'node:net';

export interface Address {
  host: string;
  port: number;
}

export const defaultHealthAddress = '127.0.0.1:8081';

/** An IP address with a port, such as `127.0.0.1:8081` or `[::1]:8081`; undefined where it is none. */
export function parseAddress(text: string): Address | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(digits);
  return isIP(host) && port < 65_536 ? { host, port } : undefined;
}

/** What cannot be right about where this worker listens. */
export function addressMistakes(env: NodeJS.ProcessEnv): string[] {
  return ['HSM_METRICS_ADDRESS', 'HSM_WORKER_HEALTH_ADDRESS'].flatMap((name) => {
    const value = env[name];
    return !value || parseAddress(value) ? [] : [`${name} must be an IP address with a port, such as ${defaultHealthAddress}, it is "${value}"`];
  });
}
