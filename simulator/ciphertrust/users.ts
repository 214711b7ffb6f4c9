import { randomUUID } from 'node:crypto';
import { badRequest, conflict, notFound } from './errors.ts';
import { type Call, find, list, noContent, ok, type Reply, type Route, remove, text } from './route.ts';
import { checkPolicy } from './sign-in.ts';
import { newUser, type User } from './state.ts';

const shown = ({ user_id, username, name = username, nickname = username, email = '', mustChange, failures, lockedUntil }: User) => ({
  user_id,
  username,
  name,
  nickname,
  email,
  password_change_required: mustChange,
  failed_logins_count: failures,
  ...(lockedUntil > Date.now() ? { account_lockout_at: new Date(lockedUntil).toISOString() } : {}),
});

function addUser(call: Call, counts: boolean): Reply {
  const { users } = call.state.data;
  const username = text(call.body, 'username');
  if (users.some((user) => user.username === username)) throw conflict(`user ${username} already exists`);
  const password = text(call.body, 'password');
  checkPolicy(call, password);
  const user = { ...newUser(username, password, call.body['password_change_required'] === true), ...called(call.body) };
  if (counts) users.push(user);
  call.world.changed();
  return ok(shown(user), 201);
}

/** How a user is called, as far as a request says so. */
const called = (body: Call['body']): Pick<User, 'name' | 'nickname' | 'email'> =>
  Object.fromEntries(['name', 'nickname', 'email'].filter((field) => typeof body[field] === 'string').map((field) => [field, body[field]]));

/** Only what a request names is changed. */
function changeUser(call: Call, user: User, counts: boolean): Reply {
  const { body } = call;
  const password = body['password'] === undefined ? undefined : text(body, 'password');
  if (password !== undefined) checkPolicy(call, password);
  const changed = {
    ...user,
    ...called(body),
    ...(password === undefined ? {} : { password }),
    ...(typeof body['password_change_required'] === 'boolean' ? { mustChange: body['password_change_required'] } : {}),
  };
  if (counts) Object.assign(user, changed);
  call.world.changed();
  return ok(shown(changed));
}

const userOf = ({ state, id }: Call): User => find(state.data.users, ({ user_id }) => user_id === id);
const self = (call: Call): User => find(call.state.data.users, ({ username }) => username === call.username);
/** One’s own password is changed through `changepw`. */
const oneself = (call: Call, counts: boolean): Reply => changeUser({ ...call, body: called(call.body) as Call['body'] }, self(call), counts);

function removeUser(call: Call): Reply {
  if (userOf(call).username === 'admin') throw badRequest('admin cannot be deleted');
  return remove(call, call.state.data.users, ({ user_id }) => user_id === call.id);
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
  if (call.world.variants['ciphertrust.keysTold'] === 'no') throw notFound();
  return call.state.data.keys;
};

export const userRoutes: Route[] = [
  { operation: 'GET /v1/usermgmt/users', answer: (call) => list(call, call.state.data.users.map(shown)) },
  { operation: 'POST /v1/usermgmt/users', answer: (call) => addUser(call, true), lie: (call) => addUser(call, false) },
  { operation: 'GET /v1/usermgmt/users/{id}', answer: (call) => ok(shown(userOf(call))) },
  {
    operation: 'PATCH /v1/usermgmt/users/{id}',
    answer: (call) => changeUser(call, userOf(call), true),
    lie: (call) => changeUser(call, userOf(call), false),
  },
  { operation: 'DELETE /v1/usermgmt/users/{id}', answer: removeUser, lie: () => noContent },
  { operation: 'GET /v1/auth/self/user', answer: (call) => ok(shown(self(call))) },
  { operation: 'PATCH /v1/auth/self/user', answer: (call) => oneself(call, true), lie: (call) => oneself(call, false) },
  ...named('/v1/vault/keys2', keyTold, ({ id, name }) => ({ id, uri: `kylo:kylo:vault:keys:${name}-v0`, name, algorithm: 'AES', size: 256 })),
  ...named(
    '/v1/domains',
    (call) => call.state.data.domains,
    ({ id, name }) => ({ id, name, uri: `kylo:kylo:domains:${id}` }),
  ),
];
