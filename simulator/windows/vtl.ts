import { X509Certificate } from 'node:crypto';
import { settle } from '../request-log.ts';
import type { LunaClient } from './luna-client.ts';
import type { Caller } from './lunacm/verb.ts';
import { clientFolder } from './state.ts';

/** `vtl`, as it is installed in a folder: makes certificates, knows servers, and shows what can be seen. It goes on when the connection that started it is cut. */
export async function vtl(client: LunaClient, args: string[], { connection, hangUp, isStopped }: Caller, home: string): Promise<string> {
  const verb = (args[0] ?? '').toLowerCase();
  const option = (name: string) => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const entry = client.world.requestLog.arrive({ system: 'vtl', connection, operation: `vtl:${verb}`, target: client.state.address });
  const fault = await client.world.faults.strike(entry.operation);
  if (fault?.kind === 'reset' || fault?.kind === 'reset-after-accept') hangUp();
  if (fault?.kind === 'reset') {
    settle(entry, 'cut');
    return '';
  }
  if (fault?.kind === 'slow') await client.world.clock.sleepMinutes(fault.amount ?? 1);
  if (isStopped?.()) {
    settle(entry, 'cut');
    return '';
  }
  settle(entry, fault?.kind === 'lie' ? 'lied' : 'done');
  client.world.changed();
  switch (verb) {
    case 'createcert': {
      const name = option('-n') ?? '';
      const { variants } = client.world;
      if (option('-d') !== undefined && variants['vtl.days'] === 'refused') return 'Error: Unknown option -d\n';
      const keyFormat = home === clientFolder ? (variants['vtl.keyFormat'] ?? 'plain') : 'plain';
      const how = { folder: home, keyFormat, isOwn: variants['vtl.createcert'] !== 'keeps' };
      if (fault?.kind !== 'lie') await client.createCertificate(name, Number(option('-d') ?? 365), how);
      const folder = `${home}\\cert\\client`;
      return `Private Key created and written to: ${folder}\\${name}Key.pem\nCertificate created and written to: ${folder}\\${name}.pem\n`;
    }
    case 'addserver':
      client.addServer(option('-n') ?? '', client.files.text(option('-c') ?? '') ?? '');
      return `\nNew server ${option('-n')} successfully added to server list.\n`;
    case 'listservers':
      return client.setting('ServerName00') ? `Server: ${client.setting('ServerName00')}  HTL required: no\n` : 'There are no servers registered.\n';
    case 'deleteserver':
      client.set('ServerName00', '');
      return `Server: ${option('-n')} successfully removed from server list.\n`;
    case 'fingerprint':
      return `Certificate fingerprint: ${new X509Certificate(client.files.text(option('-c') ?? option('-f') ?? '') ?? '').fingerprint256}\n`;
    case 'verify': {
      const slots = client.slots();
      if (slots.length === 0) return 'Error: Unable to find any Luna SA slots/partitions among registered server.\n';
      return `\nThe following Luna SA Slots/Partitions were found:\n\nSlot    Serial #                Label\n====    ================        =====\n${slots.map(({ serial, label }, slot) => `   ${slot}    ${serial.padStart(16)}        ${label}`).join('\n')}\n`;
    }
    default:
      return `Error: unknown command ${args[0]}\n`;
  }
}
