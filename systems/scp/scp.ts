import { refused } from '../../domain/failure.ts';
import type { SshConnection } from '../ssh/connection.ts';
import { Rcp } from './rcp.ts';

/** Names reach a shell or something like it on the other side: nothing that means more than itself there, no folder, no option. */
const harmless = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

function needHarmless(name: string): void {
  if (harmless.test(name)) return;
  throw refused({
    code: 'HSM_COMMAND_FAILED',
    tried: `scp of ${JSON.stringify(name)}`,
    summary: 'the name has letters that a shell could take for more than a name',
    remedy: 'Nothing was sent. Use letters, digits, dots, dashes and underscores.',
  });
}

/** `scp -O host:name .`: the text of a file of the signed-in user. Appliances have no SFTP. */
export async function fetchFile(connection: SshConnection, name: string): Promise<string> {
  needHarmless(name);
  const rcp = await connection.channel(`scp -f ${name}`, (channel) => new Rcp(channel, connection, `fetching ${name} with scp`));
  return (await rcp.receive(name)).toString('utf8');
}

/** `scp -O name host:`: puts a file into the area of the signed-in user. */
export async function putFile(connection: SshConnection, name: string, content: string): Promise<void> {
  needHarmless(name);
  const rcp = await connection.channel(`scp -t ${name}`, (channel) => new Rcp(channel, connection, `putting ${name} with scp`));
  await rcp.send(name, Buffer.from(content));
}
