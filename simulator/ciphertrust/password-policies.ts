import { badRequest, conflict } from './errors.ts';
import { type Call, find, list, noContent, ok, type Reply, type Route, text } from './route.ts';

/** The defaults of the global policy (docs/reference/ciphertrust.md#password-policy). */
const defaults = {
  inclusive_min_total_length: 8,
  inclusive_max_total_length: 30,
  inclusive_min_upper_case: 1,
  inclusive_min_lower_case: 1,
  inclusive_min_digits: 1,
  inclusive_min_other: 1,
  password_history_threshold: 5,
  password_lifetime: 0,
  password_change_min_days: 0,
};

/** Of the global one, what it says about lockout can be changed. */
const globalPolicy = ({ state: { data } }: Call) => ({ policy_name: 'global', ...defaults, ...data.policy });

const policies = (call: Call) => [
  globalPolicy(call),
  ...Object.entries(call.state.data.policies ?? {}).map(([policy_name, told]) => ({ policy_name, ...defaults, failed_logins_lockout_thresholds: [], ...told })),
];

const one = (call: Call) => find(policies(call), ({ policy_name }) => policy_name === call.id);

/** What a request says of a policy, each value of its kind. */
function told({ body }: Call): Record<string, unknown> {
  const { failed_logins_lockout_thresholds: thresholds } = body;
  if (thresholds !== undefined && !(Array.isArray(thresholds) && thresholds.every((minutes) => typeof minutes === 'number' && minutes >= 0)))
    throw badRequest('Validation errors:\nfailed_logins_lockout_thresholds: a list of minutes is needed');
  const numbers = Object.entries(body).filter(([field]) => field in defaults);
  const wrong = numbers.find(([, value]) => typeof value !== 'number');
  if (wrong) throw badRequest(`Validation errors:\n${wrong[0]}: a number is needed`);
  return { ...Object.fromEntries(numbers), ...(thresholds ? { failed_logins_lockout_thresholds: thresholds } : {}) };
}

function changeGlobal(call: Call): Reply {
  const { failed_logins_lockout_thresholds: thresholds } = told(call);
  if (thresholds) call.state.data.policy.failed_logins_lockout_thresholds = thresholds as number[];
  call.world.changed();
  return ok(globalPolicy(call));
}

function keep(call: Call, name: string, counts: boolean, status: number): Reply {
  const { data } = call.state;
  const changed = { ...data.policies?.[name], ...told(call) };
  if (counts) data.policies = { ...data.policies, [name]: changed };
  call.world.changed();
  return ok({ policy_name: name, ...defaults, failed_logins_lockout_thresholds: [], ...changed }, status);
}

function add(call: Call, counts: boolean): Reply {
  const name = text(call.body, 'policy_name');
  if (policies(call).some(({ policy_name }) => policy_name === name)) throw conflict(`the password policy ${name} already exists`);
  return keep(call, name, counts, 201);
}

function change(call: Call, counts: boolean): Reply {
  one(call);
  return keep(call, call.id, counts, 200);
}

function take(call: Call): Reply {
  one(call);
  if (call.id === 'global') throw badRequest('the global password policy cannot be deleted');
  const { [call.id]: _, ...others } = call.state.data.policies ?? {};
  call.state.data.policies = others;
  call.world.changed();
  return noContent;
}

export const policyRoutes: Route[] = [
  { operation: 'GET /v1/usermgmt/pwdpolicies', answer: (call) => list(call, policies(call)) },
  { operation: 'POST /v1/usermgmt/pwdpolicies', answer: (call) => add(call, true), lie: (call) => add(call, false) },
  { operation: 'GET /v1/usermgmt/pwdpolicies/global', answer: (call) => ok(globalPolicy(call)) },
  { operation: 'PATCH /v1/usermgmt/pwdpolicies/global', answer: changeGlobal, lie: (call) => ok(globalPolicy(call)) },
  { operation: 'GET /v1/usermgmt/pwdpolicies/{id}', answer: (call) => ok(one(call)) },
  { operation: 'PATCH /v1/usermgmt/pwdpolicies/{id}', answer: (call) => change(call, true), lie: (call) => change(call, false) },
  { operation: 'DELETE /v1/usermgmt/pwdpolicies/{id}', answer: take, lie: () => noContent },
  { operation: 'GET /v1/auth/self/pwdpolicy', answer: (call) => ok(globalPolicy(call)) },
];
