import type { Hosts, Job, Pinned } from '../../../domain/results.ts';
import { settle } from '../../../simulator/ledger.ts';
import type { ApplianceState } from '../../../simulator/luna/state.ts';
import { execute } from '../../../simulator/windows/exec.ts';
import { LunaClient as SimulatedClient } from '../../../simulator/windows/luna-client.ts';
import type { World } from '../../../simulator/world.ts';
import type { Transcripts } from '../../../stores/reports/transcripts.ts';
import type { SecretStore } from '../../../stores/secrets/store.ts';
import { currentFence } from '../../../systems/fence.ts';
import type { LastingActName } from '../../../systems/lasting-acts.ts';
import { LunaClient } from '../../../systems/lunacm/luna-client.ts';
import { Luna } from '../../../systems/lunash/luna.ts';
import { LunashSession } from '../../../systems/lunash/session.ts';
import { Transcript } from '../../../systems/lunash/transcript.ts';
import type { Settings } from '../../../systems/settings.ts';
import type { Executed, SshConnection } from '../../../systems/ssh/connection.ts';
import { connectionLost } from '../../../systems/ssh/connection.ts';
import { type Windows, WindowsSession } from '../../../systems/windows/windows.ts';
import { actor } from './actor.ts';
import { LunashChannel } from './lunash-channel.ts';

interface Parts {
  world: World;
  settings: Settings;
  secrets: SecretStore;
  transcripts: Transcripts;
  violated: (what: string) => void;
}

/** No answer takes this long; a suspended attempt waits for none. */
const patience = { commandMs: 60_000, quietMs: 20 };

/** The product's access to the HSM and the Luna client, cut at the LunaSH channel and at the host's commands and files: no SSH and no sockets. */
export class MemoryLuna extends Luna {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    super({ ...parts, outbound: {} as never, windows: {} as Windows });
    this.#parts = parts;
  }

  override async shell<T>(_job: Job, hosts: Hosts, _step: string, _signal: AbortSignal, work: (session: LunashSession) => Promise<T>): Promise<T> {
    const { world, violated } = this.#parts;
    await actor().gate('open', 'lunash');
    const state = stateOf(world, hosts);
    const channel = new LunashChannel({ world, state, actor: actor(), fence: currentFence(), violated });
    const session = new LunashSession(channel, channel, new Transcript(), patience);
    channel.serve();
    try {
      if ((await session.start()) === 'forced') throw new Error('The appliance wants another password.');
      return await work(session);
    } finally {
      channel.end();
    }
  }

  override async fetch(_job: Job, hosts: Hosts, name: string): Promise<string> {
    await actor().gate('look', name);
    return stateOf(this.#parts.world, hosts).files[name] ?? '';
  }

  override async put(_job: Job, hosts: Hosts, name: string, content: string): Promise<void> {
    await currentFence().permit();
    if (!actor().spend()) this.#parts.violated(`${actor().name} sent ${name} without a permit`);
    const { world } = this.#parts;
    const state = stateOf(world, hosts);
    const entry = world.ledger.arrive({ system: 'luna-scp', connection: actor().name, operation: 'luna-scp:put', target: `${state.address}:${name}` });
    state.files[name] = content;
    settle(entry, 'done');
  }

  override async client<T>(
    job: Job,
    { windows }: Pick<Hosts, 'windows'>,
    _step: string,
    _signal: AbortSignal,
    work: (client: LunaClient) => Promise<T>,
  ): Promise<T> {
    const session = new MemoryWindowsSession(this.#parts, windows);
    const client = new LunaClient(session, new Transcript(), job.target);
    await client.tidy();
    return work(client);
  }
}

function stateOf(world: World, { hsm }: Hosts): ApplianceState {
  const state = world.appliances.get(hsm.address)?.state;
  if (!state) throw new Error(`There is no HSM at ${hsm.address}.`);
  return state;
}

/** The simulated host’s commands and files, without SSH in between. */
class MemoryWindowsSession extends WindowsSession {
  readonly #parts: Parts;
  readonly #client: SimulatedClient;

  constructor(parts: Parts, { address }: Pinned) {
    super({} as SshConnection, 'LunaAdmin');
    this.#parts = parts;
    const hosts = parts.world.state['windowsHosts'] as Record<string, ConstructorParameters<typeof SimulatedClient>[1]>;
    this.#client = new SimulatedClient(parts.world, hosts[address]!);
  }

  /** The files of a script have a name of their own, and are nobody else's before lunacm runs it: that is where to stop. */
  async #permitted(what: string, act?: LastingActName): Promise<void> {
    actor().passesGates = /^(?:writing|removing|icacls) .*\.lunacm/.test(what);
    try {
      await currentFence().permit(act);
    } finally {
      actor().passesGates = false;
    }
    if (!actor().spend()) this.#parts.violated(`${actor().name}: ${what.slice(0, 60)} without a permit`);
  }

  #heard(): void {
    if (!actor().losesAnswer) return;
    actor().losesAnswer = false;
    throw connectionLost('asking the Windows host', new Error('the connection was closed'));
  }

  #arrive(operation: string, target: string): void {
    settle(this.#parts.world.ledger.arrive({ system: 'windows', connection: actor().name, operation, target }), 'done');
  }

  override async exec(command: string, act?: LastingActName): Promise<Executed> {
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

  override async write(path: string, content: string): Promise<void> {
    await this.#permitted(`writing ${path}`);
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
