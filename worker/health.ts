import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Address } from './addresses.ts';
import { log } from './log.ts';

export interface Readiness {
  ready: boolean;
  /** Why not. */
  detail?: string;
}

export interface HealthServer {
  /** `http://127.0.0.1:8081` */
  url: string;
  close(): void;
}

/**
 * `/livez`: 200 while this process answers. `/readyz`: 200 while its worker polls, else 503 and why. Nobody needs to sign in, and nothing else is told. A port
 * that is taken is a warning: another one is used then, since a worker that cannot be asked still works.
 */
export async function serveHealth(address: Address, readiness: () => Readiness): Promise<HealthServer> {
  const server = createServer((request, response) => answer(request, response, readiness));
  try {
    await listen(server, address);
  } catch (error) {
    await listen(server, { ...address, port: 0 });
    const reason = error instanceof Error ? error.message : String(error);
    log('WARN', `HSM_WORKER_HEALTH_ADDRESS: this worker cannot listen on port ${address.port} (${reason}) and uses ${urlOf(server)} instead.`);
  }
  // Whatever happens to it later is no reason to end the worker.
  server.on('error', (error) => log('WARN', `The health server failed: ${error.message}`));
  return {
    url: urlOf(server),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listen(server: Server, { host, port }: Address): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The health server has no port.');
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

function answer({ method, url = '' }: IncomingMessage, response: ServerResponse, readiness: () => Readiness): void {
  const send = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(method === 'HEAD' ? undefined : JSON.stringify(body));
  if (method !== 'GET' && method !== 'HEAD') return void send(405, { status: 'method not allowed' });
  const path = url.split('?')[0];
  if (path === '/livez') return void send(200, { status: 'alive' });
  if (path !== '/readyz') return void send(404, { status: 'not found' });
  const { ready, detail } = readiness();
  send(ready ? 200 : 503, ready ? { status: 'ready' } : { status: 'not ready', detail });
}

/** Tells whoever started this process where its health is asked for, where it named a file for that. */
export function announceHealth({ url }: HealthServer, file: string | undefined): void {
  if (file) writeFileSync(file, JSON.stringify({ pid: process.pid, health: url }));
}
