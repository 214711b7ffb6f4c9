/** What nobody has verified of a CipherTrust Manager, some facts at a time. What no job ever meets is tried on the simulated manager itself. */
const kinds: Record<string, Record<string, string>> = {
  'as is believed': {},
  'default sign-in 403, the certificate survives, setup answers 201 and nothing more, no slashes': {
    'ciphertrust.defaultPasswordLogin': '403',
    'ciphertrust.certificateSurvivesReset': 'yes',
    'ciphertrust.setupStatus': '201',
    'ciphertrust.setupBody': 'empty',
    'ciphertrust.checkport': 'slow',
    'ciphertrust.trialStatus': '201',
    'ciphertrust.slashes': 'none',
  },
  'default sign-in gives a limited token, time servers and trial survive, setup answers 202 or refuses with 422': {
    'ciphertrust.defaultPasswordLogin': '200-limited',
    'ciphertrust.ntpSurvivesReset': 'yes',
    'ciphertrust.trialSurvivesReset': 'yes',
    'ciphertrust.setupStatus': '202',
    'ciphertrust.setupBody': 'none',
    'ciphertrust.setupRefusal': '422',
    'ciphertrust.serviceNames': 'more',
    'ciphertrust.checkport': '422',
  },
  'bare lists, errors with a label alone, changepw 200, the HSM listed before the wipe': {
    'ciphertrust.lists': 'bare',
    'ciphertrust.errorBody': 'label-only',
    'ciphertrust.changepwStatus': '200',
    'ciphertrust.serverIds': 'no',
    'ciphertrust.resetSeconds': '60',
    'ciphertrust.listedBeforeReset': 'yes',
    'ciphertrust.ntpStatus': 'error',
    'ciphertrust.checkport': '500',
  },
  'lists with a total and two entries at most, errors with a message alone, setup 204 or refused with 400': {
    'ciphertrust.lists': 'total',
    'ciphertrust.listMost': '2',
    'ciphertrust.errorBody': 'message-only',
    'ciphertrust.setupStatus': '204',
    'ciphertrust.setupRefusal': '400',
    'ciphertrust.bootPages': 'none',
  },
  'errors without a body, an older version that tells little, sign-ins refused before the wipe': {
    'ciphertrust.errorBody': 'empty',
    'ciphertrust.mkeks': 'absent',
    'ciphertrust.keysTold': 'no',
    'ciphertrust.checkport': 'absent',
    'ciphertrust.ntpKeyShown': 'no',
    'ciphertrust.resetSeconds': '60',
    'ciphertrust.signInBeforeReset': 'refused',
  },
  'a generated first password that is admin after a wipe, setup wants a right clock': {
    'ciphertrust.initialPassword': 'generated',
    'ciphertrust.passwordAfterReset': 'admin',
    'ciphertrust.setupNeedsNtp': 'yes',
    'ciphertrust.checkport': 'result',
  },
  'tokens that end early, refresh that fails, wrong passwords told with 400, what it accepts must be said': {
    'ciphertrust.tokenSeconds': '2',
    'ciphertrust.refresh': 'refused',
    'ciphertrust.wrongPassword': '400',
    'ciphertrust.checkport': 'refused',
    'ciphertrust.accept': 'required',
  },
  'its clock 4 minutes behind, a certificate of a local authority, lockout, the same generated password after a wipe': {
    'ciphertrust.clockSkewMinutes': '-4',
    'ciphertrust.webChain': 'authority',
    'ciphertrust.lockoutMinutes': '0,5',
    'ciphertrust.lockedAnswer': 'forbidden',
    'ciphertrust.initialPassword': 'generated',
  },
};

/** Keys on elliptic curves, which are made in no time. */
export const quickKeys = { 'ciphertrust.ownKeys': 'ec' };

/** All but the first have such keys. */
export const options: Record<string, Record<string, string>> = Object.fromEntries(
  Object.entries(kinds).map(([kind, variants], at) => [kind, at === 0 ? variants : { ...variants, ...quickKeys }]),
);
