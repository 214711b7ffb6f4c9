import type { Progress } from '../../domain/progress.ts';

/** Is this its id? A short one (`incident-1`) leaves out what the id says besides the number: of the run, or of what is asked about. */
export const isNamed = (short: string) => (view: { id: string }) => view.id === short || view.id.startsWith(`${short}-`);

/** The whole id of what is open or was; what there is not stays as it is written. */
export const wholeId = (progress: Pick<Progress, 'incidents' | 'approvals'> | undefined, short: string): string =>
  [...(progress?.incidents ?? []), ...(progress?.approvals ?? [])].find(isNamed(short))?.id ?? short;

/** An id without what it says besides the number. */
export const shortId = ({ id }: { id: string }): string => id.replace(/-\w+$/, '');
