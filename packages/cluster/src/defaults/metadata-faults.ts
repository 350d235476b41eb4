import type { KubeObject } from '@osm/kube';
import { forbidden, invalid, item, required, tooLong } from '../schema/fault.ts';
import { dns1035Label, dnsLabel, dnsSubdomain, type NameRule, pathSegment, qualifiedName } from '../schema/names.ts';
import { at, list, record, text } from '../store/fields.ts';
import type { ServedType } from '../types.ts';
import { type Faults, labelFaults, NONE } from './check.ts';

/** Bytes that all annotations of an object may have. */
const ANNOTATION_BYTES = 256 * 1024;

/** Names of built-in kinds that are not domain names. */
const NAME_RULES: ReadonlyMap<string, NameRule> = new Map([
  ['Namespace.', dnsLabel],
  ['Service.', dns1035Label],
  ['Role.rbac.authorization.k8s.io', pathSegment],
  ['RoleBinding.rbac.authorization.k8s.io', pathSegment],
  ['ClusterRole.rbac.authorization.k8s.io', pathSegment],
  ['ClusterRoleBinding.rbac.authorization.k8s.io', pathSegment],
]);

const nameFaults = (type: ServedType, object: KubeObject): Faults => {
  const rule = (type.custom ? undefined : NAME_RULES.get(`${type.kind}.${type.group}`)) ?? dnsSubdomain;
  const name = text(at(object, 'metadata', 'name'));
  // A name that is missing is a fault of the request: the API tells it.
  const why = name === '' ? '' : rule(name);
  return why === '' ? NONE : [invalid('metadata.name', name, why)];
};

const annotationFaults = (annotations: unknown): Faults => {
  const path = 'metadata.annotations';
  const entries = Object.entries(record(annotations));
  const bytes = entries.reduce((sum, [key, value]) => sum + key.length + Buffer.byteLength(text(value)), 0);
  return [
    ...entries.flatMap(([key]) => {
      const why = qualifiedName(key.toLowerCase());
      return why === '' ? NONE : [invalid(path, key, why)];
    }),
    ...(bytes > ANNOTATION_BYTES ? [tooLong(path, ANNOTATION_BYTES)] : NONE),
  ];
};

const ownerFaults = (owners: readonly unknown[]): Faults => {
  const path = 'metadata.ownerReferences';
  const controllers = owners.filter((owner) => at(owner, 'controller') === true);
  return [
    ...owners.flatMap((owner, index) =>
      ['apiVersion', 'kind', 'name', 'uid'].flatMap((field) =>
        text(at(owner, field)) === ''
          ? [required(`${item(path, index)}.${field}`, `${field} must not be empty`)]
          : NONE,
      ),
    ),
    ...(controllers.length > 1
      ? [
          invalid(
            path,
            controllers.map((owner) => at(owner, 'name')),
            'only one reference can have Controller set to true',
          ),
        ]
      : NONE),
  ];
};

/** What is wrong with `metadata`, of built-in and custom kinds alike (API conventions, "Metadata"). */
export const metadataFaults = (type: ServedType, object: KubeObject): Faults => {
  const { labels, annotations, finalizers, ownerReferences, namespace } = record(object.metadata);
  return [
    ...nameFaults(type, object),
    ...(!type.namespaced && namespace !== undefined && namespace !== ''
      ? [forbidden('metadata.namespace', 'not allowed on this type')]
      : NONE),
    ...labelFaults('metadata.labels', labels),
    ...annotationFaults(annotations),
    ...list(finalizers).flatMap((finalizer, index) => {
      const why = qualifiedName(text(finalizer));
      return why === '' ? NONE : [invalid(item('metadata.finalizers', index), finalizer, why)];
    }),
    ...ownerFaults(list(ownerReferences)),
  ];
};
