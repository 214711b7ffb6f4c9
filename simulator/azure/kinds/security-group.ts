import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine.ts';
import type { Resource } from '../state.ts';
import { asWritten } from '../wording.ts';
import type { Kind } from './kind.ts';
import { usual } from './usual.ts';

export interface SecurityRule {
  id?: string;
  name: string;
  properties: Record<string, unknown>;
}

export const rulesOf = ({ properties }: Resource): SecurityRule[] => (properties['securityRules'] ?? []) as SecurityRule[];

const words: Record<string, readonly string[]> = {
  direction: ['Inbound', 'Outbound'],
  access: ['Allow', 'Deny'],
  protocol: ['Tcp', 'Udp', 'Icmp', 'Esp', 'Ah'],
};

const written = (properties: SecurityRule['properties']): SecurityRule['properties'] =>
  Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, asWritten(value, words[name] ?? [])]));

const completeRule = (groupId: string, rule: SecurityRule): SecurityRule & { etag: string; type: string } => ({
  id: `${groupId}/securityRules/${rule.name}`,
  name: rule.name,
  etag: `W/"${randomUUID()}"`,
  type: 'Microsoft.Network/networkSecurityGroups/securityRules',
  properties: { ...written(rule.properties), provisioningState: 'Succeeded' },
});

export const findRule = (group: Resource, name: string): SecurityRule | undefined =>
  rulesOf(group).find((rule) => rule.name.toLowerCase() === name.toLowerCase());

/** Adds or replaces a rule of a group; what lies only answers so. */
export function putRule(engine: Engine, group: Resource, rule: SecurityRule, lies = false): { rule: SecurityRule; created: boolean } {
  const old = findRule(group, rule.name);
  const made = completeRule(group.id, rule);
  if (!lies) group.properties['securityRules'] = [...rulesOf(group).filter((other) => other !== old), made];
  engine.world.changed();
  return { rule: made, created: !old };
}

export const securityGroup: Kind = {
  ...usual,
  prepare(engine, resource, old) {
    resource.properties['securityRules'] = rulesOf(resource).map((rule) => completeRule(resource.id, rule));
    resource.properties['resourceGuid'] = old?.properties['resourceGuid'] ?? randomUUID();
    return engine.world.durations.networkSecurityGroup;
  },
};
