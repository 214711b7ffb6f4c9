/** Every request that a job sends to a CipherTrust Manager, as the request log names it; `ssh` is the command that reads a generated password. */
export const everyJobSends = [
  'GET /v1/system/services/status',
  'POST /v1/auth/tokens',
  'PATCH /v1/auth/changepw',
  'GET /v1/system/ntp/servers',
  'GET /v1/system/ntp/status',
  'POST /v1/system/ntp/servers',
  'GET /v1/licensing/trials',
  'GET /v1/licensing/licenses',
  'POST /v1/licensing/trials/{id}/activate',
  'GET /v1/system/hsm/servers',
  'GET /v1/system/info',
  'GET /v1/usermgmt/users',
  'GET /v1/domains',
  'GET /v1/vault/keys2',
  'GET /v1/cluster',
  'POST /v1/system/network/checkport',
  'POST /v1/system/hsm/setup',
  'GET /v1/system/mkeks',
  'GET /v1/system/rot-keys',
];

/** What a job sends whose request asks for more, or whose manager is not as it should be. */
export const someJobsSend = {
  license: ['POST /v1/licensing/licenses'],
  'a generated first password': ['ssh'],
  'services that wait for ksadmin’s key': ['POST /v1/system/ssh/keys'],
  'a name and a certificate of its own': [
    'PATCH /v1/system/info',
    'GET /v1/configs/interfaces/{id}/certificate',
    'PUT /v1/configs/interfaces/{id}/certificate',
    'POST /v1/system/services/restart',
  ],
};

/** What a job sends once more after the wipe, when the initial password works again. */
export const sentAfterWipe = [
  'PATCH /v1/auth/changepw',
  'POST /v1/auth/tokens',
  'GET /v1/system/ntp/servers',
  'POST /v1/system/ntp/servers',
  'GET /v1/licensing/trials',
  'GET /v1/licensing/licenses',
  'POST /v1/licensing/trials/{id}/activate',
  'GET /v1/system/hsm/servers',
];

export const allRequests = [...everyJobSends, ...Object.values(someJobsSend).flat()];
