/**
 * What goes on by itself after one permit: it was sent by an attempt that was still the current one, and may finish long after that attempt was replaced. This
 * table is the only place that says how long, and what a later attempt does about it. `converge` refuses a permit for an act that its rule does not declare.
 */
export interface LastingAct {
  /** What is at work on the other side. */
  what: string;
  /** The longest it may be at work. `commandMs` is the longest that a LunaSH command may run (HSM_COMMAND_MS). */
  longestMs(commandMs: number): number;
  /**
   * `waits`: nothing shows whether it is still at work, so a later attempt waits for its longest run before it looks. `ends`: a program on the Windows host does
   * it to its end, so a later attempt looks at once where that program no longer runs; where it runs it is ended, and, since the HSM may still be at work for it,
   * or where the host cannot tell, its longest run is waited for. `looks`: the system itself tells, so a later attempt looks at once and polls.
   */
  successor: 'waits' | 'ends' | 'looks';
  /** How the later attempt ends it or finds out about it. */
  how: string;
}

const asLongAsACommand = (commandMs: number): number => commandMs;
const hours = (count: number) => (): number => count * 3_600_000;

export const lastingActs = {
  'lunash-command': {
    what: 'a LunaSH command, or the answer to one of its questions',
    longestMs: asLongAsACommand,
    successor: 'waits',
    how: 'Where the HSM is reached through the Windows host, the session is ended there, so that nothing that the host still holds arrives later. A command that arrived may still run: the appliance does not show commands of other sessions.',
  },
  'lunacm-script': {
    what: 'a lunacm script with a sign-in in it',
    longestMs: asLongAsACommand,
    successor: 'ends',
    how: 'lunacm is known by the path of its script in its command line, and ended. The script file is removed before anything else runs.',
  },
  'clientconfig-deploy': {
    what: '`clientconfig deploy` by lunacm',
    longestMs: asLongAsACommand,
    successor: 'ends',
    how: 'As with other lunacm scripts; its own connection to the HSM’s port 22 is ended, too. The certificate that it made is found among those set aside.',
  },
  'vtl-createcert': {
    what: '`vtl createcert` on the Windows host',
    longestMs: asLongAsACommand,
    successor: 'ends',
    how: 'vtl is known by its command line, and ended. The host’s own NTLS configuration is restored from its backup before anything else.',
  },
  'hsm-setup': {
    what: '`hsm/setup`: CipherTrust Manager checks the partition, answers, then wipes itself and restarts',
    longestMs: asLongAsACommand,
    successor: 'waits',
    how: 'The request is in the target record before it is sent; for a while after its longest run an unchanged certificate still says nothing.',
  },
  'service-restart': {
    what: 'a restart of CipherTrust Manager’s web service',
    longestMs: (commandMs) => 0.4 * commandMs,
    successor: 'looks',
    how: 'It presents another certificate, or none, when it restarts.',
  },
  'run-command': {
    what: 'a managed run command, which installs the Luna client',
    longestMs: hours(1),
    successor: 'looks',
    how: 'It has a name of its own in this run; Azure tells its state and ends it after an hour.',
  },
  'arm-deployment': {
    what: 'an ARM deployment',
    longestMs: hours(3),
    successor: 'looks',
    how: 'Azure tells its state; a later attempt attaches to one that has the same template and parameters.',
  },
  'arm-change': {
    what: 'any other change that Azure has accepted',
    longestMs: hours(1),
    successor: 'looks',
    how: 'The resource tells its provisioning state.',
  },
} as const satisfies Record<string, LastingAct>;

export type LastingActName = keyof typeof lastingActs;

/** How long a later attempt waits before it looks, because of what an earlier one may have left at work; the grace of its last permit comes on top. */
export const settlingMs = (acts: readonly LastingActName[], commandMs: number): number => longestOf(acts, ['waits', 'ends'], commandMs);

/** The same where no program of an earlier attempt runs on the Windows host any more. */
export const settlingAfterEndMs = (acts: readonly LastingActName[], commandMs: number): number => longestOf(acts, ['waits'], commandMs);

function longestOf(acts: readonly LastingActName[], successors: readonly LastingAct['successor'][], commandMs: number): number {
  const waitedFor = acts.map((name): LastingAct => lastingActs[name]).filter(({ successor }) => successors.includes(successor));
  return Math.max(0, ...waitedFor.map(({ longestMs }) => longestMs(commandMs)));
}
