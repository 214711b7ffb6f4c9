import { wordsOf } from '../../domain/failure.ts';
import { type ApprovalView, type IncidentView, titleOf } from '../../domain/progress.ts';
import { wrap } from './format.ts';

const width = 100;

/** What a person must know before something is erased: exactly what, what is in it, what is lost. */
export function renderApproval({ id, question, loses, hsm, manager, deadline, requestedBy, secondPerson }: ApprovalView): string[] {
  return [
    ...wrap(question, width),
    '',
    ...(hsm ? renderHsm(hsm) : []),
    ...(manager ? renderManager(manager) : []),
    ...wrap(`What is lost: ${loses}`, width, '  '),
    `  Requested by ${requestedBy}${secondPerson ? '; another person must approve' : ''}. Decide before ${deadline} (${id}).`,
  ];
}

const some = (names: string[]): string => names.join(', ') || '(none)';

function renderManager({ name, address, version, users, keys, domains, hsms }: NonNullable<ApprovalView['manager']>): string[] {
  return [
    `  CipherTrust  ${name} at ${address}, version ${version}`,
    ...wrap(`Users        ${some(users)} besides admin`, width, '  '),
    `  Keys         ${keys ?? '(unknown)'}`,
    ...wrap(`Domains      ${some(domains)}`, width, '  '),
    ...wrap(`HSMs         ${some(hsms)}`, width, '  '),
  ];
}

function renderHsm(hsm: NonNullable<ApprovalView['hsm']>): string[] {
  const partitions = hsm.partitions.map(({ name, serial, objects, usedBytes }) => `    ${name} (serial ${serial}): ${objects} objects, ${usedBytes} bytes`);
  const objects = hsm.partitions.reduce((sum, partition) => sum + partition.objects, 0);
  return [
    `  HSM serial   ${hsm.serial}`,
    `  Label        ${hsm.label || '(none)'}`,
    `  Firmware     ${hsm.firmware}`,
    `  Partitions   ${hsm.partitions.length}${hsm.partitions.length ? '' : ' (none)'}`,
    ...partitions,
    `  Objects      ${objects} (${hsm.bytesInUse} bytes in use)`,
  ];
}

/** What went wrong, what the system itself said, and what may be decided. */
export function renderIncident({ id, step, problem, actions }: IncidentView): string[] {
  return [
    `Incident ${id} at "${titleOf(step)}" (${problem.code}):`,
    ...wrap(`Tried: ${problem.tried}`, width, '  '),
    ...wrap(`What happened: ${wordsOf(problem)}`, width, '  '),
    ...wrap(`What to do: ${problem.remedy}`, width, '  '),
    `  Possible decisions: ${actions.join(', ')}`,
  ];
}
