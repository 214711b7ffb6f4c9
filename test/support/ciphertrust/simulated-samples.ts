import assert from 'node:assert/strict';
import { type Json, sample } from './samples.ts';
import { password, type SimulatedManager } from './simulated-manager.ts';

/** Every field of a sample is in an answer, with a value of its type; an answer may hold more. Lists are compared by their first entry. */
export function assertLike(answer: unknown, recorded: unknown, at = 'answer'): void {
  if (Array.isArray(recorded)) {
    assert.ok(Array.isArray(answer), at);
    if (recorded.length > 0) assertLike(answer[0], recorded[0], `${at}[0]`);
  } else if (typeof recorded === 'object' && recorded !== null) {
    assert.ok(typeof answer === 'object' && answer !== null, at);
    for (const [name, value] of Object.entries(recorded)) if (!name.startsWith('_')) assertLike((answer as Json)[name], value, `${at}.${name}`);
  } else {
    assert.equal(typeof answer, typeof recorded, at);
  }
}

/** A new manager that is signed in to. */
export interface Walk extends Pick<SimulatedManager, 'ask' | 'restarted' | 'setup' | 'signIn' | 'signedIn' | 'activateTrial'> {
  token: string;
}

const get = async ({ ask, token }: Walk, path: string) => (await ask('GET', path, undefined, token)).body as Json;

/** Recorded samples that the simulated manager answers with, in the order in which a client would ask. */
export const simulatedSamples: Record<string, (walk: Walk) => Promise<void>> = {
  async '02-auth-token-response.json'({ signIn }) {
    const { status, body } = await signIn(password);
    assert.equal(status, 200);
    const recorded = sample('02-auth-token-response.json');
    assertLike(body, recorded);
    assert.deepEqual([body.duration, body.token_type], [recorded['duration'], recorded['token_type']]);
  },
  async '04-errors.json#items'({ ask, signIn, token }) {
    const recorded = sample<{ status: number; body?: Json; message?: string }[]>('04-errors.json#items');
    const like = (words: RegExp) => recorded.find(({ body, message }) => words.test(JSON.stringify([body, message])))!;
    for (const [words, answer] of [
      [/Wrong username or password/, await signIn('wrong')],
      [/Invalid token/, await ask('POST', '/auth/tokens', { grant_type: 'refresh_token', refresh_token: 'none' })],
      [/NCERRResourceNotFound/, await ask('GET', '/system/hsm/servers/none', undefined, token)],
    ] as const) {
      const { status, body } = like(words);
      assertLike(answer.body, body);
      assert.deepEqual([answer.status, answer.body.code], [status, body!['code']]);
      assert.ok(answer.body.codeDesc.startsWith((body!['codeDesc'] as string).split(':')[0]!), answer.body.codeDesc);
    }
  },
  async '06-services-status.json'(walk) {
    const recorded = sample('06-services-status.json');
    assert.deepEqual(await get({ ...walk, token: '' }, '/system/services/status'), recorded, 'without a sign-in');
  },
  async '07-system-info.json'(walk) {
    assertLike(await get(walk, '/system/info'), sample('07-system-info.json'));
  },
  async '08-ntp.json#add_response'({ ask, token }) {
    const { status, body } = await ask('POST', '/system/ntp/servers', { host: 'time1.google.com' }, token);
    assert.equal(status, 201);
    assert.deepEqual(body, sample('08-ntp.json#add_response'));
  },
  async '08-ntp.json#list_response'(walk) {
    assert.deepEqual(await get(walk, '/system/ntp/servers'), sample('08-ntp.json#list_response'));
  },
  async '08-ntp.json#status_response'(walk) {
    assertLike(await get(walk, '/system/ntp/status'), sample('08-ntp.json#status_response'));
  },
  async '09-licensing.json#trials_list'(walk) {
    assertLike(await get(walk, '/licensing/trials/'), sample('09-licensing.json#trials_list'));
  },
  async '09-licensing.json#activate'({ ask, token, ...walk }) {
    const { resources } = (await get({ ask, token, ...walk }, '/licensing/trials/')) as { resources: { id: string }[] };
    const { body } = await ask('POST', `/licensing/trials/${resources[0]!.id}/activate`, undefined, token);
    assertLike(body, sample<{ response: Json }>('09-licensing.json#activate').response);
  },
  async '09-licensing.json#lockdata'(walk) {
    assertLike(await get(walk, '/licensing/lockdata'), sample('09-licensing.json#lockdata'));
  },
  async '09-licensing.json#license_object_fields'(walk) {
    await walk.ask('POST', '/licensing/licenses/', sample('09-licensing.json#license_add'), walk.token);
    const { resources } = (await get(walk, '/licensing/licenses/')) as { resources: Json[] };
    const fields = sample<string[]>('09-licensing.json#license_object_fields');
    assert.deepEqual(
      Object.keys(resources[0]!).filter((field) => !fields.includes(field)),
      [],
      'no other field than a real one has',
    );
  },
  async '09-licensing.json#features_list'(walk) {
    assertLike(await get(walk, '/licensing/features/'), sample('09-licensing.json#features_list'));
  },
  async '12-hsm-servers.json#list_empty'(walk) {
    assert.deepEqual(await get(walk, '/system/hsm/servers'), sample('12-hsm-servers.json#list_empty'));
  },
  async '15-password-policy-global.json'(walk) {
    assert.deepEqual(await get(walk, '/usermgmt/pwdpolicies/global'), sample('15-password-policy-global.json'));
    assert.deepEqual(await get(walk, '/auth/self/pwdpolicy'), sample('15-password-policy-global.json'));
  },
  async '20-cluster.json#standalone'(walk) {
    assert.deepEqual(await get(walk, '/cluster'), sample('20-cluster.json#standalone'));
  },
  async '11-hsm-setup-response.json'(walk) {
    const { body } = await walk.restarted('POST', '/system/hsm/setup', walk.setup(), walk.token);
    const recorded = sample<{ config: Json }>('11-hsm-setup-response.json');
    assertLike(body, recorded);
    assert.deepEqual([Object.keys(body), Object.keys(body.config)], [Object.keys(recorded), Object.keys(recorded.config)]);
    // Everything was wiped: whoever goes on signs in anew.
    walk.token = await walk.signedIn();
  },
  async '12-hsm-servers.json#list_after_ha_add'(walk) {
    const { resources, ...around } = await get(walk, '/system/hsm/servers');
    const recorded = sample<{ resources: Json[] }>('12-hsm-servers.json#list_after_ha_add');
    assertLike(resources, recorded.resources);
    assert.deepEqual(around, { total: 1 });
  },
  async '14-rot-keys-mkeks.json#rot_keys'(walk) {
    assertLike(await get(walk, '/system/rot-keys'), sample('14-rot-keys-mkeks.json#rot_keys'));
  },
  async '14-rot-keys-mkeks.json#mkeks'(walk) {
    const answer = await get(walk, '/system/mkeks');
    assertLike(answer, sample('14-rot-keys-mkeks.json#mkeks'));
    assert.deepEqual(Object.keys(answer), ['total', 'info']);
  },
};
