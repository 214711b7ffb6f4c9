const anew = 'start the worker anew and retry';

/** What to do about a refused sign-in, by the number of the directory’s error or, where nothing was asked, by what went wrong here. The first that fits counts. */
const rows: readonly [says: RegExp, remedy: string][] = [
  [/AADSTS7000215:/, `Set AZURE_CLIENT_SECRET to the value of a client secret of the application, not to the secret’s id; ${anew}.`],
  [/AADSTS7000222:/, `Make a new client secret for the application, set AZURE_CLIENT_SECRET to its value, ${anew}.`],
  [/AADSTS(90002|900023|900021):/, `Set AZURE_TENANT_ID to the directory of the subscription, in the cloud that the request names; ${anew}.`],
  [/AADSTS(700016|7000229):/, `Set AZURE_CLIENT_ID to an application of that directory, and AZURE_TENANT_ID to its directory; ${anew}.`],
  [/AADSTS7000112:/, 'Let the directory’s administrator enable the application, then retry.'],
  [/AADSTS700024:/, 'Correct this host’s clock, and see that whoever writes the federated token renews it in time; then retry.'],
  [
    /AADSTS(700027|700023|700021|1000502|50027):/,
    `Upload the certificate to the application, or set AZURE_CLIENT_CERTIFICATE_PATH to one that is valid there; ${anew}.`,
  ],
  [
    /AADSTS(70021|70021[123]|700213\d|50013):/,
    'Make issuer, subject and audience of the application’s federated credential those of the token, to the letter; then retry.',
  ],
  [/AADSTS500011:/, 'This directory does not know the other cloud’s resources. Abort, and send the request again with the cloud of the subscription.'],
  [/AADSTS53\d{3}:/, 'Let the directory’s administrator exempt this application from the conditional access policy, then retry.'],
  [/Identity not found|managed identity/i, `Give this host the managed identity that AZURE_CLIENT_ID names, or its own where that is not set; ${anew}.`],
  [/ENOENT|EACCES|no content/i, 'See that the file is there and that this service may read it, then retry.'],
];

const other = 'Set this service’s identity up as docs/run-on-azure.md says, start the worker anew and retry.';

export const signInRemedy = (seen: string): string => rows.find(([says]) => says.test(seen))?.[1] ?? other;
