import { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import axios, { type AxiosAdapter, AxiosError, AxiosHeaders } from 'axios';
import { serve } from '../../../simulator/ciphertrust/request.ts';
import { type ManagerState, restart } from '../../../simulator/ciphertrust/state.ts';
import type { World } from '../../../simulator/world.ts';
import { type CipherTrust, createCipherTrust } from '../../../systems/ciphertrust/ciphertrust.ts';
import type { Leaf, PinnedAgent } from '../../../systems/ciphertrust/tls.ts';
import type { Outbound } from '../../../systems/outbound.ts';
import type { Windows } from '../../../systems/windows/windows.ts';
import { actor } from './actor.ts';

interface Parts {
  world: World;
  violated: (what: string) => void;
}

/** The product's access to CipherTrust Manager, cut at axios' adapter: the requests, their permits and what is read of the answers are real, TLS is not there. */
export function memoryCipherTrust({ world, violated }: Parts): CipherTrust {
  const stateAt = (address: string): ManagerState => (world.state['cipherTrusts'] as Record<string, ManagerState>)[address]!;
  const leaf: CipherTrust['leaf'] = async (_, { address }) => {
    await actor().gate('look', 'certificate');
    return leafOf(await upToDate(world, stateAt(address)));
  };
  const adapter = adapterTo((address) => upToDate(world, stateAt(address)), { world, violated });
  return createCipherTrust({} as Outbound, {} as Windows, { leaf, adapter });
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

function adapterTo(stateAt: (address: string) => Promise<ManagerState>, { world, violated }: Parts): AxiosAdapter {
  return async (config) => {
    const method = (config.method ?? 'get').toUpperCase();
    const url = new URL(axios.getUri(config));
    const path = url.pathname + url.search;
    if (method === 'GET') await actor().gate('look', path.replace(/^\/api/, ''));
    else await (config.httpsAgent as PinnedAgent).permit?.();
    if (method !== 'GET' && !actor().spend()) violated(`${actor().name} sent ${method} ${path} without a permit`);
    const headers = new AxiosHeaders();
    const answer = { status: 0, text: '' };
    const request = Object.assign(Readable.from(config.data === undefined ? [] : [Buffer.from(config.data)]), {
      method,
      url: path,
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
    await serve(world, await stateAt(url.hostname), request as unknown as IncomingMessage, response as unknown as ServerResponse);
    if (actor().answerIsLost()) throw new AxiosError('socket hang up', 'ECONNRESET', config);
    return { status: answer.status, statusText: '', data: answer.text, headers, config, request: {} };
  };
}
