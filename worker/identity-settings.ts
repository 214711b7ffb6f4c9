import { createPrivateKey, X509Certificate } from 'node:crypto';

/** What `AZURE_TOKEN_CREDENTIALS` may be, as the sign-in library knows it, and what each kind needs beside it; the library ignores case. */
const kinds: Record<string, readonly string[]> = {
  prod: [],
  dev: [],
  EnvironmentCredential: ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID'],
  WorkloadIdentityCredential: ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_FEDERATED_TOKEN_FILE'],
  ManagedIdentityCredential: [],
  VisualStudioCodeCredential: [],
  AzureCliCredential: [],
  AzurePowerShellCredential: [],
  AzureDeveloperCliCredential: [],
};

const principal = ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID'];

/** What cannot be right about who this service is to be at Azure; files are read by `file`, which tells by itself of those that it cannot read. */
export function identityMistakes(env: NodeJS.ProcessEnv, file: (name: string) => string | undefined): string[] {
  return [
    ...['AZURE_CLIENT_SECRET', 'AZURE_CLIENT_CERTIFICATE_PATH', 'AZURE_FEDERATED_TOKEN_FILE'].flatMap((name) =>
      env[name] ? lacking(env, name, principal) : [],
    ),
    ...kindMistakes(env),
    ...certificateMistakes(file('AZURE_CLIENT_CERTIFICATE_PATH'), env.AZURE_CLIENT_CERTIFICATE_PASSWORD),
  ];
}

function lacking(env: NodeJS.ProcessEnv, name: string, needs: readonly string[]): string[] {
  const missing = needs.filter((need) => !env[need]);
  return missing.length > 0 ? [`${name} needs ${missing.join(' and ')} beside it`] : [];
}

function kindMistakes(env: NodeJS.ProcessEnv): string[] {
  const asked = env.AZURE_TOKEN_CREDENTIALS;
  if (!asked) return [];
  const kind = Object.keys(kinds).find((name) => name.toLowerCase() === asked.trim().toLowerCase());
  if (!kind) return [`AZURE_TOKEN_CREDENTIALS must be one of ${Object.keys(kinds).join(', ')}, it is "${asked}"`];
  const proof = kind === 'EnvironmentCredential' && !env.AZURE_CLIENT_SECRET && !env.AZURE_CLIENT_CERTIFICATE_PATH;
  const name = `AZURE_TOKEN_CREDENTIALS=${kind}`;
  return [...lacking(env, name, kinds[kind]!), ...(proof ? [`${name} needs AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH beside it`] : [])];
}

/** The sign-in takes nothing but an RSA key and its certificate as PEM in one file; a PFX, or a wrong password, would show only in the first job. */
function certificateMistakes(pem: string | undefined, passphrase: string | undefined): string[] {
  if (pem === undefined) return [];
  const name = 'AZURE_CLIENT_CERTIFICATE_PATH';
  try {
    const key = createPrivateKey({ key: pem, ...(passphrase ? { passphrase } : {}) });
    if (key.asymmetricKeyType === 'rsa' && new X509Certificate(pem).checkPrivateKey(key)) return [];
    return [`${name} must hold an RSA key and the certificate of that key`];
  } catch {
    const encrypted = /ENCRYPTED/.test(pem);
    return [
      encrypted
        ? `${name} holds an encrypted key that AZURE_CLIENT_CERTIFICATE_PASSWORD does not open`
        : `${name} must hold a certificate and its private key, both as PEM; a PFX is not taken (openssl pkcs12 -in my.pfx -out my.pem -nodes)`,
    ];
  }
}
