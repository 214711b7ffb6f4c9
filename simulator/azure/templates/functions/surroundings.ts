import { TemplateProblem } from '../problem.ts';
import type { Scope } from '../scope.ts';
import { type Arguments, many, type TemplateFunction, takes } from './arguments.ts';

/** Something that is not everywhere to be seen. */
function seen<Name extends keyof Scope>(scope: Scope, name: Name, called: string): NonNullable<Scope[Name]> {
  const found = scope[name];
  if (found === undefined || found === null)
    throw new TemplateProblem(`The template function '${called}' is not expected at this location. Please see https://aka.ms/arm-functions for usage details.`);
  return found;
}

function copyIndex(args: Arguments, { loops }: Scope): number {
  const named = typeof args.all[0] === 'string';
  const name = named ? args.text(0) : loops?.own;
  const offset = args.length > (named ? 1 : 0) ? args.integer(named ? 1 : 0) : 0;
  const index = name !== undefined && loops && Object.hasOwn(loops.indexes, name) ? loops.indexes[name] : undefined;
  if (index === undefined)
    throw new TemplateProblem(
      `The template function 'copyIndex' is not expected at this location${name === undefined ? '' : `: there is no loop '${name}'`}. The function can only be used in a resource with copy specified.`,
    );
  return index + offset;
}

/** `[subscription], [group], Namespace/type[/child], name[, child’s name]`. */
function resourceId(args: Arguments, { subscriptionId, group }: Scope): string {
  const texts = args.texts();
  const at = texts.findIndex((text) => text.includes('/'));
  if (at < 0 || at > 2) throw args.refused('it needs a resource type, such as Microsoft.Network/virtualNetworks');
  const [subscription, resourceGroup] = at === 2 ? [texts[0], texts[1]] : [subscriptionId, at === 1 ? texts[0] : group.name];
  const [namespace, ...types] = texts[at]!.split('/');
  const names = texts.slice(at + 1);
  if (types.length !== names.length)
    throw args.refused(`the type '${texts[at]}' requires ${types.length} resource name argument(s), and ${names.length} are given`);
  return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/${namespace}/${types.map((type, index) => `${type}/${names[index]}`).join('/')}`;
}

/** Functions on what is around an expression: parameters, loops, the group, other resources. */
export const surroundings: Record<string, TemplateFunction> = {
  parameters: takes(1, 1, (args, scope) => seen(scope, 'parameter', 'parameters')(args.text(0))),
  variables: takes(1, 1, (args, scope) => seen(scope, 'variable', 'variables')(args.text(0))),
  copyindex: takes(0, 2, copyIndex),
  resourcegroup: takes(0, 0, (_, { group }) => group),
  subscription: takes(0, 0, (_, { subscriptionId, tenantId }) => ({ id: `/subscriptions/${subscriptionId}`, subscriptionId, tenantId })),
  deployment: takes(0, 0, (_, { deployment }) => ({ name: deployment })),
  resourceid: takes(2, many, resourceId),
  reference: takes(1, 3, (args, scope) => {
    const full = args.length > 2;
    if (full && args.text(2).toLowerCase() !== 'full') throw args.refused("parameter 3 must be 'Full'");
    return seen(scope, 'reference', 'reference')(args.text(0), full);
  }),
  newguid: takes(0, 0, (_, scope) => seen(scope, 'once', 'newGuid').guid()),
  /** In the usual form only. */
  utcnow: takes(0, 0, (_, scope) =>
    seen(scope, 'once', 'utcNow')
      .now.toISOString()
      .replaceAll(/[-:]|\.\d+/g, ''),
  ),
};
