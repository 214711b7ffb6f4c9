import assert from 'node:assert/strict';
import type { ManagerContents } from '../../domain/results.ts';
import { isLikeNew, readHolds, readServers } from '../../systems/ciphertrust/holds.ts';
import { askToWipe } from '../../workflows/procedures/phases/approvals.ts';
import { recordedManager } from '../support/ciphertrust/recorded-manager.ts';

type List = (query: Record<string, number | undefined>) => [number, unknown];

/** A list that gives so many at once, whatever it is asked for. */
const paged =
  (entries: object[], most = 1_000): List =>
  ({ skip = 0, limit = 10 }) => [200, { skip, limit, total: entries.length, resources: entries.slice(skip, skip + Math.min(limit, most)) }];
const bare =
  (entries: object[], most = 1_000): List =>
  ({ skip = 0, limit = 10 }) => [200, { resources: entries.slice(skip, skip + Math.min(limit, most)) }];
/** Knows of no pages. */
const always =
  (body: unknown): List =>
  () => [200, body];
const absent: List = () => [404, {}];

const users = (...names: string[]) => names.map((username) => ({ user_id: `local|${username}`, username }));
const admin = users('admin');
const root = [{ id: 'r', name: 'root' }];
const keys = (count: number, name = 'k') => Array.from({ length: count }, (_, at) => ({ id: `${name}${at}` }));

/** What is read of a manager that is like a new one but for these lists. */
async function holding(lists: { users?: List; domains?: List; keys?: List } = {}): Promise<ManagerContents & { asked: number }> {
  const { manager, asked } = recordedManager({
    'GET /v1/usermgmt/users/': lists.users ?? paged(admin),
    'GET /v1/domains': lists.domains ?? paged(root),
    'GET /v1/vault/keys2/': lists.keys ?? paged([]),
  });
  const holds = await readHolds(manager, 'a', []);
  return { ...holds, asked: asked.length };
}

describe('What a wipe would take away', () => {
  it('is nothing in a new manager, however it lists that', async () => {
    for (const list of [paged, bare]) {
      const holds = await holding({ users: list(admin), domains: list(root), keys: list([]) });
      assert.deepEqual([holds.users, holds.domains, holds.keys, holds.keysRead], [[], [], 0, undefined]);
      assert.equal(isLikeNew(holds, true), true);
    }
  });

  it('is asked about in a manager that this job did not make, however little of it is listed: there are things that no list here shows', async () =>
    assert.equal(isLikeNew(await holding(), false), false));

  for (const status of [403, 404])
    it(`is not taken for nothing where its keys are answered with ${status}`, async () => {
      const holds = await holding({ keys: () => [status, {}] });
      assert.deepEqual([holds.keys, holds.untold, isLikeNew(holds, true)], [undefined, ['keys'], false]);
    });

  for (const most of [1, 2])
    for (const [how, list] of Object.entries({ paged, bare }))
      it(`is told to the end where a list gives ${most} at once (${how})`, async () => {
        const domains = [...root, { id: 'd', name: 'payments' }, { id: 'e', name: 'cards' }];
        const holds = await holding({ users: list(users('admin', 'anna', 'bert', 'carla'), most), domains: list(domains, most), keys: list(keys(5), most) });
        assert.deepEqual([holds.users, holds.domains, holds.keys, holds.untold], [['anna', 'bert', 'carla'], ['payments', 'cards'], 5, []]);
      });

  for (const body of ['<html></html>', '', null, {}, { count: 3, items: [1] }])
    it(`is not told by a success without a list: ${JSON.stringify(body)}`, async () => {
      const holds = await holding({ users: always(body), domains: always(body), keys: always(body) });
      assert.deepEqual([holds.untold, isLikeNew(holds, true)], [['users', 'keys', 'domains'], false]);
      const { manager } = recordedManager({ 'GET /v1/system/hsm/servers': [200, body] });
      await assert.rejects(readServers(manager), /502 a success without a list/);
    });

  const unlisted: [what: string, lists: Parameters<typeof holding>[0]][] = [
    ['users, the same page again and again', { users: always({ total: 3, resources: admin }) }],
    ['users, the same page with other times', { users: ({ skip = 0 }) => [200, { total: 3, resources: [{ ...admin[0], last_login: skip }] }] }],
    ['users, a further page that is refused', { users: ({ skip = 0 }) => (skip === 0 ? [200, { total: 2, resources: admin }] : [400, {}]) }],
    [
      'users, nothing and no number on a further page',
      { users: ({ skip = 0 }) => [200, skip === 0 ? { total: 2, resources: admin } : { total: 0, resources: [] }] },
    ],
    ['users, without any', { users: always({ total: 2, resources: [] }) }],
    ['domains', { domains: always({ total: 2, resources: root }) }],
    ['keys', { keys: always({ total: 1, resources: null }) }],
  ];
  for (const [what, lists] of unlisted)
    it(`counts what is there but not listed, and is then never like a new one: ${what}`, async () => {
      const holds = await holding(lists);
      assert.deepEqual([isLikeNew(holds, false), isLikeNew(holds, true)], [false, false]);
      assert.match(askToWipe(holds).loses, /\d that were not listed|keys: 1 \(only 0 of them/);
    });

  it('is asked about where a list is not there', async () => {
    const holds = await holding({ users: absent, domains: absent, keys: absent });
    assert.deepEqual(holds.untold, ['users', 'keys', 'domains']);
    assert.deepEqual([isLikeNew(holds, false), isLikeNew(holds, true)], [false, false]);
  });

  it('is bound to an approval by each name, each key and each number', async () => {
    const digests = [
      await holding(),
      await holding({ users: always({ total: 2, resources: admin }) }),
      await holding({ users: always({ total: 3, resources: admin }) }),
      await holding({ domains: always({ total: 3, resources: root }) }),
      await holding({ domains: absent }),
      await holding({ users: paged(users('admin', 'anna')) }),
      await holding({ keys: paged(keys(1_500)) }),
      await holding({ keys: paged([...keys(1_499), { id: 'another' }]) }),
    ].map(({ digest }) => digest);
    assert.equal(new Set(digests).size, digests.length);
    assert.equal((await holding({ keys: paged(keys(1_500).reverse(), 100) })).digest, digests[6], 'whatever their order and the size of a page');
  });

  it('is read as far as a look may take; of keys beyond that the number counts, and the approval says so', async () => {
    const holds = await holding({ keys: paged(keys(250_000)) });
    assert.ok(holds.asked < 30, `${holds.asked} requests`);
    assert.deepEqual([holds.keys, holds.keysRead], [250_000, 20_000]);
    assert.match(
      askToWipe(holds).loses,
      /keys: 250000 \(only 20000 of them were read one by one: of the others a change of their number is noticed, and no other\)/,
    );
    assert.notEqual((await holding({ keys: paged(keys(250_001)) })).digest, holds.digest);
    assert.notEqual((await holding({ keys: paged([{ id: 'another' }, ...keys(249_999)]) })).digest, holds.digest);
    const all = await holding({ keys: paged(keys(3)) });
    assert.match(askToWipe(all).loses, /keys: 3;/);
  });

  it('is more than was read where the list does not tell how much there is, and does not end', async () => {
    const { keys: count, keysRead } = await holding({ keys: bare(keys(30_000)) });
    assert.deepEqual([count, keysRead], [20_001, 20_000]);
  });

  it('shows some names and the number of the others', async () => {
    const holds = await holding({ users: paged(users('admin', ...Array.from({ length: 25 }, (_, at) => `u${at}`))) });
    assert.deepEqual([holds.users.length, holds.users.at(-1)], [21, 'and 5 more']);
  });
});
