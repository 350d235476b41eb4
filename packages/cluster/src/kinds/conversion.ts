import type { KubeObject } from '@osm/kube';
import { applySchemaDefaults, pruneUnknown } from '../schema/validate.ts';
import { at, list, record } from '../store/fields.ts';
import type { ServedType, TypeSchema } from '../types.ts';

/** `group/version`, or `version` for the core group. */
export const apiVersionOf = (type: { readonly group: string; readonly version: string }): string =>
  type.group === '' ? type.version : `${type.group}/${type.version}`;

/** The store's bucket of a type: one per resource, whatever the version; both event APIs share one. */
export const bucketOf = (type: { readonly group: string; readonly resource: string }): string => {
  const group = type.group === 'events.k8s.io' ? '' : type.group;
  return group === '' ? type.resource : `${type.resource}.${group}`;
};

/** A pair of field names: the same value in core/v1 and in events.k8s.io/v1. */
const EVENT_FIELDS: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

const renameEvent = (object: KubeObject, from: 0 | 1, apiVersion: string): KubeObject => {
  const names = new Map(EVENT_FIELDS.map((pair) => [pair[from], pair[from === 0 ? 1 : 0]]));
  const renamed = Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value] as const);
  return { ...(Object.fromEntries(renamed) as KubeObject), apiVersion };
};

const cpuTarget = (metric: unknown): unknown =>
  at(metric, 'type') === 'Resource' && at(metric, 'resource', 'name') === 'cpu'
    ? at(metric, 'resource', 'target', 'averageUtilization')
    : undefined;

/** autoscaling/v2 keeps a list of metrics; v1 knows the processor's utilization only. */
const autoscalerToV1 = (object: KubeObject): KubeObject => {
  const { metrics, behavior: _behavior, ...spec } = record(object.spec);
  const { currentMetrics, conditions: _conditions, ...status } = record(object.status);
  const target = list(metrics)
    .map(cpuTarget)
    .find((value) => value !== undefined);
  const used = list(currentMetrics)
    .filter((metric) => at(metric, 'resource', 'name') === 'cpu')
    .map((metric) => at(metric, 'resource', 'current', 'averageUtilization'))
    .find((value) => value !== undefined);
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: { ...status, ...(used === undefined ? {} : { currentCPUUtilizationPercentage: used }) },
  };
};

const autoscalerToV2 = (object: KubeObject): KubeObject => {
  const { targetCPUUtilizationPercentage: target, ...spec } = record(object.spec);
  const { currentCPUUtilizationPercentage: used, ...status } = record(object.status);
  const resource = (field: string, value: unknown, extra: object = {}) => ({
    type: 'Resource',
    resource: { name: 'cpu', [field]: { ...extra, averageUtilization: value } },
  });
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    spec: {
      ...spec,
      ...(target === undefined ? {} : { metrics: [resource('target', target, { type: 'Utilization' })] }),
    },
    status: { ...status, ...(used === undefined ? {} : { currentMetrics: [resource('current', used)] }) },
  };
};

/**
 * The object in the version that is stored. Custom resources convert by the `None` strategy: the apiVersion changes,
 * nothing else (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/).
 */
export const toStored = (type: ServedType, object: KubeObject): KubeObject => {
  if (type.group === 'events.k8s.io') return renameEvent(object, 1, 'v1');
  if (type.version === type.storageVersion) return object;
  if (type.resource === 'horizontalpodautoscalers' && !type.custom) return autoscalerToV2(object);
  return { ...object, apiVersion: apiVersionOf({ group: type.group, version: type.storageVersion }) };
};

const shown = new WeakMap<KubeObject, { readonly schema: TypeSchema; readonly object: KubeObject }>();

/**
 * A stored custom resource by the present schema, which may be newer than the object: without the fields it does not know, with its
 * defaults (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting).
 */
const bySchema = ({ schema }: ServedType, stored: KubeObject): KubeObject => {
  const known = shown.get(stored);
  if (known?.schema === schema) return known.object;
  const object = applySchemaDefaults(schema, pruneUnknown(schema, stored)) as KubeObject;
  shown.set(stored, { schema, object });
  return object;
};

/**
 * A stored object in the version that `type` serves; the very same object when it is stored in that version, and a custom one as the
 * present schema has it.
 */
export const fromStored = (type: ServedType, object: KubeObject): KubeObject => {
  if (type.group === 'events.k8s.io') return renameEvent(object, 0, 'events.k8s.io/v1');
  const apiVersion = apiVersionOf(type);
  if (type.custom) return bySchema(type, object.apiVersion === apiVersion ? object : { ...object, apiVersion });
  if (object.apiVersion === apiVersion) return object;
  if (type.resource === 'horizontalpodautoscalers')
    return type.version === 'v1' ? autoscalerToV1(object) : autoscalerToV2(object);
  return { ...object, apiVersion };
};
