import { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import axios, { type AxiosAdapter, AxiosError, AxiosHeaders } from 'axios';
import { serve } from '../../../simulator/ciphertrust/request.ts';
import { type ManagerState, restart } from '../../../simulator/ciphertrust/state.ts';
import type { World } from '../../../simulator/world.ts';
import type { CipherTrust } from '../../../systems/ciphertrust/ciphertrust.ts';
import { Manager } from '../../../systems/ciphertrust/manager.ts';
import type { Leaf } from '../../../systems/ciphertrust/tls.ts';
import { currentFence, type Fence } from '../../../systems/fence.ts';
import type { LastingActName } from '../../../systems/lasting-acts.ts';
import { actor } from './actor.ts';

interface Parts {
  world: World;
  violated: (what: string) => void;
}

/** The product's access to CipherTrust Manager, cut at axios' adapter: the requests and what is read of the answers are real, TLS is not there. */
export function memoryCipherTrust({ world, violated }: Parts): CipherTrust {
  const stateAt = (address: string): ManagerState => (world.state['cipherTrusts'] as Record<string, ManagerState>)[address]!;
  const leaf: CipherTrust['leaf'] = async (_, { address }) => {
    await actor().gate('look', 'certificate');
    return leafOf(await upToDate(world, stateAt(address)));
  };
  return {
    socket: () => Promise.reject(new Error('There are no sockets here.')),
    leaf,
    async connect(job, at, signal, seen) {
      const presented = seen ?? (await leaf(job, at, signal));
      if (presented?.fingerprint !== at.pin) throw new AxiosError('another certificate than the pinned one was presented', 'NOT_SENT');
      const adapter = adapterTo(() => upToDate(world, stateAt(at.address)), { world, violated });
      return new Manager(axios.create({ baseURL: `https://${at.address}/api`, adapter, validateStatus: () => true }), signal);
    },
  };
}

/** A restart that was announced comes about once nobody asks any more. */
async function upToDate(world: World, state: ManagerState): Promise<ManagerState> {
  if (state.restart) await restart(world, state);
  return state;
}

function leafOf({ web }: ManagerState): Leaf {
  const found = new X509Certificate(web.certificatePem);
  return {
    fingerprint: found.fingerprint256,
    shown: { subject: found.subject, names: '', notBefore: found.validFromDate.toISOString(), notAfter: found.validToDate.toISOString(), chain: [] },
  };
}

/** What goes on after the answer, as the product's own agent names it. */
const lastingActOf = (path: string): LastingActName | undefined =>
  path.includes('/hsm/setup') ? 'hsm-setup' : path.includes('/services/restart') ? 'service-restart' : undefined;

function adapterTo(state: () => Promise<ManagerState>, { world, violated }: Parts, fence: Fence = currentFence()): AxiosAdapter {
  return async (config) => {
    const method = (config.method ?? 'get').toUpperCase();
    const url = axios.getUri(config);
    if (method === 'GET') await actor().gate('look', url.replace(/^.*\/api/, ''));
    else {
      await fence.permit(lastingActOf(url));
      if (!actor().spend()) violated(`${actor().name} sent ${method} ${url} without a permit`);
    }
    const headers = new AxiosHeaders();
    const answer = { status: 0, text: '' };
    const request = Object.assign(Readable.from(config.data === undefined ? [] : [Buffer.from(config.data)]), {
      method,
      url: new URL(url).pathname + new URL(url).search,
      headers: { authorization: config.headers.get('Authorization') ?? undefined, accept: 'application/json' },
      socket: { remotePort: actor().name, destroy: () => {} },
    });
    const response = {
      setHeader: (name: string, value: string) => headers.set(name, value),
      writeHead(status: number, more: Record<string, string> = {}) {
        answer.status = status;
        headers.set(more);
      },
      end(text = '') {
        answer.text = text;
      },
    };
    await serve(world, await state(), request as unknown as IncomingMessage, response as unknown as ServerResponse);
    if (actor().losesAnswer) {
      actor().losesAnswer = false;
      throw new AxiosError('socket hang up', 'ECONNRESET', config);
    }
    return { status: answer.status, statusText: '', data: answer.text, headers, config, request: {} };
  };
}
