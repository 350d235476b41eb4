import { at, record, sameJson, text } from '../store/fields.ts';

const isExternal = (type: string): boolean => type === 'NodePort' || type === 'LoadBalancer';
const isBalanced = (type: string): boolean => type === 'LoadBalancer';
const isNamed = (type: string): boolean => type === 'ExternalName';
const isAddressed = (type: string): boolean => type !== 'ExternalName';

/** Fields of a service's spec that only some types have, and those types. */
const TYPE_FIELDS: readonly (readonly [field: string, has: (type: string) => boolean])[] = [
  ['externalTrafficPolicy', isExternal],
  ['internalTrafficPolicy', isAddressed],
  ['allocateLoadBalancerNodePorts', isBalanced],
  ['loadBalancerClass', isBalanced],
  ['healthCheckNodePort', isBalanced],
  ['externalName', isNamed],
];

/**
 * A v1 Service whose type changes, without the fields of its old type that the new one does not have and that the writer has
 * left as they were; what the writer has set itself stays, to be refused.
 */
export const withoutTypeFields = (service: object, old: object): object => {
  const [spec, before] = [record(at(service, 'spec')), record(at(old, 'spec'))];
  const [type, oldType] = [text(spec.type), text(before.type)];
  if (type === oldType) return service;
  const dropped = TYPE_FIELDS.filter(
    ([field, has]) => has(oldType) && !has(type) && spec[field] !== undefined && sameJson(spec[field], before[field]),
  ).map(([field]) => field);
  if (dropped.length === 0) return service;
  return { ...service, spec: Object.fromEntries(Object.entries(spec).filter(([field]) => !dropped.includes(field))) };
};
