import type { PartitionState } from '../../luna/state.ts';
import { type Entry, settle } from '../../request-log.ts';
import type { LunaClient } from '../luna-client.ts';
import type { Slot } from '../slots.ts';

/** The connection over which it was started. */
export interface Caller {
  connection: string;
  hangUp(): void;
  /** Was the program ended from outside? */
  isStopped?(): boolean;
}

export class Failed extends Error {
  readonly result: string;

  constructor(result: string, why = '') {
    super(why);
    this.result = result;
  }
}

export type Options = Record<string, string | undefined>;
export interface Run {
  client: LunaClient;
  print: (text: string) => void;
  entry: Entry;
  session: Session;
}
/** One run of lunacm: the slots that it found, which of them is the current one, and which role is signed in to it. */
export interface Session {
  caller: Caller;
  slots: Slot[];
  slot: number;
  role?: 'po' | 'co' | undefined;
}
export interface Verb {
  options: Record<string, string>;
  switches?: string[];
  run(run: Run, options: Options): Promise<void> | void;
}

export const need = (options: Options, name: string): string => options[name] ?? fail('0x7 (CKR_ARGUMENTS_BAD)', `Option -${name} is required.`);
export const fail = (result: string, why?: string): never => {
  throw new Failed(result, why);
};

/** Without it a question is asked, and nobody is there to answer. */
export const needForce = ({ force, f }: Options): void => {
  if ((force ?? f) === undefined) fail('0xb (User Cancelled Operation)', "Type 'proceed' to continue, or 'quit' to quit now ->");
};

/** The partition in the current slot: what every command works on. */
export const current = ({ session }: Run): PartitionState => session.slots[session.slot]?.partition ?? fail('0x3 (CKR_SLOT_ID_INVALID)', 'There is no slot.');

/** Makes a change unless a fault reports a false success. A program goes on when the connection that started it is cut. */
export async function commit({ client, entry, session }: Run, minutes: number, change: () => void): Promise<void> {
  const { world } = client;
  const fault = await world.faults.strike(entry.operation);
  if (fault?.kind === 'reset' || fault?.kind === 'reset-after-accept') session.caller.hangUp();
  if (fault?.kind === 'reset') fail('0x30 (CKR_DEVICE_ERROR)', 'The connection to the HSM was lost.');
  if (fault?.kind === 'fail' || fault?.kind === 'error') fail('0x30 (CKR_DEVICE_ERROR)', fault.message ?? 'The device reported an error.');
  await world.clock.sleepMinutes(minutes + (fault?.kind === 'slow' ? (fault.amount ?? 1) : 0));
  if (fault?.kind === 'lie') return settle(entry, 'lied');
  change();
  settle(entry, 'done');
  world.changed();
}

/** By the variant `lunacm.roles`, a client tells nothing about the state of roles. */
export const tellsRoles = ({ client: { world } }: Run): boolean => world.variants['lunacm.roles'] !== 'untold';
