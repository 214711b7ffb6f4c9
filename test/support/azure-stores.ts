/** Settings of a worker and an API that share no folder: secrets in a key vault, target record and reports in blobs, all of the simulated Azure. */
export const azureStores = {
  HSM_SECRETS: 'key-vault',
  HSM_KEY_VAULT_URL: 'https://simulated.vault.azure.net',
  HSM_RECORD: 'blob',
  HSM_RECORD_CONTAINER_URL: 'https://simulated.blob.core.windows.net/record',
  HSM_REPORTS: 'blob',
  HSM_REPORTS_CONTAINER_URL: 'https://simulated.blob.core.windows.net/reports',
};

/** HSM_TEST_STORES=azure: every stack of the tests has these stores, and a second worker with a data folder of its own. */
export const isWithoutFolders = process.env.HSM_TEST_STORES === 'azure';
