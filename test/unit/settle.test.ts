import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { converge, type Decision, done, lasting, lookAgainMs, prove, wait } from '../../activities/converge.ts';
import type { EntryName } from '../../stores/record/events.ts';
import { actOf, currentFence, partOf, type Sending } from '../../systems/fence.ts';
import { actsAfter, entriesFor, type LastingActName, lastingActs } from '../../systems/lasting-acts.ts';
import { MemoryFence, openFence, runStep } from '../support/fence.ts';

const commandMs = 200;
const logger = new DefaultLogger('ERROR', () => {});

const isEntry = (one: EntryName | Sending): one is EntryName => typeof one === 'string' && one.includes('/');

interface Input {
  order?: number;
}

interface Asked {
  attempt?: number;
  order?: number;
  detail?: unknown;
  acts?: LastingActName[];
  /** What is left to be waited for once the attempt before was ended. */
  endFirst?: () => Promise<number>;
  /** What another run left open, and what is told that it was waited for. */
  leftOpen?: LastingActName[];
  awaited?: () => void;
  lunaVia?: 'client' | 'direct';
  /** How long the attempt before may still write under its last permit. */
  graceMs?: number;
}

/** How long an attempt waited before it looked. */
async function waited({ attempt = 1, order = 1, detail, acts = ['lunash-command'], endFirst, leftOpen, graceMs = 0, ...more }: Asked): Promise<number> {
  const begun = performance.now();
  const step = converge<Input, number, number, never>({
    lasting: lasting({ commandMs }, ...acts),
    ...(endFirst ? { endFirst } : {}),
    leftOpen: async () =>
      leftOpen && { lasting: lasting({ commandMs, lunaVia: more.lunaVia ?? 'client' }, ...leftOpen), enterAwaited: async () => more.awaited?.() },
    observe: async () => performance.now(),
    decide: (seen) => done(seen),
    act: {},
  });
  const environment = new MockActivityEnvironment({ attempt, heartbeatDetails: detail }, { logger });
  return (await runStep(environment, step, { order }, { ...openFence, graceMs })) - begun;
}

describe('What was sent before is given its time', () => {
  /** A timer may be early by a millisecond. */
  const longEnough = commandMs - 5;

  it('before a later attempt looks, and before the first one of a later retry does', async () => {
    assert.ok((await waited({ attempt: 2 })) >= longEnough);
    assert.ok((await waited({ order: 2 })) >= longEnough);
  });

  it('and before the first one of another run, where that left something open', async () => {
    let isAwaited = false;
    const awaited = () => {
      isAwaited = true;
    };
    assert.ok((await waited({ leftOpen: [], awaited })) >= longEnough);
    assert.ok(isAwaited, 'and that is entered');
  });

  it('and as long as that may be on its way and at work, though what this step leaves ends sooner; a later attempt does, too', async () => {
    const erasing = { leftOpen: ['lunash-erasing-command'] satisfies LastingActName[], lunaVia: 'direct' } as const;
    for (const attempt of [1, 2]) assert.ok((await waited({ ...erasing, attempt })) >= 1.2 * commandMs - 5, `attempt ${attempt}`);
  });

  it('and so is what the one before may still write under its last permit, which it may before it is ended', async () => {
    const began = performance.now();
    let endedAfterMs = 0;
    const endFirst = async () => {
      endedAfterMs = performance.now() - began;
      return 0;
    };
    await waited({ attempt: 2, endFirst, graceMs: commandMs });
    assert.ok(endedAfterMs >= longEnough, `${endedAfterMs} ms`);
  });

  it('and nothing is waited for where nothing was sent yet', async () => {
    assert.ok(Math.min(await waited({}), await waited({}), await waited({})) < longEnough);
  });

  it('nor where the attempt before ended by itself, as its heartbeat detail says', async () => {
    const ended = { attempt: 2, detail: { endedByItself: true, lastObservedAt: 1 } };
    assert.ok(Math.min(await waited(ended), await waited(ended), await waited(ended)) < longEnough);
    assert.ok((await waited({ attempt: 2, detail: { endedByItself: false, lastObservedAt: 1 } })) >= longEnough);
  });

  it('nor where the attempt before was ended, beyond what ending it leaves to be waited for', async () => {
    let calls = 0;
    const ending = (leftMs: number) => ({
      attempt: 2,
      endFirst: async () => {
        calls += 1;
        return leftMs;
      },
    });
    assert.ok(Math.min(await waited(ending(0)), await waited(ending(0)), await waited(ending(0))) < longEnough);
    assert.ok((await waited(ending(commandMs))) >= longEnough);
    assert.equal(calls, 4);
    await waited({ ...ending(0), attempt: 1 });
    assert.equal(calls, 4, 'a first attempt has nobody before it');
  });

  it('and knows what may go on elsewhere once no program of it runs on the Windows host', () => {
    const { settleMs, settleAfterEndMs } = lasting({ commandMs }, 'lunacm-script', 'vtl-createcert', 'clientconfig-deploy');
    assert.deepEqual([settleMs, settleAfterEndMs], [commandMs, 0]);
    assert.equal(lasting({ commandMs }, 'lunacm-script', 'lunash-command').settleAfterEndMs, commandMs);
  });

  it('and may arrive late where it erases, unless its session was ended at the Windows host', () => {
    const settling = (lunaVia: 'client' | 'direct', act: LastingActName) => {
      const { settleMs, settleAfterEndMs } = lasting({ commandMs, lunaVia }, act);
      return [settleMs, settleAfterEndMs];
    };
    assert.deepEqual(settling('client', 'lunash-erasing-command'), [1.2 * commandMs, commandMs]);
    assert.deepEqual(settling('direct', 'lunash-erasing-command'), [1.2 * commandMs, 1.2 * commandMs]);
    assert.deepEqual(settling('direct', 'lunash-command'), [commandMs, commandMs]);
  });

  it('and stands in the record of the HSM where it goes on there by itself, or no other run would wait for it', () => {
    const unseen = (Object.keys(lastingActs) as LastingActName[]).filter(
      (name) => lastingActs[name].successor !== 'looks' && !entriesFor(name).some((oneOf) => oneOf.every((entry) => entry.startsWith('hsm/'))),
    );
    // At CipherTrust Manager, whose record has it.
    assert.deepEqual(unseen, ['hsm-setup']);
    for (const name of ['lunash-erasing-command', 'clientconfig-deploy', 'lunash-access', 'lunash-command'] as const)
      assert.ok(
        entriesFor(name)
          .flat()
          .some((entry) => entry.startsWith('hsm/') && actsAfter(entry).includes(name)),
        name,
      );
  });

  it('nor where the step leaves nothing at work, or only what tells by itself whether it is', async () => {
    for (const acts of [[], ['arm-deployment', 'run-command']] satisfies LastingActName[][]) {
      const again = { attempt: 2, acts };
      assert.ok(Math.min(await waited(again), await waited(again), await waited(again)) < longEnough);
    }
  });
});

describe('A step', () => {
  const stopped = async (decide: () => Decision<void, 'go'>, fence = new MemoryFence(), acts: LastingActName[] = []) => {
    const environment = new MockActivityEnvironment({}, { logger });
    const details: unknown[] = [];
    environment.on('heartbeat', (detail) => details.push(detail));
    const step = converge<Input, object, void, 'go'>({
      lasting: lasting({ commandMs }, ...acts),
      observe: async () => ({}),
      decide,
      act: {
        async go() {
          currentFence().entered?.('hsm/command-begun');
          await currentFence().permit('lunash-command');
        },
      },
    });
    const failure = await runStep(environment, step, {}, fence).then(
      () => assert.fail('it is done'),
      (error: unknown) => error,
    );
    assert.ok(failure instanceof ApplicationFailure);
    return { failure, details, fence };
  };

  it('that ends by itself leaves that as a fact', async () => {
    const { failure, details } = await stopped(() => wait('not yet'));
    assert.equal(failure.type, 'NotReady');
    assert.partialDeepStrictEqual(details, [{ endedByItself: true, waits: 1 }]);
  });

  it('is looked at again soon after a change, then with the usual interval', () => {
    const afterWaits = (waits?: number) => lookAgainMs({ endedByItself: true, lastObservedAt: 0, ...(waits === undefined ? {} : { waits }) }, 10_000);
    assert.deepEqual([1, 2, 3, 4, 5, 5_000].map(afterWaits), [1_250, 2_500, 5_000, 10_000, 10_000, 10_000]);
    assert.deepEqual([afterWaits(), lookAgainMs(undefined, 10_000)], [10_000, 10_000], 'where nothing is known, with the usual one');
  });

  it('that gets no permit ends its attempt, which Temporal may repeat', async () => {
    const fence = new MemoryFence();
    fence.refuse();
    const { failure } = await stopped(() => ({ kind: 'act', change: 'go' }), fence, ['lunash-command']);
    assert.deepEqual([failure.type, failure.nonRetryable], ['Transient', false]);
    assert.match(failure.message, /Nothing more was sent/);
  });

  it('gets no permit for a lasting act that its rule does not declare: nobody would wait for it', async () => {
    const { failure, fence } = await stopped(() => ({ kind: 'act', change: 'go' }));
    assert.deepEqual([failure.type, fence.asked], ['Unsafe', []]);
    assert.match(failure.message, /does not declare lunash-command/);
  });

  /** What came of a step that makes entries and sends acts in one phase, in this order. */
  const went = async (phase: 'observe' | 'act', ...order: (EntryName | Sending)[]): Promise<string> => {
    const acts = order.flatMap((one) => (isEntry(one) ? [] : [actOf(one)!]));
    let isDone = false;
    const go = async () => {
      for (const one of order)
        if (isEntry(one)) currentFence().entered?.(one);
        else await currentFence().permit(one);
      isDone = true;
    };
    const step = converge<Input, object, void, 'go'>({
      lasting: lasting({ commandMs }, ...acts),
      observe: async () => (phase === 'observe' ? go().then(() => ({})) : {}),
      decide: () => (isDone ? done(undefined) : { kind: 'act', change: 'go' }),
      act: { go },
    });
    return runStep(new MockActivityEnvironment({}, { logger }), step, {}, new MemoryFence()).then(
      () => 'sent',
      (error: Error) => error.message,
    );
  };

  it('gets no permit for any lasting act in a look, nor for one that must be on record before its entry is made', async () => {
    assert.match(await went('observe', 'hsm/co-sign-in', 'lunacm-script'), /Observing must not change anything/);
    assert.match(await went('act', 'lunacm-script'), /lunacm-script needs an entry of its own in the target record before it is sent: hsm\/po-sign-in or/);
    assert.equal(await went('act', 'hsm/co-sign-in', 'lunacm-script'), 'sent');
  });

  it('gets no permit by the entry of something else', async () => {
    assert.match(await went('act', 'hsm/so-sign-in', 'lunash-erasing-command'), /lunash-erasing-command needs an entry of its own.*: hsm\/erase-begun/);
    assert.match(await went('act', 'ciphertrust/secret-given', 'clientconfig-deploy'), /needs an entry of its own.*: windows\/secret-given/);
    assert.match(await went('act', 'windows/secret-given', 'clientconfig-deploy'), /needs an entry of its own.*: hsm\/client-deploy-begun/);
    assert.match(await went('act', 'ciphertrust/secret-given', 'lunash-access'), /: hsm\/client-register-begun or hsm\/client-assign-begun/);
    assert.match(await went('act', 'lunash-command'), /needs an entry of its own.*: hsm\/command-begun/);
    assert.match(await went('act', 'hsm/po-sign-in', 'lunacm-role-init'), /needs an entry of its own.*: hsm\/role-initialize-begun/);
    assert.equal(await went('act', 'hsm/role-initialize-begun', 'hsm/po-sign-in', 'lunacm-role-init'), 'sent');
  });

  it('sends one act for an entry, with all that belongs to it, and another one only after another entry', async () => {
    const erasing = 'lunash-erasing-command';
    assert.match(await went('act', 'hsm/erase-begun', erasing, erasing), /needs an entry of its own/);
    assert.match(await went('act', 'hsm/erase-begun', partOf(erasing)!), /lunash-erasing-command was not begun/);
    assert.equal(await went('act', 'hsm/erase-begun', erasing, partOf(erasing)!, 'hsm/erase-begun', erasing), 'sent');
  });

  it('may give what is on record as given more than once', async () => {
    assert.equal(await went('act', 'ciphertrust/secret-given', 'manager-secret', 'manager-secret'), 'sent');
  });

  it('sends nothing by an entry that another phase made', async () => {
    let isEntered = false;
    const step = converge<Input, object, void, 'enter' | 'go'>({
      lasting: lasting({ commandMs }, 'lunash-erasing-command'),
      observe: async () => ({ isEntered }),
      decide: () => ({ kind: 'act', change: isEntered ? 'go' : 'enter' }),
      act: {
        async enter() {
          currentFence().entered?.('hsm/erase-begun');
          isEntered = true;
        },
        go: () => currentFence().permit('lunash-erasing-command'),
      },
    });
    await assert.rejects(runStep(new MockActivityEnvironment({}, { logger }), step, {}), /needs an entry of its own/);
  });

  it('proves what its decision asks for, once, and decides by that; its look does neither that nor any change', async () => {
    const did: string[] = [];
    const step = converge<Input, object, string, 'go', { password: 'good' | 'bad' }>({
      observe: async () => {
        did.push('look');
        return {};
      },
      decide: (_, __, { password }) => (password === undefined ? prove('password') : password === 'good' ? done('proved') : prove('password')),
      prove: { password: async () => (did.push('prove') > 3 ? 'bad' : 'good') },
      act: { go: async () => {} },
    });
    const environment = () => new MockActivityEnvironment({}, { logger });
    assert.deepEqual(await runStep(environment(), step.look, {}), { kind: 'prove', proof: 'password' });
    assert.deepEqual(did, ['look']);
    assert.equal(await runStep(environment(), step, {}), 'proved');
    assert.deepEqual(did, ['look', 'look', 'prove', 'look']);
    await assert.rejects(runStep(environment(), step, {}), /was asked for again although nothing was changed/);
    assert.equal(did.filter((one) => one === 'prove').length, 2);
  });
});
