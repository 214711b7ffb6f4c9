import { randomUUID } from 'node:crypto';
import { badRequest, conflict, notFound } from './errors.ts';
import { type Call, find, list, noContent, ok, type Reply, type Route, remove, text } from './route.ts';
import { newUser, type User } from './state.ts';

const shown = ({ user_id, username, mustChange, failures, lockedUntil }: User) => ({
  user_id,
  username,
  name: username,
  nickname: username,
  email: '',
  password_change_required: mustChange,
  failed_logins_count: failures,
  ...(lockedUntil > Date.now() ? { account_lockout_at: new Date(lockedUntil).toISOString() } : {}),
});

function addUser(call: Call, counts: boolean): Reply {
  const { users } = call.state.data;
  const username = text(call.body, 'username');
  if (users.some((user) => user.username === username)) throw conflict(`user ${username} already exists`);
  const user = newUser(username, text(call.body, 'password'), call.body['password_change_required'] === true);
  if (counts) users.push(user);
  call.world.changed();
  return ok(shown(user), 201);
}

function removeUser(call: Call): Reply {
  if (find(call.state.data.users, ({ user_id }) => user_id === call.id).username === 'admin') throw badRequest('admin cannot be deleted');
  return remove(call, call.state.data.users, ({ user_id }) => user_id === call.id);
}

/** The defaults of the global policy (Thales: password policy); what it says about lockout can be changed. */
const policy = ({ state: { data } }: Call) => ({
  policy_name: 'global',
  inclusive_min_total_length: 8,
  inclusive_max_total_length: 30,
  inclusive_min_upper_case: 1,
  inclusive_min_lower_case: 1,
  inclusive_min_digits: 1,
  inclusive_min_other: 1,
  password_history_threshold: 5,
  password_lifetime: 0,
  password_change_min_days: 0,
  ...data.policy,
});

function changePolicy(call: Call): Reply {
  const { failed_logins_lockout_thresholds: thresholds } = call.body;
  if (thresholds !== undefined && !(Array.isArray(thresholds) && thresholds.every((minutes) => typeof minutes === 'number' && minutes >= 0)))
    throw badRequest('Validation errors:\nfailed_logins_lockout_thresholds: a list of minutes is needed');
  if (thresholds) call.state.data.policy.failed_logins_lockout_thresholds = thresholds as number[];
  call.world.changed();
  return ok(policy(call));
}

interface Named {
  id: string;
  name: string;
}

/** Things that only have a name here: keys and domains. */
function named(operation: string, things: (call: Call) => Named[], show: (thing: Named) => object): Route[] {
  const add = (call: Call, counts: boolean): Reply => {
    const thing = { id: randomUUID(), name: text(call.body, 'name') };
    if (things(call).some(({ name }) => name === thing.name)) throw conflict(`${thing.name} already exists`);
    if (counts) things(call).push(thing);
    call.world.changed();
    return ok(show(thing), 201);
  };
  const byId = (call: Call) => (thing: Named) => thing.id === call.id || thing.name === call.id;
  return [
    { operation: `GET ${operation}`, answer: (call) => list(call, things(call).map(show)) },
    { operation: `POST ${operation}`, answer: (call) => add(call, true), lie: (call) => add(call, false) },
    { operation: `GET ${operation}/{id}`, answer: (call) => ok(show(find(things(call), byId(call)))) },
    { operation: `DELETE ${operation}/{id}`, answer: (call) => remove(call, things(call), byId(call)), lie: () => noContent },
  ];
}

const keyTold = (call: Call) => {
  if (call.world.quirks['ciphertrust.keysTold'] === 'no') throw notFound();
  return call.state.data.keys;
};

export const userRoutes: Route[] = [
  { operation: 'GET /v1/usermgmt/users', answer: (call) => list(call, call.state.data.users.map(shown)) },
  { operation: 'POST /v1/usermgmt/users', answer: (call) => addUser(call, true), lie: (call) => addUser(call, false) },
  { operation: 'GET /v1/usermgmt/users/{id}', answer: ({ state, id }) => ok(shown(find(state.data.users, ({ user_id }) => user_id === id))) },
  { operation: 'DELETE /v1/usermgmt/users/{id}', answer: removeUser, lie: () => noContent },
  { operation: 'GET /v1/usermgmt/pwdpolicies', answer: (call) => list(call, [policy(call)]) },
  { operation: 'GET /v1/usermgmt/pwdpolicies/global', answer: (call) => ok(policy(call)) },
  { operation: 'PATCH /v1/usermgmt/pwdpolicies/global', answer: changePolicy, lie: (call) => ok(policy(call)) },
  { operation: 'GET /v1/auth/self/pwdpolicy', answer: (call) => ok(policy(call)) },
  { operation: 'GET /v1/auth/self/user', answer: (call) => ok(shown(find(call.state.data.users, ({ username }) => username === call.username))) },
  ...named('/v1/vault/keys2', keyTold, ({ id, name }) => ({ id, uri: `kylo:kylo:vault:keys:${name}-v0`, name, algorithm: 'AES', size: 256 })),
  ...named(
    '/v1/domains',
    (call) => call.state.data.domains,
    ({ id, name }) => ({ id, name, uri: `kylo:kylo:domains:${id}` }),
  ),
];
