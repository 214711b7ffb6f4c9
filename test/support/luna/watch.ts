import { isDeepStrictEqual } from 'node:util';
import type { ApprovalView, IncidentView } from '../../../domain/progress.ts';
import type { ProvisioningRequest } from '../../../domain/request.ts';
import { usedBytes } from '../../../simulator/luna/state.ts';
import type { Entry } from '../../../simulator/request-log.ts';
import { type Purpose, type SecretStore, secretName } from '../../../stores/secrets/store.ts';
import type { LunaWorld } from './luna-world.ts';

/** Everything that a job may ask of the appliance; what is not here must never arrive. */
const allowed = [
  'first sign-in',
  'network show',
  'status date',
  ...['show', 'init', 'login', 'changePolicy'].map((verb) => `hsm ${verb}`),
  ...['create', 'list', 'show'].map((verb) => `partition ${verb}`),
  ...['list', 'show', 'fingerprint', 'register', 'assignPartition', 'delete', 'hostip map', 'hostip unmap', 'hostip show'].map((verb) => `client ${verb}`),
  ...['time', 'regenCert'].map((verb) => `sysconf ${verb}`),
  'ntls show',
  'ntls bind',
  'service status ntls',
  'service restart ntls',
];

/** Looks over the job’s shoulder, from the appliance’s side: what must never happen is written down the moment it does. */
export class Watch {
  readonly violations: string[] = [];
  readonly incidents: IncidentView[] = [];
  /** What somebody else did. */
  readonly othersDid: string[] = [];
  readonly #world: LunaWorld;
  readonly #target: string;
  readonly #request: ProvisioningRequest;
  readonly #secrets: SecretStore;
  readonly approvals: ApprovalView[] = [];
  readonly #attemptsAtLogin = new Map<Entry, number>();
  /** Each lets the job sign in as SO once more, should the password be wrong. */
  #decisions = 1;

  constructor(world: LunaWorld, target: string, request: ProvisioningRequest, secrets: SecretStore) {
    this.#world = world;
    this.#target = target;
    this.#request = request;
    this.#secrets = secrets;
  }

  note(violation: string): void {
    this.violations.push(violation);
  }

  approved(approval: ApprovalView): void {
    this.approvals.push(approval);
  }

  incident(incident: IncidentView): void {
    this.incidents.push(incident);
  }

  decided(): void {
    this.#decisions += 1;
  }

  others(act: string): void {
    this.othersDid.push(act);
  }

  arrived(entry: Entry): void {
    if (entry.system === 'lunash' && !allowed.some((command) => entry.operation === `lunash:${command}`)) this.note(`${entry.operation} was asked for`);
    if (entry.operation === 'lunash:hsm login') this.#attemptsAtLogin.set(entry, this.#state.hsm.soAttemptsLeft);
  }

  /** Something is about to take effect. */
  struck(operation: string): void {
    const { hsm, clients } = this.#state;
    const ours = hsm.partitions.find(({ name }) => name === this.#request.hsm.partition.name);
    if (operation === 'lunash:hsm init' && !hsm.zeroized) this.note(`hsm init on an HSM that is not zeroized but labeled ${hsm.label}`);
    if (operation === 'lunash:hsm changePolicy' && !this.approvals.some((approval) => this.#shows(approval)))
      this.note(`changePolicy would erase what nobody approved: ${JSON.stringify(hsm.partitions.map(({ name, objects }) => [name, objects.length]))}`);
    if (operation === 'lunash:sysconf regenCert' && clients.length > 0) this.note(`a new certificate cuts off ${clients.map(({ name }) => name).join(', ')}`);
    if (operation === 'lunacm:partition init' && ours && (ours.label !== '' || ours.objects.length > 0))
      this.note(`partition init on the partition “${ours.label}” with ${ours.objects.length} objects`);
  }

  /** What must hold once the job says that all is done. */
  async completed(): Promise<void> {
    const { hsm, users, clients, ntls, clock } = this.#state;
    const kept = (purpose: Purpose) => this.#secrets.get(secretName(this.#target, purpose));
    const partitions = hsm.partitions.filter(({ name }) => name === this.#request.hsm.partition.name);
    const [partition] = partitions;
    const held: [string, boolean][] = [
      ['the kept appliance password opens the appliance', users[0]!.password === (await kept('appliance-password'))],
      ['the HSM has our label', !hsm.zeroized && hsm.label === this.#request.hsm.label],
      ['the kept SO password opens the HSM', hsm.soPassword === (await kept('hsm-so-password'))],
      ['the cloning domain is the kept one', hsm.domain === (await kept('hsm-domain'))],
      ['FIPS mode is as asked', hsm.fips || !this.#request.hsm.fips],
      ['there is one partition of our name and size', partitions.length === 1 && partition!.sizeBytes === this.#request.hsm.partition.sizeBytes],
      ['the kept partition SO password opens it', partition?.poPassword === (await kept('partition-so-password'))],
      ['its domain is the kept one', partition?.domain === (await kept('partition-domain'))],
      ['the kept crypto officer password opens it', partition?.coPassword === (await kept('crypto-officer-password')) && !partition?.coMustChange],
      [
        'both clients are registered for it',
        [this.#request.lunaClient.address, this.#request.cipherTrust.vmName].every((name) =>
          clients.some((client) => client.name === name && client.partitions.includes(this.#request.hsm.partition.name)),
        ),
      ],
      ['NTLS serves the appliance’s certificate', ntls.running && ntls.active?.certificatePem === this.#state.server.certificatePem],
      ['the clock is right', Math.abs(clock.skewMinutes) <= 5],
    ];
    for (const [what, holds] of held) if (!holds) this.note(`not true at the end: ${what}`);
    this.#counted();
  }

  #counted(): void {
    const { counts } = this.#state;
    const did = (what: string) => this.othersDid.filter((act) => act === what).length;
    const [rebuilt, erased] = [did('zeroize'), did('zeroize') + did('initialize-hsm') + did('turn-on-fips') + did('delete-partition')];
    const zeroizes = this.#world.variants['luna.changePolicy'] === 'zeroizes' ? counts.policyChanges : 0;
    const refused = [...this.#attemptsAtLogin].filter(([{ outcome, detail }]) => outcome === 'refused' && /PIN_INCORRECT/.test(detail ?? ''));
    const most: [string, number, number][] = [
      ['hsm init', counts.inits, 1 + rebuilt + zeroizes],
      ['zeroized', counts.zeroizations, rebuilt + zeroizes],
      ['changePolicy', counts.policyChanges, this.approvals.length],
      ['partition create', counts.partitionsCreated, 1 + erased],
      ['role init co', this.#done('lunacm:role init'), 1 + erased],
      ['wrong SO passwords', refused.length, this.#decisions],
    ];
    for (const [what, times, limit] of most) if (times > limit) this.note(`${what}: ${times} times, ${limit} at most`);
    for (const [, left] of refused) if (left !== 3) this.note(`a wrong SO password at ${left} attempts left`);
  }

  #done(operation: string): number {
    return this.#world.requestLog.entries.filter((entry) => entry.operation === operation && entry.outcome === 'done').length;
  }

  #shows({ hsm: shown }: ApprovalView): boolean {
    const { hsm } = this.#state;
    const partitions = hsm.partitions.map((partition) => ({
      serial: partition.serial,
      name: partition.name,
      objects: partition.objects.length,
      usedBytes: usedBytes(partition),
    }));
    return shown?.label === hsm.label && shown.serial === hsm.serial && isDeepStrictEqual(shown.partitions, partitions);
  }

  get #state() {
    return this.#world.appliance.state;
  }
}
