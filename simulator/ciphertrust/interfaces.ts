import { createPrivateKey, X509Certificate } from 'node:crypto';
import { selfSigned } from '../certificates.ts';
import { badRequest, badValue, notFound } from './errors.ts';
import { type Call, find, list, ok, type Reply, type Route, text } from './route.ts';
import { hasEcKeys, managerTime } from './state.ts';

const ports: Record<string, number> = { web: 443, ssh: 22, nae: 9000, kmip: 5696, snmp: 161 };

/** What can be changed of an interface (docs/reference/ciphertrust.md#interface-certificate). */
const settings = ['local_auto_gen_attributes', 'auto_gen_ca_id', 'trusted_cas', 'minimum_tls_version', 'mode', 'tls_ciphers'];

/** Who a certificate that it makes itself is for. */
interface Attributes {
  cn?: string;
  dns_names?: string[];
  ip_addresses?: string[];
}

const interfaces = ({ state: { data } }: Call) =>
  Object.entries(ports).map(([name, port]) => ({ name, port, enabled: true, minimum_tls_version: 'tls_1_2', ...data.interfaces?.[name] }));

const one = (call: Call) => find(interfaces(call), ({ name }) => name === call.id);

function change(call: Call, counts: boolean): Reply {
  const { state, body, id, world } = call;
  const changed = Object.fromEntries(Object.entries(body).filter(([field]) => settings.includes(field)));
  const before = one(call);
  if (counts) state.data.interfaces = { ...state.data.interfaces, [id]: { ...state.data.interfaces?.[id], ...changed } };
  world.changed();
  return ok({ ...before, ...changed });
}

/** Only the web service has a certificate here. */
function ofWeb({ id }: Call): void {
  if (id !== 'web') throw notFound();
}

const configured = (call: Call): Reply => {
  ofWeb(call);
  return ok({ certificates: (call.state.nextWeb ?? call.state.web).certificatePem });
};

/** A certificate for an interface is kept at once, and presented when its service restarts. */
function putCertificate(call: Call, counts: boolean): Reply {
  const { world, state, body } = call;
  ofWeb(call);
  const [leaf = ''] = text(body, 'certificate').match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  const [key = ''] = text(body, 'certificate').match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]+?-----END [A-Z ]*PRIVATE KEY-----/g) ?? [];
  if (!belong(leaf, key)) throw badValue('certificate: the first certificate and the private key do not belong together');
  if (counts) state.nextWeb = { certificatePem: text(body, 'certificate').replace(key, '').trim(), privateKeyPem: key };
  world.changed();
  return ok({ certificates: state.nextWeb?.certificatePem ?? leaf });
}

function belong(certificatePem: string, keyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

/** It makes itself a certificate, for the names that it was given before. */
async function generateCertificate(call: Call, counts: boolean): Promise<Reply> {
  const { world, state } = call;
  ofWeb(call);
  const { cn, dns_names = [], ip_addresses = [] } = (state.data.interfaces?.['web']?.['local_auto_gen_attributes'] ?? {}) as Attributes;
  if (!cn) throw badRequest('Validation errors:\nlocal_auto_gen_attributes: cn is a required field');
  const made = await selfSigned({
    commonName: cn,
    names: { dns: dns_names, ip: ip_addresses },
    days: 730,
    notBefore: new Date(managerTime(world) - 60_000),
    ...(hasEcKeys(world) ? { key: 'ec' as const } : {}),
  });
  if (counts) state.nextWeb = made;
  world.changed();
  return ok({ certificates: made.certificatePem });
}

export const interfaceRoutes: Route[] = [
  { operation: 'GET /v1/configs/interfaces', answer: (call) => list(call, interfaces(call)) },
  { operation: 'GET /v1/configs/interfaces/{id}', answer: (call) => ok(one(call)) },
  { operation: 'PATCH /v1/configs/interfaces/{id}', answer: (call) => change(call, true), lie: (call) => change(call, false) },
  { operation: 'GET /v1/configs/interfaces/{id}/certificate', answer: configured },
  { operation: 'PUT /v1/configs/interfaces/{id}/certificate', answer: (call) => putCertificate(call, true), lie: (call) => putCertificate(call, false) },
  {
    operation: 'POST /v1/configs/interfaces/{id}/auto-gen-server-cert',
    answer: (call) => generateCertificate(call, true),
    lie: (call) => generateCertificate(call, false),
  },
];
