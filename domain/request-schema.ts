import { Type } from 'typebox';

/**
 * The request as a schema: its validation, its OpenAPI text and, by `request.ts`, its type. Workflow code imports types alone from here: the schema
 * library has no place in its sandbox. `x-must-be` is what a pattern demands, in words that end “Must be …”.
 */

const closed = { additionalProperties: false } as const;
export const secretReference = Type.Object(
  {
    secret: Type.String({
      pattern: '^[A-Za-z0-9-]{1,127}$',
      'x-must-be': 'the name of a secret: 1 to 127 letters, digits and dashes',
      description: 'The name of a secret that is already in the secret store.',
    }),
  },
  closed,
);
const text = (description: string, example?: string) => Type.String({ minLength: 1, maxLength: 256, description, ...(example ? { examples: [example] } : {}) });
const range = (description: string) =>
  Type.String({ description, pattern: '^[0-9.]{7,15}/[0-9]{1,2}$', 'x-must-be': 'an IPv4 range such as 172.22.1.0/24', examples: ['172.22.1.0/24'] });
const address = (description: string) => Type.String({ description, format: 'ipv4' });
const reach = ['public', 'private'] as const;

const azure = Type.Object(
  {
    cloud: Type.Optional(Type.Enum(['public', 'usgovernment', 'china'], { description: 'Which Azure cloud; public when absent.' })),
    subscriptionId: Type.String({ format: 'uuid' }),
    resourceGroup: text('Created if it does not exist. The Windows host, the HSM and CipherTrust Manager all live in it.', 'Luna_kylo_rg'),
    region: text('Azure region, short name.', 'westus2'),
    tags: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Tags for everything that is created; resources of a template of your own carry the template’s.',
      }),
    ),
    access: Type.Enum([...reach], { description: 'private: no public addresses besides the gateway’s, for workers inside the network.' }),
    adminSources: Type.Array(Type.String(), {
      minItems: 1,
      maxItems: 20,
      description: 'Address ranges that may reach the hosts that are created. Never * or 0.0.0.0/0.',
    }),
  },
  closed,
);

const network = Type.Object(
  {
    name: text('The virtual network, in the resource group; kept as it is where it exists, and only missing subnets are added.', 'Luna_kylo_vnet'),
    addressSpace: range('The virtual network’s address space.'),
    compute: Type.Object({ name: Type.Optional(text('Compute when absent.')), range: range('Holds the Windows host and CipherTrust Manager.') }, closed),
    hsm: Type.Object({ name: text('The subnet delegated to the HSM.', 'Luna_kylo_HSM_subnet'), range: range('Holds the HSM alone.') }, closed),
    gateway: Type.Object({ range: range('GatewaySubnet, /27 or larger.') }, closed),
  },
  closed,
);

export const template = Type.Object(
  {
    inline: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'The template itself, at most 64 KiB.' })),
    url: Type.Optional(
      Type.Union([Type.String({ format: 'uri' }), secretReference], { description: 'Where this service fetches it (https only), with its SHA-256.' }),
    ),
    sha256: Type.Optional(
      Type.String({ pattern: '^[0-9a-fA-F]{64}$', 'x-must-be': 'a SHA-256 digest: 64 hexadecimal digits', description: 'Of the file behind the address.' }),
    ),
  },
  {
    ...closed,
    description:
      'Microsoft’s own Deploy-1HSM-toVNET-Template, inline or by address and SHA-256: deployed unedited with the runbook’s four parameters. This service’s own when absent.',
  },
);

const hsm = Type.Object(
  {
    name: text('The HSM resource.', 'kylo-luna-hsm'),
    resourcePrefix: text('Prefix of the gateway’s names.', 'HSMLuna'),
    address: Type.Optional(address('The HSM’s private address; the subnet’s first free one when absent.')),
    stamp: Type.Optional(Type.Enum(['stamp1', 'stamp2'], { description: 'stamp1 when absent.' })),
    template: Type.Optional(template),
    label: text('The HSM’s label.', 'LunaHSM'),
    fips: Type.Boolean({ description: 'FIPS 140-2 approved operation. Turning it on erases the HSM and asks for an approval.' }),
    partition: Type.Object(
      {
        name: text('Partition name; also its label.', 'luna_part'),
        sizeBytes: Type.Integer({ minimum: 1, description: 'Storage in bytes; the runbook’s is 10000.' }),
      },
      closed,
    ),
  },
  closed,
);

const installer = Type.Object(
  {
    url: Type.Union([Type.String({ format: 'uri' }), secretReference], {
      description: 'Where the Windows host fetches it, over https. One with a signature in its query is better kept as a secret; the query is never shown.',
    }),
    sha256: Type.String({
      pattern: '^[0-9a-fA-F]{64}$',
      'x-must-be': 'a SHA-256 digest: 64 hexadecimal digits',
      description: 'Checked on the host before the installer is run.',
    }),
  },
  closed,
);
const version = (description: string) =>
  Type.String({ pattern: '^[0-9]{1,3}(\\.[0-9]{1,3}){1,2}$', 'x-must-be': 'a version such as 7.4.0', description, examples: ['7.4.0'] });

const disk = Type.Object(
  {
    type: Type.Optional(
      Type.Enum(['Standard_LRS', 'StandardSSD_LRS', 'StandardSSD_ZRS', 'Premium_LRS', 'Premium_ZRS'], {
        description: 'Standard_LRS (Standard HDD, as in the runbook) when absent.',
      }),
    ),
    encryptionSet: Type.Optional(
      Type.String({
        pattern: '^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.Compute/diskEncryptionSets/[^/]+$',
        'x-must-be': 'the resource id of a disk encryption set',
        description: 'The id of a disk encryption set, for keys of one’s own; Azure’s keys when absent.',
      }),
    ),
  },
  { ...closed, description: 'The operating system’s disk.' },
);

const lunaClient = Type.Object(
  {
    vmName: text('The Windows host, at most 15 characters.', 'lunaclient'),
    address: address('Its static private address in the Compute subnet.'),
    image: Type.Optional(text('publisher:offer:sku:version; Windows 10 Pro when absent.')),
    size: Type.Optional(text('VM size; Standard_D2s_v3 when absent.')),
    disk: Type.Optional(disk),
    adminUser: Type.Optional(text('LunaAdmin when absent.')),
    installer: Type.Object(installer.properties, { ...closed, description: 'The Luna client whose lunacm is used: 7.4 or later.' }),
    version: Type.Optional(version('The version that must be on the host; 7.4 or later when absent. One that is already there is never replaced.')),
    certificateClient: Type.Optional(
      Type.Object(
        { installer, version: Type.Optional(version('The version that must be there.')) },
        {
          ...closed,
          description:
            'Another Luna client for vtl createcert alone, installed beside the first: 10.9.2 encrypts the key that it makes, and CipherTrust Manager cannot use that.',
        },
      ),
    ),
    certificateDays: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 36_500, description: 'How long CipherTrust Manager’s client certificate is valid; 3650 days when absent.' }),
    ),
  },
  closed,
);

const ntpServer = Type.Object(
  {
    host: text('Name or address.'),
    key: Type.Optional(secretReference),
    keyType: Type.Optional(Type.Enum(['MD5', 'SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'], { description: 'SHA-256 when absent.' })),
  },
  closed,
);

const cipherTrust = Type.Object(
  {
    vmName: text('The CipherTrust Manager’s VM and host name.', 'mycompany-ciphertrust'),
    address: address('Its static private address in the Compute subnet; it is in the client certificate.'),
    image: Type.Union([
      Type.String({
        pattern: '^[^:/]+:[^:/]+:[^:/]+(:[^:/]+)?$',
        'x-must-be': 'publisher:offer:sku, optionally with :version',
        description: 'publisher:offer:sku, with :version or the latest.',
      }),
      Type.String({
        pattern: '^/subscriptions/.+/images/.+$',
        'x-must-be': 'the resource id of an image',
        description: 'The id of an image made from Thales’ VHD.',
      }),
    ]),
    acceptTerms: Type.Optional(
      Type.Boolean({
        description: 'May this service accept the image’s marketplace terms for the subscription? Terms that are not accepted yet are an incident when absent.',
      }),
    ),
    size: Type.Optional(text('VM size; Standard_F4s_v2 when absent.')),
    disk: Type.Optional(disk),
    via: Type.Optional(
      Type.Enum(['direct', 'client'], {
        description:
          'How this service reaches it: directly (default), or through the Windows host. Then it gets no public address, and is set up once that host is ready.',
      }),
    ),
    adminUser: Type.Optional(text('ksadmin; CipherTrust Manager knows no other.')),
    sshPublicKey: Type.Optional(
      Type.String({
        maxLength: 4096,
        description: 'ksadmin’s OpenSSH public key, RSA 2048 or more; a pair (RSA 3072) is generated and kept when no key is named.',
      }),
    ),
    sshPrivateKey: Type.Optional(
      Type.Object(secretReference.properties, {
        ...closed,
        description: 'The private half of ksadmin’s key, in OpenSSH, PKCS#1 or PKCS#8 form without a passphrase: a secret that is already in the store.',
      }),
    ),
    sshKeyInAzure: Type.Optional(
      Type.String({
        pattern: '^([A-Za-z0-9_.-]{1,80}|/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.Compute/sshPublicKeys/[^/]+)$',
        'x-must-be': 'the name or resource id of an SSH public key in Azure',
        description: 'An SSH public key that is stored in Azure: its name in the resource group, or its id.',
      }),
    ),
    customData: Type.Optional(
      Type.Object(secretReference.properties, {
        ...closed,
        description: 'cloud-init configuration (YAML, at most 64 KiB), a secret because it may hold passwords.',
      }),
    ),
    hostName: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$',
        'x-must-be': 'a host name: at most 63 letters, digits, dots and dashes',
        description: 'The name that it shows; the VM’s when absent.',
      }),
    ),
    webCertificate: Type.Optional(
      Type.Object(secretReference.properties, {
        ...closed,
        description: 'Its web certificate, as a secret: PEM with the private key (no passphrase), the certificate and its chain. Its own one when absent.',
      }),
    ),
    ntp: Type.Array(ntpServer, { maxItems: 8 }),
    license: Type.Union([Type.Literal('trial'), Type.Literal('none'), secretReference]),
  },
  closed,
);

export const ProvisioningRequest = Type.Object(
  {
    $schema: Type.Optional(Type.String({ maxLength: 2048, description: 'For editors: docs/request.schema.json. It is not part of the request.' })),
    azure,
    network,
    hsm,
    lunaClient,
    cipherTrust,
    certificate: Type.Optional(
      Type.Enum(['vtl', 'generated'], {
        description: 'Who makes CipherTrust Manager’s client certificate: vtl on the Windows host (default) or this service.',
      }),
    ),
    allowClockChange: Type.Optional(
      Type.Boolean({
        description:
          'May the HSM’s clock be set when it is more than 5 minutes off and two other machines confirm the worker’s time? Otherwise an incident shows all clocks.',
      }),
    ),
    removeTemporaryAccess: Type.Optional(
      Type.Boolean({ description: 'Remove the temporary SSH and RDP rules and deallocate the Windows host at the end; true when absent.' }),
    ),
    approval: Type.Optional(
      Type.Object(
        {
          deadlineHours: Type.Optional(Type.Number({ minimum: 0.001, maximum: 720, description: '24 when absent.' })),
          secondPerson: Type.Optional(Type.Boolean({ description: 'The approver must be another person than the requester.' })),
        },
        closed,
      ),
    ),
  },
  { ...closed, $id: 'ProvisioningRequest' },
);
