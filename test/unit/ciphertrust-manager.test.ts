import assert from 'node:assert/strict';
import { AxiosError } from 'axios';
import { StepFailure } from '../../domain/failure.ts';
import { neverLeft } from '../../systems/ciphertrust/manager.ts';
import { notSent } from '../../systems/ciphertrust/tls.ts';
import { recordedManager } from '../support/ciphertrust/recorded-manager.ts';

const operation = 'POST /v1/system/network/checkport';
const path = '/v1/system/network/checkport';

describe('A request to CipherTrust Manager', () => {
  it('is sent once, whatever its connection comes to: nobody knows whether it was carried out', async () => {
    for (const code of ['ECONNABORTED', 'ETIMEDOUT', 'ECONNRESET', 'ECONNREFUSED', 'EPIPE'])
      for (const method of ['GET', 'POST'] as const) {
        const { asked, manager } = recordedManager({
          [`${method} /v1/domains`]: () => {
            throw new AxiosError('socket hang up', code);
          },
        });
        await assert.rejects(manager.raw(method, '/v1/domains', {}), (error: unknown) => error instanceof StepFailure && error.problem.kind === 'Transient');
        assert.equal(asked.length, 1, `${method} ${code}`);
      }
  });
});

describe('A request to CipherTrust Manager that failed', () => {
  /** As axios passes on what Node says of a socket. */
  const failsWith = async (code: string, syscall?: string): Promise<boolean> => {
    const { manager } = recordedManager({
      'POST /v1/domains': () => {
        throw AxiosError.from(Object.assign(new Error(`${syscall} ${code}`), { code, ...(syscall === undefined ? {} : { syscall }) }));
      },
    });
    const failure = await manager.raw('POST', '/v1/domains', {}).catch((error: unknown) => error);
    assert.ok(failure instanceof StepFailure);
    return neverLeft(failure.cause);
  };

  it('never left where no connection came about', async () => {
    for (const code of ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']) assert.equal(await failsWith(code, 'connect'), true, code);
    assert.equal(await failsWith('ENOTFOUND', 'getaddrinfo'), true);
    assert.equal(await failsWith(notSent), true);
  });

  it('may have left where the same is said of a connection that was there', async () => {
    for (const code of ['EHOSTUNREACH', 'ENETUNREACH', 'ECONNREFUSED', 'ECONNRESET'])
      for (const syscall of ['read', 'write', undefined]) assert.equal(await failsWith(code, syscall), false, `${syscall} ${code}`);
    assert.equal(await failsWith('ETIMEDOUT', 'connect'), false, 'it may come late');
  });
});

describe('A question to CipherTrust Manager on which nothing depends', () => {
  it('has an answer where it is a success, and none whatever else comes back', async () => {
    assert.deepEqual(await recordedManager({ [operation]: [200, { open: true }] }).manager.ifTold('POST', path, {}), { open: true });
    for (const status of [400, 401, 403, 404, 405, 409, 422, 429, 500, 501, 502, 503, 504])
      for (const body of [{ message: 'no' }, '<html></html>', ''])
        assert.equal(await recordedManager({ [operation]: [status, body] }).manager.ifTold('POST', path, {}), undefined, `${status}`);
  });

  it('has none where nothing is heard', async () => {
    for (const code of ['ECONNABORTED', 'ETIMEDOUT', 'ECONNRESET', 'ECONNREFUSED']) {
      const { manager } = recordedManager({
        [operation]: () => {
          throw new AxiosError('timeout of 60000ms exceeded', code);
        },
      });
      assert.equal(await manager.ifTold('POST', path, {}), undefined, code);
    }
  });

  it('is over with the attempt that asks it', async () => {
    const attempt = new AbortController();
    const asking = recordedManager(
      {
        [operation]: () => {
          attempt.abort();
          throw new AxiosError('canceled', 'ERR_CANCELED');
        },
      },
      attempt.signal,
    ).manager.ifTold('POST', path, {});
    await assert.rejects(asking, { name: 'AbortError' });
  });
});
