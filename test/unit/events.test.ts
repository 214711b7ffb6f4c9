import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { validation } from '../../api/plugins/validation.ts';
import { HttpProblem } from '../../api/problem.ts';
import { eventRoutes } from '../../api/routes/events.ts';
import type { JobView } from '../../api/schemas/responses.ts';
import { gate } from '../support/decide-job.ts';
import { until } from '../support/until.ts';

describe('The events of a job', () => {
  let app: FastifyInstance;
  let look: (id: string) => Promise<JobView>;
  const looks = new Map<string, number>();
  const times = (id: string) => looks.get(id) ?? 0;
  beforeEach(async () => {
    looks.clear();
    app = Fastify({ forceCloseConnections: true });
    const show = (id: string) => {
      looks.set(id, times(id) + 1);
      return look(id);
    };
    validation(app);
    eventRoutes(app, { show }, { everyMs: 5, keepAliveMs: 20 });
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterEach(() => app.close());

  const url = (id: string) => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1/jobs/${id}/events`;
  const listen = (id: string) => {
    const request = get(url(id));
    request.on('error', () => {});
    return { request, response: new Promise<IncomingMessage>((resolve) => request.once('response', resolve)) };
  };
  const shown = (revision: number, more = ''): JobView => ({ job: { revision, state: 'running' }, more }) as unknown as JobView;

  it('are not looked for any more once their only client left, in the very first look, too', async () => {
    const looking = gate();
    look = async (id) => {
      if (id === 'left') await looking.opened;
      return shown(times(id));
    };
    const { request } = listen('left');
    await until('the first look', async () => times('left') || undefined);
    request.destroy();
    const other = listen('other');
    await until('its looks', async () => times('other') || undefined);
    await until('the server has seen it leave', async () => ((await connections()) === 1 ? true : undefined));
    looking.open();
    await until('some looks at another one', async () => (times('other') > 10 ? true : undefined));
    assert.equal(times('left'), 1);
    other.request.destroy();
    await until('nobody there', async () => ((await connections()) === 0 ? true : undefined));
    const last = times('other');
    const third = listen('third');
    await until('some looks at a third one', async () => (times('third') > 10 ? true : undefined));
    assert.ok(times('other') <= last + 1);
    third.request.destroy();
  });

  it('are not piled up for a client that does not read; it gets the newest when it does', async () => {
    const megabyte = 'x'.repeat(1 << 20);
    look = async (id) => shown(times(id), megabyte);
    let waiting = () => 0;
    app.server.once('connection', (socket) => {
      waiting = () => socket.writableLength;
    });
    const { request, response } = listen('slow');
    const stream = await response;
    await until('many changes', async () => (times('slow') > 60 ? true : undefined));
    assert.ok(waiting() < 4 << 20, `${waiting()} bytes wait`);
    let newest = 0;
    stream.setEncoding('utf8').on('data', (text: string) => {
      for (const [, id] of text.matchAll(/^id: (\d+)$/gm)) newest = Number(id);
    });
    await until('a new one', async () => (newest > 60 ? true : undefined));
    request.destroy();
  });

  it('are each change once, and end with the job', async () => {
    const states = ['running', 'running', 'incident', 'incident', 'completed'];
    look = async (id) => {
      if (id === 'other') return shown(times(id));
      const at = Math.min(times(id), states.length) - 1;
      return { job: { revision: Math.floor(at / 2), state: states[at] } } as unknown as JobView;
    };
    const read = async (headers = {}) => {
      const answer = await fetch(url('job'), { headers });
      return { status: answer.status, ids: [...(await answer.text()).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)) };
    };
    assert.deepEqual(await read(), { status: 200, ids: [0, 1, 2] });
    assert.deepEqual(await read(), { status: 200, ids: [2] }, 'who comes later is told how it ended');
    assert.deepEqual(await read({ 'last-event-id': '2' }), { status: 204, ids: [] }, 'who knows it is not told again');
    const last = times('job');
    const other = listen('other');
    await until('some looks at another one', async () => (times('other') > 10 ? true : undefined));
    other.request.destroy();
    assert.equal(times('job'), last, 'nobody looks any more');
  });

  it('answer HEAD at once with the headers of the stream', async () => {
    look = async (id) => shown(id === 'over' ? 2 : times(id));
    const { status, headers } = await fetch(url('job'), { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
    assert.deepEqual([status, headers.get('content-type'), headers.get('cache-control')], [200, 'text/event-stream', 'no-cache']);
    await until('nobody there', async () => ((await connections()) === 0 ? true : undefined));
    assert.equal(times('job'), 1, 'nobody looks any more');
  });

  it('say how soon to come back, and that the stream is alive while nothing happens', async () => {
    look = async () => shown(1);
    const { request, response } = listen('quiet');
    const stream = await response;
    let text = '';
    stream.setEncoding('utf8').on('data', (data: string) => {
      text += data;
    });
    await until('three signs of life', async () => ((text.match(/^: keep-alive$/gm) ?? []).length >= 3 ? true : undefined));
    assert.match(text, /^retry: \d+\n\n/);
    assert.equal((text.match(/^event: job$/gm) ?? []).length, 1);
    request.destroy();
  });

  it('go on being looked for while Temporal does not answer, and end with a job that is gone', async () => {
    const failures: (HttpProblem | undefined)[] = [undefined, new HttpProblem(503, 'Temporal does not answer', 'Later.'), undefined];
    look = async (id) => {
      const failure = times(id) > failures.length ? new HttpProblem(404, 'No such job', 'Gone.') : failures[times(id) - 1];
      if (failure) throw failure;
      return shown(times(id));
    };
    const answer = await fetch(url('gone'), { signal: AbortSignal.timeout(5_000) });
    assert.deepEqual(
      [...(await answer.text()).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)),
      [1, 3],
    );
  });

  const connections = () => new Promise<number>((resolve, reject) => app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
});
