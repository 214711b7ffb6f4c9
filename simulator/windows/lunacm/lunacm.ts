import { settle } from '../../request-log.ts';
import type { LunaClient } from '../luna-client.ts';
import { slotsOf } from '../slots.ts';
import { partitionVerbs } from './partition.ts';
import { roleVerbs } from './roles.ts';
import { slotList, slotVerbs } from './slots.ts';
import { type Caller, Failed, fail, type Options, type Session, type Verb } from './verb.ts';

/** Every command that lunacm knows. */
export const verbs: Readonly<Record<string, Verb>> = { ...slotVerbs, ...partitionVerbs, ...roleVerbs };

const splitWords = (line: string): string[] => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

function readOptions(verb: Verb, args: string[]): Options {
  const options: Options = {};
  for (let at = 0; at < args.length; at++) {
    const given = args[at]!.replace(/^-/, '').toLowerCase();
    const [name] = Object.entries(verb.options).find(([full, short]) => full === given || short === given) ?? [];
    if (name) options[name] = args[++at];
    else if (verb.switches?.includes(given)) options[given] = given;
    else fail('0x7 (CKR_ARGUMENTS_BAD)', `Invalid option ${args[at]}`);
  }
  return options;
}

/** Runs lines in one session of lunacm and gives what it prints. */
export async function lunacm(client: LunaClient, lines: string[], caller: Caller, quiet: boolean): Promise<string> {
  const session: Session = { caller, slots: slotsOf(client, caller.connection), slot: 0 };
  let output = quiet ? '' : `lunacm (64-bit) v${client.state.lunaClient?.version}-226. Copyright (c) 2018 SafeNet. All rights reserved.\n\n`;
  const print = (text: string) => {
    output += text;
  };
  if (!quiet) slotList({ print, session });
  for (const line of lines.map((text) => text.trim()).filter(Boolean)) {
    if (/^exit$/i.test(line) || caller.isStopped?.()) break;
    print(`\nlunacm:>${line}\n`);
    print(await one(client, splitWords(line), session));
  }
  return output;
}

async function one(client: LunaClient, line: string[], session: Session): Promise<string> {
  const name = `${line[0]} ${line[1] ?? ''}`.toLowerCase().replace('par con', 'partition contents').replace(/^par /, 'partition ');
  const verb = verbs[name];
  if (!verb) return '\n  Unknown command.\n\nCommand Result : 0x1 (Unknown command)\n';
  let output = '';
  const entry = client.world.requestLog.arrive({
    system: 'lunacm',
    connection: session.caller.connection,
    operation: `lunacm:${name}`,
    target: client.state.address,
  });
  await client.world.faults.hold('arrived ', entry.operation);
  if (session.caller.isStopped?.()) {
    settle(entry, 'cut');
    return '';
  }
  try {
    await verb.run({ client, entry, session, print: (text) => (output += text) }, readOptions(verb, line.slice(2)));
    if (entry.outcome === 'received') settle(entry, 'done');
    return `${output}\nCommand Result : No Error\n`;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    settle(entry, 'refused', error.message || error.result);
    return `${output}\n  ${error.message ? `Error in execution: ${error.message}` : ''}\n\nCommand Result : ${error.result}\n`;
  }
}
