import { type Entry, settle } from '../request-log.ts';
import { clientCommands } from './commands/client.ts';
import type { Command } from './commands/command.ts';
import { hsmCommands } from './commands/hsm.ts';
import { partitionCommands } from './commands/partition.ts';
import { systemCommands } from './commands/system.ts';
import { readOptions, words } from './parse.ts';
import { CommandError, Cut, Interrupted, type Session, weatherOnRead } from './session.ts';
import { wordsOf } from './words.ts';

/** Every command that LunaSH knows. */
export const commands: readonly Command[] = [...hsmCommands, ...partitionCommands, ...clientCommands, ...systemCommands];
const usedInLedger = (command: Command, values: string[]): string =>
  [...command.words, ...(command.words[0] === 'service' || command.words[1] === 'hostip' ? values.slice(0, 2) : [])].join(' ');

/** The command that is meant: each word may be shortened while only one command fits. */
function resolve(line: string[]): { command: Command; rest: string[] } | undefined {
  const fitting = commands.filter((command) =>
    command.words.every((word, at) => line[at] !== undefined && word.toLowerCase().startsWith(line[at].toLowerCase())),
  );
  const exact = fitting.filter((command) => command.words.every((word, at) => word.toLowerCase() === line[at]!.toLowerCase()));
  const command = exact[0] ?? (fitting.length === 1 ? fitting[0] : undefined);
  return command && { command, rest: line.slice(command.words.length) };
}

/** Runs one line and prints what LunaSH prints of it, result line included. False when the session is over. */
export async function runLine(session: Session, arrive: (operation: string) => Entry, text: string): Promise<boolean> {
  const line = words(text);
  const { result } = wordsOf(session.world);
  if (line.length === 0 || line[0]!.toLowerCase() === 'quit') return true;
  if (line[0]!.toLowerCase() === 'exit') return false;
  if (['help', '?'].includes(line[0]!)) {
    session.print(`\nThe following top-level commands are available:\n\n${[...new Set(commands.map((command) => `  ${command.words[0]}`))].join('\n')}\n`);
    return true;
  }
  const found = resolve(line);
  if (!found) {
    session.print(`\nError:  '${line[0]}' is not recognized as a LunaSH command.\n\n${result}65535 (Luna Shell execution)\n`);
    return true;
  }
  const { command, rest } = found;
  const values = rest.slice(0, command.positional ?? 0).filter((value) => !value.startsWith('-'));
  const entry = (session.entry = arrive(`lunash:${usedInLedger(command, values)}`));
  try {
    await command.run(session, readOptions(rest.slice(values.length), command.options), entry, values);
    if (entry.outcome === 'received') {
      await weatherOnRead(session, entry);
      settle(entry, 'done');
    }
    session.print(`\n\n${result}0 (Success)\n`);
  } catch (error) {
    if (error instanceof Interrupted) settle(entry, 'refused', 'interrupted');
    if (error instanceof Cut) {
      if (entry.outcome === 'received') settle(entry, 'cut');
      return false;
    }
    if (!(error instanceof CommandError)) throw error;
    settle(entry, 'refused', error.lines[0] ?? '');
    session.print(`\n\n${error.lines.join('\n')}\n\n\n${result}${error.result === 0 ? '0 (Success)' : '65535 (Luna Shell execution)'}\n`);
  } finally {
    session.entry = undefined;
  }
  session.world.changed();
  return true;
}
