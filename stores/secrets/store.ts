/** Keeps what was generated, before it is used. Names are `{target id}-{purpose}`: letters, digits, dashes, at most 127. */
export interface SecretStore {
  /** The value, or undefined where there is none. */
  get(name: string): Promise<string | undefined>;
  /** Keeps a value under a name that has none, and returns the value that counts: of two writers at once the first wins, and both get its value. */
  create(name: string, value: string): Promise<string>;
}

/** The name, if it is one that every store takes. */
export function checkedName(name: string): string {
  if (!/^[A-Za-z0-9-]{1,127}$/.test(name)) throw new Error(`“${name}” is no secret’s name: letters, digits and dashes, at most 127.`);
  return name;
}

/** The secret that seals the target record: 32 random bytes, base64. One for all targets of an installation; no request may name it. */
export const recordKeyName = 'record-key';

/** What a job keeps. */
export const purposes = [
  'windows-admin-password',
  'windows-ssh-key',
  'ciphertrust-ssh-key',
  'appliance-password',
  'hsm-so-password',
  'hsm-domain',
  'partition-so-password',
  'partition-domain',
  'crypto-officer-temporary-password',
  'crypto-officer-password',
  'ciphertrust-admin-password',
  'client-certificate-key',
] as const;

export type Purpose = (typeof purposes)[number];

export const secretName = (target: string, purpose: Purpose): string => `${target}-${purpose}`;
