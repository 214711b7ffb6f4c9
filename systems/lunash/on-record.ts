import type { TargetRecord } from '../../stores/record/record.ts';
import type { Outcome } from './reading.ts';
import type { Answers, LunashSession } from './session.ts';

/**
 * A command that changes something and has no entry of its own: its text is on record before it is sent, since it goes on by itself whatever becomes of who sent
 * it. As `LunashSession.raw`.
 */
export async function rawOnRecord(session: LunashSession, record: TargetRecord<'hsm'>, command: string, answers: Answers = {}): Promise<Outcome> {
  await record.append('command-begun', { command });
  return session.raw(command, answers);
}

/** The same, where the command must succeed. */
export async function changeOnRecord(session: LunashSession, record: TargetRecord<'hsm'>, command: string, answers: Answers = {}): Promise<void> {
  session.mustHaveSucceeded(command, await rawOnRecord(session, record, command, answers));
}
