import { PassThrough } from 'node:stream';
import type { Endpoints, StepContext } from '../../../domain/results.ts';
import type { ApplianceState } from '../../../simulator/luna/state.ts';
import { settle } from '../../../simulator/request-log.ts';
import { execute } from '../../../simulator/windows/exec.ts';
import { LunaClient as SimulatedClient } from '../../../simulator/windows/luna-client.ts';
import type { World } from '../../../simulator/world.ts';
import type { Records } from '../../../stores/record/record.ts';
import type { Transcripts } from '../../../stores/reports/transcripts.ts';
import type { SecretStore } from '../../../stores/secrets/store.ts';
import { currentFence, type Sending, type Wire } from '../../../systems/fence.ts';
import { Luna } from '../../../systems/lunash/luna.ts';
import type { Outbound } from '../../../systems/outbound.ts';
import type { Settings } from '../../../systems/settings.ts';
import { connectionLost, type Executed, SignInRefused, type SshConnection, type SshTarget } from '../../../systems/ssh/connection.ts';
import { type Windows, WindowsSession } from '../../../systems/windows/windows.ts';
import { actor } from './actor.ts';
import { hostKey, LunashConnection } from './lunash-channel.ts';

interface Parts {
  world: World;
  settings: Settings;
  secrets: SecretStore;
  transcripts: Transcripts;
  violated: (what: string) => void;
  records: Records;
}

/** No answer takes this long; a suspended attempt waits for none. */
const commandMs = 60_000;

/** The product's access to the HSM and the Luna client, cut at the sign-in over SSH and at the host's commands and files: no sockets. */
export class MemoryLuna extends Luna {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    const windows: Windows = {
      open: async (_, { address }) => new MemoryWindowsSession(parts, address),
      socket: async () => new PassThrough(),
    };
    const signIn = async (target: SshTarget) => (await signedIn(parts, target)) as unknown as SshConnection;
    super({ ...parts, settings: { ...parts.settings, commandMs }, outbound: {} as Outbound, windows, signIn });
    this.#parts = parts;
  }

  override async fetch(hosts: StepContext & Endpoints, name: string): Promise<string> {
    await actor().gate('look', name);
    return stateOf(this.#parts.world, hosts).files[name] ?? '';
  }

  override async put(hosts: StepContext & Endpoints, name: string, content: string): Promise<void> {
    await currentFence().permit();
    if (!actor().spend()) this.#parts.violated(`${actor().name} sent ${name} without a permit`);
    const { world } = this.#parts;
    const state = stateOf(world, hosts);
    const entry = world.requestLog.arrive({ system: 'luna-scp', connection: actor().name, operation: 'luna-scp:put', target: `${state.address}:${name}` });
    state.files[name] = content;
    settle(entry, 'done');
    if (actor().answerIsLost()) throw connectionLost(`putting ${name} with scp`, new Error('the connection was closed'));
  }
}

/** What `Luna` needs of a connection to the appliance. */
type Connection = Wire & Pick<SshConnection, 'pin' | 'shell' | 'end' | 'onceClosed'>;

/** The sign-in leaves under a permit of its own; whoever offers a wrong password is told so. */
async function signedIn({ world, violated }: Parts, { name, password, beforeSignIn, beforePassword }: SshTarget): Promise<Connection> {
  const fence = currentFence();
  await beforeSignIn?.(hostKey);
  await beforePassword?.();
  await fence.permit();
  if (!actor().spend()) violated(`${actor().name} signed in to ${name} without a permit`);
  const { state } = world.appliances.get(addressOf(name))!;
  const entry = world.requestLog.arrive({ system: 'luna-ssh', connection: actor().name, operation: 'luna-ssh:sign-in', target: state.address });
  const isGood = state.users[0]!.password === password;
  settle(entry, isGood ? 'done' : 'refused');
  if (actor().answerIsLost()) throw connectionLost(`signing in to ${name}`, new Error('the connection was closed'));
  if (!isGood) throw new SignInRefused(`${name} refuses the password`, hostKey);
  return new LunashConnection({ world, state, actor: actor(), fence, violated });
}

const addressOf = (name: string): string => name.split(' ').at(-1)!;

function stateOf(world: World, { hsm }: Endpoints): ApplianceState {
  const state = world.appliances.get(hsm.address)?.state;
  if (!state) throw new Error(`There is no HSM at ${hsm.address}.`);
  return state;
}

/** The simulated host’s commands and files, without SSH in between. */
class MemoryWindowsSession extends WindowsSession {
  readonly #parts: Parts;
  readonly #client: SimulatedClient;

  constructor(parts: Parts, address: string) {
    super({} as SshConnection, 'LunaAdmin');
    this.#parts = parts;
    const hosts = parts.world.state['windowsHosts'] as Record<string, ConstructorParameters<typeof SimulatedClient>[1]>;
    this.#client = new SimulatedClient(parts.world, hosts[address]!);
  }

  /** The files of a script have a name of their own, and are nobody else's before lunacm runs it: that is where to stop. */
  async #permitted(what: string, act?: Sending): Promise<void> {
    actor().passesGates = /^(?:writing|removing|icacls) .*\.lunacm/.test(what);
    try {
      await currentFence().permit(act);
    } finally {
      actor().passesGates = false;
    }
    if (!actor().spend()) this.#parts.violated(`${actor().name}: ${what.slice(0, 60)} without a permit`);
  }

  #heard(): void {
    if (actor().answerIsLost()) throw connectionLost('asking the Windows host', new Error('the connection was closed'));
  }

  #arrive(operation: string, target: string): void {
    settle(this.#parts.world.requestLog.arrive({ system: 'windows', connection: actor().name, operation, target }), 'done');
  }

  override async exec(command: string, act?: Sending): Promise<Executed> {
    await this.#permitted(command, act);
    this.#arrive('windows:exec', this.#client.state.address);
    const { output, exitCode } = await execute(this.#client, command, { connection: actor().name, hangUp: () => {} }, '');
    this.#heard();
    return { output, code: exitCode };
  }

  override async read(path: string): Promise<string | undefined> {
    await actor().gate('look', path);
    return this.#client.files.text(path);
  }

  override async list(folder: string): Promise<string[]> {
    await actor().gate('look', folder);
    return this.#client.files.list(folder);
  }

  override async write(path: string, content: string, act?: Sending): Promise<void> {
    await this.#permitted(`writing ${path}`, act);
    if (content !== '') this.#arrive('windows:sftp put', path);
    this.#client.files.write(path, content);
    this.#heard();
  }

  override async remove(path: string): Promise<boolean> {
    await this.#permitted(`removing ${path}`);
    this.#client.files.remove(path);
    this.#heard();
    return true;
  }

  override end(): void {}
}
