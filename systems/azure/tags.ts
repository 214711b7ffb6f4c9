import type { StepContext } from '../../domain/results.ts';

const mark = 'provisioner';

/** On everything that a job creates: the user’s tags, and whose it is. */
export const tagsOf = ({ target, request }: Pick<StepContext, 'target' | 'request'>): Record<string, string> => ({ ...request.azure.tags, [mark]: target });

/** The user’s tags and the mark, with these beside them where the user has none of that name, however written. */
export function tagsWith(job: Pick<StepContext, 'target' | 'request'>, usual: Record<string, string>): Record<string, string> {
  const tags = tagsOf(job);
  const known = Object.keys(tags).map((name) => name.toLowerCase());
  return { ...Object.fromEntries(Object.entries(usual).filter(([name]) => !known.includes(name.toLowerCase()))), ...tags };
}

/** Whose a resource is; the user’s where there is no mark. Azure takes the names of tags in any case. */
export const ownerTag = (tags: Record<string, string> | undefined): string | undefined => tagNamed(tags, mark);

const tagNamed = (tags: Record<string, string> | undefined, wanted: string): string | undefined =>
  Object.entries(tags ?? {}).find(([name]) => name.toLowerCase() === wanted)?.[1];

/** The other target that a resource belongs to, if it does. What carries no mark belongs to the user, and is kept. */
export function otherOwner(tags: Record<string, string> | undefined, target: string): string | undefined {
  const owner = ownerTag(tags);
  return owner !== undefined && owner !== target ? owner : undefined;
}

const createMark = 'provisioner-create';

/** On what a request creates: the random value that was entered in the target record before the request. */
export const createTag = (value: string): Record<string, string> => ({ [createMark]: value });

/** That value; undefined where there is none. */
export const createTagIn = (tags: Record<string, string> | undefined): string | undefined => tagNamed(tags, createMark);

/** What is changed, opened or switched off must carry the target’s mark: a name alone proves nothing. Why it may not be, and both ways out; nothing where it may. */
export function notOwn(tags: Record<string, string> | undefined, target: string): { summary: string; remedy: string } | undefined {
  const owner = ownerTag(tags);
  if (owner === target) return undefined;
  if (owner !== undefined) return { summary: `it belongs to ${owner}`, remedy: 'Abort, and send the request again with another name.' };
  return {
    summary: `it is not this job’s: it lacks the tag ${mark}, and is left as it is`,
    remedy: `To let this job have it, give it the tag ${mark}=${target}, then retry; or abort, and send the request again with another name.`,
  };
}
