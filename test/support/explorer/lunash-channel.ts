import { EventEmitter } from 'node:events';
import type { ClientChannel } from 'ssh2';
import { firstSignIn } from '../../../simulator/luna/first-sign-in.ts';
import { runLine } from '../../../simulator/luna/lunash.ts';
import { CommandError, Cut, Interrupted, type Session } from '../../../simulator/luna/session.ts';
import { type ApplianceState, generationOf } from '../../../simulator/luna/state.ts';
import { wordsOf } from '../../../simulator/luna/words.ts';
import type { Entry } from '../../../simulator/request-log.ts';
import type { World } from '../../../simulator/world.ts';
import type { Fence, Wire } from '../../../systems/fence.ts';
import type { Terminal } from '../../../systems/lunash/session.ts';
import type { Actor } from './actor.ts';

interface Parts {
  world: World;
  state: ApplianceState;
  actor: Actor;
  fence: Fence;
  violated: (what: string) => void;
}

/** What the appliance presents. */
export const hostKey = 'SHA256:hsm';

/** A connection to the appliance that is signed in: its shell speaks with the simulated LunaSH. */
export class LunashConnection extends EventEmitter implements Wire {
  readonly pin = hostKey;
  readonly #parts: Parts;
  readonly #channels: LunashChannel[] = [];

  constructor(parts: Parts) {
    super();
    this.#parts = parts;
  }

  async shell<T>(attach: (channel: ClientChannel) => T): Promise<T> {
    const channel = new LunashChannel(this.#parts, () => this.end());
    this.#channels.push(channel);
    const session = attach(channel as unknown as ClientChannel);
    channel.serve();
    return session;
  }

  async permit(act?: Parameters<Fence['permit']>[0]): Promise<void> {
    try {
      await this.#parts.fence.permit(act);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  end(): void {
    for (const channel of this.#channels) channel.close();
    this.emit('close');
  }

  onceClosed(listener: () => void): void {
    this.once('close', listener);
  }
}

/** A LunaSH session with the simulated appliance's commands behind it, and no socket in between. What LunaSH prints arrives when it waits for a line. */
class LunashChannel extends EventEmitter implements Terminal {
  readonly #parts: Parts;
  readonly #hangUp: () => void;
  #printed = '';
  #closed = false;
  #reading: { resolve: (line: string) => void; reject: (error: Error) => void; echo: string } | undefined;

  constructor(parts: Parts, hangUp: () => void) {
    super();
    this.#parts = parts;
    this.#hangUp = hangUp;
  }

  /** Greets and serves; to be called once somebody listens. */
  serve(): void {
    const { world, state } = this.#parts;
    const session = this.#session();
    session.print(`Last login: never\n\n${wordsOf(world).banner}\n`);
    const line = async (): Promise<boolean> => {
      try {
        return await runLine(session, (operation) => this.#arrive(operation), await session.ask(`\n[${state.hostname}] lunash:>`, 'plain'));
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        session.print('^C\n');
        return true;
      }
    };
    const lines = async () => {
      if (state.users[0]!.mustChange) {
        session.entry = this.#arrive('lunash:first sign-in');
        await firstSignIn(session, session.entry);
        session.entry = undefined;
      }
      while (await line());
    };
    lines().catch((error: unknown) => {
      if (!(error instanceof Cut || error instanceof CommandError)) this.#parts.violated(`the simulator failed: ${error}`);
    });
  }

  write(text: string): void {
    const { actor, violated } = this.#parts;
    if (this.#closed) return;
    const reading = this.#reading;
    if (!actor.spend()) violated(`${actor.name} typed ${JSON.stringify(text.slice(0, 12))}… without a permit of its own`);
    if (!reading) {
      violated(`${actor.name} typed though LunaSH was not waiting`);
      return;
    }
    this.#reading = undefined;
    if (text === '\x03') {
      reading.reject(new Interrupted());
      return;
    }
    const line = text.replace(/\r$/, '');
    this.#printed += `${reading.echo === 'plain' ? line : '*'.repeat(line.length)}\n`;
    reading.resolve(line);
  }

  end(): void {
    this.#hangUp();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reading?.reject(new Cut());
    this.emit('close');
  }

  #arrive(operation: string): Entry {
    const { world, state, actor } = this.#parts;
    return world.requestLog.arrive({ system: 'lunash', connection: actor.name, operation, target: state.address });
  }

  #session(): Session {
    const { world, state } = this.#parts;
    let signedInAt: number | undefined;
    const session: Session = {
      world,
      state,
      user: 'tenantadmin',
      entry: undefined,
      get soSignedIn() {
        return signedInAt === generationOf(state);
      },
      set soSignedIn(signedIn) {
        signedInAt = signedIn ? generationOf(state) : undefined;
      },
      print: (text) => {
        this.#printed += text;
      },
      ask: (prompt, echo) => {
        if (session.entry) session.entry.questions = (session.entry.questions ?? 0) + 1;
        return this.#ask(prompt, echo);
      },
      hangUp: () => this.end(),
    };
    return session;
  }

  #ask(prompt: string, echo: string): Promise<string> {
    const { actor } = this.#parts;
    const text = this.#printed + prompt;
    this.#printed = '';
    if (actor.answerIsLost()) this.end();
    if (this.#closed) return Promise.reject(new Cut());
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject, echo };
      this.emit('data', Buffer.from(text.replaceAll('\n', '\r\n')));
    });
  }
}
