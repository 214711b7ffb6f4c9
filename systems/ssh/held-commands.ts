import type ssh2 from 'ssh2';

type Send = (channel: number, command: string, wantsReply: boolean) => void;

/**
 * ssh2 opens a channel and requests the command as soon as that is open, in one call: a round trip lies in between. So each request is held where it would be
 * written, until its permit is there. Without one it is dropped.
 */
export function holdCommands(client: ssh2.Client, permit: (command: string) => Promise<void>): void {
  const protocol: unknown = Reflect.get(client, '_protocol');
  const send: unknown = protocol instanceof Object ? Reflect.get(protocol, 'exec') : undefined;
  if (!(protocol instanceof Object) || typeof send !== 'function') throw new Error('This version of ssh2 does not let commands be held: nothing can be run.');
  const held: Send = (...request) => {
    permit(request[1]).then(
      () => void send.apply(protocol, request),
      () => {},
    );
  };
  Reflect.set(protocol, 'exec', held);
}
