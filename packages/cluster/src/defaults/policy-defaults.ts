import { isRecord, list, record, strings, text } from '../store/fields.ts';
import { all, derive, each, type Fill, fill, hasItems, within } from './fill.ts';

const RBAC = 'rbac.authorization.k8s.io';

const rules = each('rules', fill({ scope: '*' }));

const webhook = all(
  fill({
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
  }),
  rules,
  within('clientConfig', within('service', fill({ port: 443 }))),
);

/** Defaults of admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration. */
export const validatingWebhookDefaults: Fill = each('webhooks', webhook);

/** Defaults of admissionregistration.k8s.io/v1 MutatingWebhookConfiguration. */
export const mutatingWebhookDefaults: Fill = each('webhooks', all(webhook, fill({ reinvocationPolicy: 'Never' })));

const matchResources = all(
  fill({ matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} }),
  each('resourceRules', fill({ scope: '*' })),
  each('excludeResourceRules', fill({ scope: '*' })),
);

/** Defaults of admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy. */
export const admissionPolicyDefaults: Fill = within(
  'spec',
  all(fill({ failurePolicy: 'Fail' }), within('matchConstraints', matchResources)),
);

/** Defaults of admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding. */
export const admissionBindingDefaults: Fill = within('spec', within('matchResources', matchResources));

/** Defaults of apiextensions.k8s.io/v1 CustomResourceDefinition. */
export const definitionDefaults: Fill = within(
  'spec',
  all(
    fill({ conversion: { strategy: 'None' } }),
    within(
      'names',
      derive((names) => {
        const kind = text(names.kind);
        if (kind === '') return {};
        return {
          singular: text(names.singular) || kind.toLowerCase(),
          listKind: text(names.listKind) || `${kind}List`,
        };
      }),
    ),
  ),
);

const subject = derive((fields) =>
  text(fields.apiGroup) === '' && (fields.kind === 'User' || fields.kind === 'Group') ? { apiGroup: RBAC } : {},
);

/** Defaults of rbac.authorization.k8s.io/v1 bindings. */
export const bindingDefaults: Fill = all(within('roleRef', fill({ apiGroup: RBAC })), each('subjects', subject));

const SCALE_UP = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
const SCALE_DOWN = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] };

const behavior = within(
  'behavior',
  derive((given) => ({
    scaleUp: fill(SCALE_UP)(record(given.scaleUp)),
    scaleDown: fill(SCALE_DOWN)(record(given.scaleDown)),
  })),
);

const CPU = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
};

/** Defaults of autoscaling HorizontalPodAutoscaler, v1 and v2; only v2 has metrics. */
export const autoscalerDefaults: Fill = (object) => {
  const v2 = isRecord(object) && object.apiVersion === 'autoscaling/v2';
  const metrics = derive((spec) => (hasItems(spec.metrics) ? {} : { metrics: [CPU] }));
  return within('spec', v2 ? all(fill({ minReplicas: 1 }), metrics, behavior) : fill({ minReplicas: 1 }))(object);
};

/** Defaults of v1 Secret: `stringData` is a convenience of writing, it ends up in `data`, in base64. */
export const secretDefaults: Fill = (object) => {
  if (!isRecord(object)) return object;
  const typed = fill({ type: 'Opaque' })(object) as Record<string, unknown>;
  if (!isRecord(typed.stringData)) return typed;
  const { stringData, ...secret } = typed;
  const given = Object.entries(strings(stringData));
  // What is no text stays where it is, to be refused.
  if (given.length < Object.keys(stringData).length) return typed;
  const encoded = given.map(([key, value]) => [key, Buffer.from(value).toString('base64')] as const);
  return { ...secret, data: { ...record(secret.data), ...Object.fromEntries(encoded) } };
};

/** Defaults of v1 PersistentVolume. */
export const volumeDefaults: Fill = within(
  'spec',
  fill({ persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }),
);

/** Defaults of storage.k8s.io/v1 StorageClass. */
export const storageClassDefaults: Fill = fill({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });

/** Defaults of scheduling.k8s.io/v1 PriorityClass. */
export const priorityClassDefaults: Fill = fill({ preemptionPolicy: 'PreemptLowerPriority' });

const limits = derive((limit) => {
  if (limit.type !== 'Container') return {};
  const fallback = { ...record(limit.max), ...record(limit.default) };
  const asked = { ...record(limit.min), ...fallback, ...record(limit.defaultRequest) };
  const merged = (present: unknown, wanted: Readonly<Record<string, unknown>>) =>
    Object.keys(wanted).every((name) => record(present)[name] !== undefined) ? present : wanted;
  return { default: merged(limit.default, fallback), defaultRequest: merged(limit.defaultRequest, asked) };
});

/** Defaults of v1 LimitRange. */
export const limitRangeDefaults: Fill = within('spec', each('limits', limits));

/** Defaults of v1 Node: what it has can all be used. */
export const nodeDefaults: Fill = within(
  'status',
  derive((status) =>
    isRecord(status.capacity) && (!isRecord(status.allocatable) || list(Object.keys(status.allocatable)).length === 0)
      ? { allocatable: status.capacity }
      : {},
  ),
);
