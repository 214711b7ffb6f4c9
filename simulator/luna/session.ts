import type { Entry } from '../request-log.ts';
import { settle } from '../request-log.ts';
import type { World } from '../world.ts';
import type { ApplianceState } from './state.ts';

/** The connection is gone: nothing more can be said or asked. What was begun goes on all the same. */
export class Cut extends Error {}

/** Ctrl-C: the question is left without an answer. */
export class Interrupted extends Error {}

/** A command that failed: what LunaSH prints of it. */
export class CommandError extends Error {
  readonly lines: string[];
  /** One known failure is reported with result 0. */
  readonly result: 0 | 65535;

  constructor(lines: string[], result: 0 | 65535 = 65535) {
    super(lines[0] ?? 'failed');
    this.lines = lines;
    this.result = result;
  }
}

export type Echo = 'plain' | 'stars' | 'none';

/** What a command can see and do: one sign-in of one user. */
export interface Session {
  readonly world: World;
  readonly state: ApplianceState;
  readonly user: string;
  /** Is the HSM SO signed in, here? */
  soSignedIn: boolean;
  /** The command that is at work. */
  entry: Entry | undefined;
  print(text: string): void;
  /** Asks and waits for a line; a `Cut` where nobody answers any more. */
  ask(prompt: string, echo: Echo): Promise<string>;
  /** Cuts the connection. */
  hangUp(): void;
}

/** Makes a change that takes a while. It comes about at its end even if the connection is cut meanwhile: an appliance does not stop. */
export async function commit(session: Session, entry: Entry, minutes: number, change: () => void): Promise<void> {
  const { world } = session;
  const fault = await world.faults.strike(entry.operation);
  if (fault?.kind === 'reset') {
    session.hangUp();
    throw new Cut();
  }
  if (fault?.kind === 'fail' || fault?.kind === 'error') throw deviceError(entry.operation, fault.message);
  if (fault?.kind === 'reset-after-accept') session.hangUp();
  await world.clock.sleepMinutes(minutes + (fault?.kind === 'slow' ? (fault.amount ?? 1) : 0));
  if (fault?.kind === 'lie') return settle(entry, 'lied');
  change();
  settle(entry, 'done');
  world.changed();
}

/** A command that changed nothing meets its fault before its result line: held, late, refused or cut off. */
export async function weatherOnRead(session: Session, { operation }: Entry): Promise<void> {
  const fault = await session.world.faults.strike(operation);
  if (fault?.kind === 'slow') await session.world.clock.sleepMinutes(fault.amount ?? 1);
  if (fault?.kind === 'reset' || fault?.kind === 'reset-after-accept') {
    session.hangUp();
    throw new Cut();
  }
  if (fault?.kind === 'fail' || fault?.kind === 'error') throw deviceError(operation, fault.message);
}

const deviceError = (operation: string, message = 'The device reported an error.'): CommandError =>
  new CommandError([`Error:  '${operation.split(':')[1]}' failed. (300000 : LUNA_RET_DEVICE_ERROR)`, `Error:  ${message}`]);

/** Asks for `proceed`; anything else leaves things as they are. */
export async function confirm(session: Session, lines: string[], prompt = '          > '): Promise<void> {
  session.print(`\n${lines.join('\n')}\n`);
  const answer = await session.ask(prompt, 'plain');
  if (answer.trim().toLowerCase() !== 'proceed') throw new CommandError(['Command cancelled by user.']);
}
