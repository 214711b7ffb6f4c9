import assert from 'node:assert/strict';
import { readSettings } from '../../worker/settings.ts';

const vault = { HSM_SECRETS: 'key-vault', HSM_KEY_VAULT_URL: 'https://kept.vault.azure.net' };

describe('Settings', () => {
  it('have usual values for everything', () => {
    const { azure, secrets, lunaVia, pollIntervalMs } = readSettings({});
    assert.deepEqual(azure, { timeoutMs: 60_000 });
    assert.deepEqual(secrets, { kind: 'file', folder: '.data/secrets', keyFile: '.data/secrets.key' });
    assert.equal(lunaVia, 'client');
    assert.equal(pollIntervalMs, 10_000);
  });

  it('put all that is kept into one folder, and each elsewhere where that is said', () => {
    const env = { HSM_DATA_FOLDER: '/var/hsm', HSM_SECRETS_KEY_FILE: '/run/key', HSM_RECORD_FOLDER: '/var/record' };
    const { secrets, record, reports } = readSettings(env);
    assert.deepEqual(secrets, { kind: 'file', folder: '/var/hsm/secrets', keyFile: '/run/key' });
    assert.deepEqual(reports, { kind: 'folder', folder: '/var/hsm/reports' });
    assert.deepEqual(record, { kind: 'folder', folder: '/var/record' });
  });

  it('choose the key vault, and how to speak to it', () => {
    assert.deepEqual(readSettings(vault).secrets, { kind: 'key-vault', url: 'https://kept.vault.azure.net', verifyChallenge: true });
    const { secrets } = readSettings({ ...vault, HSM_KEY_VAULT_SERVICE_VERSION: '7.4', HSM_KEY_VAULT_CHALLENGE: 'trust' });
    assert.deepEqual(secrets, { kind: 'key-vault', url: 'https://kept.vault.azure.net', serviceVersion: '7.4', verifyChallenge: false });
  });

  it('choose containers for the record and for the reports, each on its own', () => {
    const [account, url] = ['https://account.blob.core.windows.net/reports', 'https://127.0.0.1:10000/devstoreaccount1/record'];
    const { record, reports } = readSettings({ HSM_REPORTS: 'blob', HSM_REPORTS_CONTAINER_URL: account });
    assert.deepEqual(
      [record, reports],
      [
        { kind: 'folder', folder: '.data/record' },
        { kind: 'blob', url: account },
      ],
    );
    assert.deepEqual(readSettings({ HSM_RECORD: 'blob', HSM_RECORD_CONTAINER_URL: url }).record, { kind: 'blob', url });
  });

  for (const [mistake, env, says] of [
    ['a store that there is not', { HSM_SECRETS: 'paper' }, /HSM_SECRETS must be one of file, key-vault/],
    ['a vault without an address', { HSM_SECRETS: 'key-vault' }, /HSM_KEY_VAULT_URL must be the https address/],
    ['a vault in clear', { ...vault, HSM_KEY_VAULT_URL: 'http://kept.vault.azure.net' }, /HSM_KEY_VAULT_URL must be the https address/],
    ['a vault beside the file store', { HSM_KEY_VAULT_URL: 'https://kept.vault.azure.net' }, /which of the two stores/],
    ['an API version that is none', { ...vault, HSM_KEY_VAULT_SERVICE_VERSION: 'new' }, /HSM_KEY_VAULT_SERVICE_VERSION must be a version/],
    ['a place that there is not', { HSM_RECORD: 'drawer' }, /HSM_RECORD must be one of folder, blob/],
    ['a container without an address', { HSM_RECORD: 'blob' }, /HSM_RECORD_CONTAINER_URL must be the https address of a container/],
    ['a container in clear', { HSM_REPORTS: 'blob', HSM_REPORTS_CONTAINER_URL: 'http://a.blob.core.windows.net/reports' }, /must be the https address/],
    ['an account without a container', { HSM_REPORTS: 'blob', HSM_REPORTS_CONTAINER_URL: 'https://a.blob.core.windows.net/' }, /of a container/],
    ['a signature', { HSM_RECORD: 'blob', HSM_RECORD_CONTAINER_URL: 'https://a.blob.core.windows.net/record?sig=secret' }, /container, such as [^?]*$/],
    ['a container beside a folder', { HSM_RECORD_CONTAINER_URL: 'https://a.blob.core.windows.net/record' }, /HSM_RECORD is not blob/],
    ['an endpoint in clear', { HSM_ARM_ENDPOINT: 'http://management.azure.com' }, /HSM_ARM_ENDPOINT must be an address such as https:/],
    ['an authority without a scheme', { AZURE_AUTHORITY_HOST: 'login.microsoftonline.us' }, /AZURE_AUTHORITY_HOST must be an address such as https:/],
    ['a proxy of another kind', { HSM_PROXY: 'http://127.0.0.1:3128' }, /HSM_PROXY must be an address such as socks5:/],
    ['a proxy with a password', { HSM_PROXY: 'socks5://me:do-not-tell@127.0.0.1:1080' }, /HSM_PROXY must not hold a user or a password$/],
  ] as const)
    it(`refuse ${mistake}`, () => assert.throws(() => readSettings(env), says));

  it('tell all mistakes at once, and no secret', () => {
    assert.throws(
      () => readSettings({ HSM_SECRETS: 'paper', HSM_LUNA_VIA: 'air', HSM_COMMAND_MS: '-1', AZURE_CLIENT_SECRET: 'do-not-tell' }),
      ({ message }: Error) => /4 mistakes/.test(message) && /HSM_SECRETS/.test(message) && /HSM_LUNA_VIA/.test(message) && !message.includes('do-not-tell'),
    );
  });
});
