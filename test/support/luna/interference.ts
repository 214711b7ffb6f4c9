import { selfSigned } from '../../../simulator/certificates.ts';
import type { Tampering } from '../../../simulator/control/tamper.ts';
import type { ClientState, HsmState } from '../../../simulator/luna/state.ts';
import type { Interference } from './schedule.ts';

type Act = { what: Tampering['what'] } & Record<string, unknown>;

interface What {
  /** Nothing where it cannot be done as things are. */
  does(hsm: HsmState, names: Names, clients: readonly ClientState[]): Act | undefined;
  /** How it is put right, by hand, as the incident’s remedy says; nothing where there is nothing (any more) to put right. */
  mend?(hsm: HsmState, names: Names): Act | undefined;
}

/** What the job calls its things, and the passwords that it keeps. */
export interface Names {
  label: string;
  partition: string;
  client: string;
  soPassword: string;
  appliancePassword: string;
}

const { certificatePem } = await selfSigned({ commonName: 'theirs' });
const theirs = { label: 'TheirHSM', soPassword: 'their-own-password', client: 'theirs', partition: 'theirs' };
const named = (things: readonly { name: string }[], name: string) => things.some((thing) => thing.name === name);
const erase: Act = { what: 'zeroize' };

/** What somebody else does, and how it is put right. */
export const interference: Record<Interference, What> = {
  'another label': {
    does: ({ zeroized }) => (zeroized ? undefined : { what: 'relabel', label: theirs.label }),
    mend: (hsm, { label, soPassword }) => (hsm.label === theirs.label && hsm.soPassword === soPassword ? { what: 'relabel', label } : undefined),
  },
  'another SO password': {
    does: ({ zeroized }) => (zeroized ? undefined : { what: 'change-so-password', password: theirs.soPassword }),
    mend: (hsm, { soPassword }) => (hsm.soPassword === theirs.soPassword ? { what: 'change-so-password', password: soPassword } : undefined),
  },
  'mistyped SO password': {
    does: ({ zeroized, soAttemptsLeft }) => (zeroized || soAttemptsLeft < 3 ? undefined : { what: 'mistype-so-password' }),
    mend: ({ zeroized }) => (zeroized ? undefined : { what: 'sign-in-as-so' }),
  },
  'initialized by another': {
    does: () => ({ what: 'initialize-hsm', label: theirs.label }),
    mend: (hsm, { soPassword }) => (hsm.zeroized || hsm.soPassword === soPassword ? undefined : erase),
  },
  'initialized under our label': {
    does: (_, { label }) => ({ what: 'initialize-hsm', label }),
    mend: (hsm, { soPassword }) => (hsm.zeroized || hsm.soPassword === soPassword ? undefined : erase),
  },
  zeroized: { does: ({ zeroized }) => (zeroized ? undefined : erase) },
  'FIPS already on': { does: ({ fips }) => (fips ? undefined : { what: 'turn-on-fips' }) },
  'a partition': {
    does: ({ zeroized, partitions }) =>
      zeroized || named(partitions, theirs.partition) ? undefined : { what: 'create-partition', name: theirs.partition, objects: 2 },
  },
  'the partition name taken': {
    does: ({ zeroized, partitions }, { partition }) =>
      zeroized || named(partitions, partition) ? undefined : { what: 'create-partition', name: partition, sizeBytes: 50_000 },
    mend: ({ partitions }, { partition }) =>
      partitions.find(({ name }) => name === partition)?.sizeBytes === 50_000 ? { what: 'delete-partition', name: partition } : undefined,
  },
  'a client registered': {
    does: (_, __, clients) => (named(clients, theirs.client) ? undefined : { what: 'register-client', name: theirs.client, ip: '172.22.0.99', certificatePem }),
    mend: () => ({ what: 'delete-client', name: theirs.client }),
  },
  'our client name registered': {
    does: (_, { client }, clients) => (named(clients, client) ? undefined : { what: 'register-client', name: client, ip: client, certificatePem }),
    mend: (_, { client }) => ({ what: 'delete-client', name: client }),
  },
  'clock 2 h off': { does: () => ({ what: 'set-clock', skewMinutes: 120 }), mend: () => ({ what: 'set-clock', skewMinutes: 0 }) },
  'clock on EDT': { does: () => ({ what: 'set-clock', zone: 'EDT' }) },
  'another appliance password': {
    does: () => ({ what: 'change-appliance-password', password: 'Their-Password-1' }),
    mend: (_, { appliancePassword }) => ({ what: 'change-appliance-password', password: appliancePassword }),
  },
};
