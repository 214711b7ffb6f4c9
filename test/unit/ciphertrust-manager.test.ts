import assert from 'node:assert/strict';
import { AxiosError } from 'axios';
import type { Attempt } from '../../activities/converge.ts';
import { signedIn } from '../../activities/manager.ts';
import type { Systems } from '../../activities/systems.ts';
import { StepFailure } from '../../domain/failure.ts';
import { createRecords } from '../../stores/record/record.ts';
import type { Manager } from '../../systems/ciphertrust/ciphertrust.ts';
import { neverLeft } from '../../systems/ciphertrust/manager.ts';
import { notSent } from '../../systems/ciphertrust/tls.ts';
import { recordedManager } from '../support/ciphertrust/recorded-manager.ts';
import { exampleRequest } from '../support/example.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';

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

describe('A token of CipherTrust Manager that has ended', () => {
  const signIn = 'POST /v1/auth/tokens/';
  /** It ends with the first question. */
  function ending(password: string) {
    let right = password;
    let ended = false;
    const { asked, manager } = recordedManager({
      [signIn]: () => (right === asked.at(-1)!.body?.['password'] ? [200, { jwt: `of ${asked.length}`, duration: 300 }] : [401, {}]),
      'GET /v1/domains': () => {
        const answer: [number, object] = ended ? [200, { resources: [] }] : [401, {}];
        ended = true;
        return answer;
      },
    });
    const signIns = () => asked.filter(({ path }) => path === '/v1/auth/tokens/').length;
    return { manager, signIns, change: (to: string) => void (right = to) };
  }
  const systemsWith = (manager: Manager, entries: Map<string, string>) =>
    ({
      cipherTrust: { connect: async () => manager },
      secrets: { get: async () => 'kept' },
      transcripts: { append: async () => {} },
      records: createRecords(memoryNumberedStore(entries)),
    }) as unknown as Systems;
  const input = { target: 't', runId: 'r', request: exampleRequest() };
  const attempt = () => ({ step: 'ntp', order: '1', number: 1, signal: new AbortController().signal }) as Attempt;
  const eventsIn = (entries: Map<string, string>) => [...entries.values()].map((text) => (JSON.parse(text) as { event: string }).event);

  it('shows no password again where nobody says how it is entered', async () => {
    const { manager, signIns } = ending('kept');
    await manager.signIn('kept');
    assert.deepEqual([(await manager.raw('GET', '/v1/domains')).status, signIns()], [401, 1]);
  });

  it('is renewed by another sign-in of the step, with nothing more to enter', async () => {
    const { manager, signIns } = ending('kept');
    const entries = new Map<string, string>();
    const signed = await signedIn({ systems: systemsWith(manager, entries), input, attempt: attempt() }, { address: 'a', pin: 'A' });
    assert.deepEqual([(await signed.raw('GET', '/v1/domains')).status, signIns()], [200, 2]);
    assert.deepEqual(eventsIn(entries), ['admin-password-tried', 'admin-password-accepted']);
  });

  it('whose password is refused then has that on record: it is not shown again under this order', async () => {
    const { manager, signIns, change } = ending('kept');
    const entries = new Map<string, string>();
    const signed = await signedIn({ systems: systemsWith(manager, entries), input, attempt: attempt() }, { address: 'a', pin: 'A' });
    change('somebody’s');
    assert.deepEqual([(await signed.raw('GET', '/v1/domains')).status, signIns()], [401, 2]);
    assert.deepEqual(eventsIn(entries), ['admin-password-tried', 'admin-password-accepted', 'admin-password-refused']);
    const next = signedIn({ systems: systemsWith(manager, entries), input, attempt: attempt() }, { address: 'a', pin: 'A' });
    await assert.rejects(next, /the password is refused/);
    assert.equal(signIns(), 2);
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
