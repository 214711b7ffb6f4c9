import { type ApprovalView, type IncidentView, titleOf } from '../../domain/progress.ts';
import { wrap } from './format.ts';

const width = 100;

/** What a person must know before the HSM is erased: exactly which one, what is in it, what is lost. */
export function renderApproval({ id, question, loses, hsm, deadline, requestedBy, secondPerson }: ApprovalView): string[] {
  const partitions = hsm.partitions.map(({ name, serial, objects, usedBytes }) => `    ${name} (serial ${serial}): ${objects} objects, ${usedBytes} bytes`);
  const objects = hsm.partitions.reduce((sum, partition) => sum + partition.objects, 0);
  return [
    ...wrap(question, width),
    '',
    `  HSM serial   ${hsm.serial}`,
    `  Label        ${hsm.label || '(none)'}`,
    `  Firmware     ${hsm.firmware}`,
    `  Partitions   ${hsm.partitions.length}${hsm.partitions.length ? '' : ' (none)'}`,
    ...partitions,
    `  Objects      ${objects} (${hsm.bytesInUse} bytes in use)`,
    ...wrap(`What is lost: ${loses}`, width, '  '),
    `  Requested by ${requestedBy}${secondPerson ? ', so another person must approve' : ''}; decide before ${deadline} (${id})`,
  ];
}

/** What went wrong, who said so, and what may be decided. */
export function renderIncident({ id, step, problem, actions }: IncidentView): string[] {
  return [
    `Incident ${id} at "${titleOf(step)}":`,
    ...wrap(`Tried: ${problem.tried}`, width, '  '),
    ...wrap(`${problem.source} said: ${problem.seen}`, width, '  '),
    ...wrap(`What to do: ${problem.remedy}`, width, '  '),
    `  Possible decisions: ${actions.join(', ')}`,
  ];
}
