import Fastify from 'fastify';
import type { Azure } from '../azure/azure.ts';
import type { RunningWorld } from '../create-world.ts';
import { type FaultRequest, faultKinds } from '../faults.ts';
import type { HoldRequest } from '../network/wires.ts';
import { operations } from '../operations.ts';
import { scenarios } from '../scenarios.ts';
import { type LoadRequest, loadWorld, storedState } from '../stored-world.ts';
import { readQuirks } from '../variants.mjs';
import { type Tampering, tamper } from './tamper.ts';

export interface Control {
  port: number;
  stop(): Promise<void>;
}

const largestWorld = 64 * 2 ** 20;

/** The simulator’s control interface: what there is, what arrived, and what goes wrong next. On loopback, without sign-in. */
export async function createControl(world: RunningWorld, azure: Azure, wantedPort = 0): Promise<Control> {
  const app = Fastify({ forceCloseConnections: true });
  app.get('/world', () => ({
    timeScale: world.clock.scale,
    durations: world.durations,
    variants: world.variants,
    resources: azure.resources(),
    appliances: [...world.appliances.values()].map((appliance) => appliance.summary()),
    windowsHosts: [...world.windowsHosts.keys()],
    cipherTrusts: [...world.cipherTrusts.values()].map((manager) => manager.summary()),
  }));
  app.get('/world/state', () => storedState(world));
  app.put<{ Body: LoadRequest }>('/world', { bodyLimit: largestWorld }, async ({ body }, reply) => {
    if (typeof body?.state !== 'object' || body.state === null) return reply.code(400).send({ error: 'A world has a state, as GET /world/state gives it.' });
    const problem = await loadWorld(world, azure, body).then(
      () => undefined,
      (error: Error) => error.message,
    );
    return problem ? reply.code(400).send({ error: problem }) : reply.code(204).send();
  });
  app.get<{ Querystring: { operation?: string; since?: string } }>('/request-log', ({ query }) => {
    const wanted = world.faults.matcher(query.operation ?? '*');
    return world.requestLog.entries.filter(({ seq, operation }) => seq > Number(query.since ?? 0) && wanted(operation));
  });
  app.get('/operations', () => operations);
  app.delete('/request-log', (_, reply) => {
    world.requestLog.clear();
    world.changed();
    return reply.code(204).send();
  });
  app.get('/faults', () => world.faults.list());
  app.post<{ Body: FaultRequest }>('/faults', (request, reply) => {
    const { kind, operation } = request.body ?? {};
    if (!faultKinds.includes(kind) || !operation)
      return reply.code(400).send({ error: `A fault has an operation and one of these kinds: ${faultKinds.join(', ')}.` });
    return reply.code(201).send(world.faults.add(request.body));
  });
  app.delete('/faults', (_, reply) => {
    world.faults.clear();
    return reply.code(204).send();
  });
  app.delete<{ Params: { id: string } }>('/faults/:id', ({ params }, reply) => reply.code(world.faults.remove(params.id) ? 204 : 404).send());
  app.get('/holds', () => world.faults.held());
  app.post<{ Params: { id: string } }>('/holds/:id/release', ({ params }, reply) => reply.code(world.faults.release(params.id) ? 204 : 404).send());
  const { wires } = world.network;
  app.get('/wires', () => ({ holds: wires.held(), connections: wires.open() }));
  app.post<{ Body: HoldRequest }>('/wires', ({ body }, reply) => {
    if (!body?.host || !Number.isInteger(body.port) || !['to-machine', 'from-machine'].includes(body.direction))
      return reply.code(400).send({ error: 'Bytes are held of a host and a port, in the direction to-machine or from-machine.' });
    return reply.code(201).send(wires.hold(body));
  });
  app.post<{ Params: { id: string } }>('/wires/:id/narrow', ({ params }, reply) => reply.code(wires.narrow(params.id) ? 204 : 404).send());
  app.post<{ Params: { id: string } }>('/wires/:id/release', ({ params }, reply) => reply.code(wires.release(params.id) ? 204 : 404).send());
  app.post<{ Params: { id: string } }>('/wires/:id/reset', ({ params }, reply) => reply.code(wires.reset(params.id) ? 204 : 404).send());
  app.post<{ Body: { name?: string } }>('/scenario', async ({ body }, reply) => {
    const [, scenario] = Object.entries(scenarios).find(([name]) => name === body?.name) ?? [];
    return scenario ? scenario(world, azure) : reply.code(400).send({ error: `Known are ${Object.keys(scenarios).join(', ')}.` });
  });
  app.post<{ Body: { state?: string } }>('/feature', ({ body }, reply) => {
    if (!body?.state) return reply.code(400).send({ error: 'A feature has a state: Registered, NotRegistered, Pending …' });
    azure.setFeature(body.state);
    return reply.code(204).send();
  });
  app.put<{ Params: { name: string }; Body: { value?: string } }>('/variants/:name', ({ params, body }, reply) => {
    try {
      Object.assign(world.variants, readQuirks([`${params.name}=${body?.value ?? ''}`]));
      return reply.code(204).send();
    } catch (error) {
      return reply.code(400).send({ error: (error as Error).message });
    }
  });
  app.post<{ Body: Tampering }>('/tamper', async ({ body }, reply) => {
    const problem = await tamper(world, body);
    return problem ? reply.code(400).send({ error: problem }) : reply.code(204).send();
  });
  await app.listen({ host: '127.0.0.1', port: wantedPort });
  return { port: (app.server.address() as { port: number }).port, stop: () => app.close() };
}
