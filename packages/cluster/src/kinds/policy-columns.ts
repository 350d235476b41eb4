import type { KubeObject } from '@osm/kube';
import { at, list, number, text } from '../store/fields.ts';
import type { PrinterColumn } from '../types.ts';
import { AGE, CREATED_AT, column, NAME, wide } from './column.ts';

/** The columns of `kubectl get poddisruptionbudgets`. */
export const DISRUPTION_BUDGET_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Min Available', (object) => String(at(object, 'spec', 'minAvailable') ?? 'N/A')),
  column('Max Unavailable', (object) => String(at(object, 'spec', 'maxUnavailable') ?? 'N/A')),
  column('Allowed Disruptions', (object) => number(at(object, 'status', 'disruptionsAllowed')), 'integer'),
  AGE,
];

const hpaTargets = (object: KubeObject): string => {
  const targets = list(at(object, 'spec', 'metrics')).map((metric) => {
    const name = text(at(metric, 'resource', 'name'));
    const wanted = at(metric, 'resource', 'target', 'averageUtilization');
    const current = list(at(object, 'status', 'currentMetrics')).find(
      (found) => at(found, 'resource', 'name') === name,
    );
    const used = at(current, 'resource', 'current', 'averageUtilization');
    if (wanted === undefined) return '<unknown>';
    return `${name}: ${used === undefined ? '<unknown>' : `${used}%`}/${wanted}%`;
  });
  const first = at(object, 'spec', 'targetCPUUtilizationPercentage');
  if (first !== undefined) {
    const used = at(object, 'status', 'currentCPUUtilizationPercentage');
    targets.push(`cpu: ${used === undefined ? '<unknown>' : `${used}%`}/${first}%`);
  }
  return targets.length === 0 ? '<none>' : targets.join(', ');
};

/** The columns of `kubectl get horizontalpodautoscalers`, for both versions. */
export const AUTOSCALER_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Reference', (object) => {
    const target = at(object, 'spec', 'scaleTargetRef');
    return `${text(at(target, 'kind'))}/${text(at(target, 'name'))}`;
  }),
  column('Targets', hpaTargets),
  column('MinPods', (object) => String(at(object, 'spec', 'minReplicas') ?? '<unset>')),
  column('MaxPods', (object) => number(at(object, 'spec', 'maxReplicas')), 'integer'),
  column('Replicas', (object) => number(at(object, 'status', 'currentReplicas')), 'integer'),
  AGE,
];

/** The columns of roles and cluster roles. */
export const ROLE_COLUMNS: readonly PrinterColumn[] = [NAME, CREATED_AT];

const subjects = (kind: string) => (object: KubeObject) =>
  list(object.subjects)
    .filter((subject) => at(subject, 'kind') === kind)
    .map((subject) => {
      const namespace = text(at(subject, 'namespace'));
      return namespace === '' ? text(at(subject, 'name')) : `${namespace}/${text(at(subject, 'name'))}`;
    })
    .join(', ');

/** The columns of role bindings and cluster role bindings. */
export const BINDING_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Role', (object) => `${text(at(object, 'roleRef', 'kind'))}/${text(at(object, 'roleRef', 'name'))}`),
  AGE,
  wide('Users', subjects('User')),
  wide('Groups', subjects('Group')),
  wide('ServiceAccounts', subjects('ServiceAccount')),
];

/** The columns of webhook configurations. */
export const WEBHOOK_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Webhooks', (object) => list(object.webhooks).length, 'integer'),
  AGE,
];

/** The columns of `kubectl get validatingadmissionpolicies`. */
export const ADMISSION_POLICY_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Validations', (object) => list(at(object, 'spec', 'validations')).length, 'integer'),
  column('ParamKind', (object) => {
    const kind = at(object, 'spec', 'paramKind');
    return kind === undefined ? '<unset>' : `${text(at(kind, 'apiVersion'))}/${text(at(kind, 'kind'))}`;
  }),
  AGE,
];

/** The columns of `kubectl get validatingadmissionpolicybindings`. */
export const ADMISSION_POLICY_BINDING_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('PolicyName', (object) => text(at(object, 'spec', 'policyName'))),
  column('ParamRef', (object) => text(at(object, 'spec', 'paramRef', 'name')) || '<unset>'),
  AGE,
];

/** The columns of `kubectl get leases`. */
export const LEASE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Holder', (object) => text(at(object, 'spec', 'holderIdentity'))),
  AGE,
];

/** The columns of `kubectl get priorityclasses`. */
export const PRIORITY_CLASS_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Value', (object) => number(object.value), 'integer'),
  column('Global-Default', (object) => object.globalDefault === true, 'boolean'),
  AGE,
  column('PreemptionPolicy', (object) => text(object.preemptionPolicy) || 'PreemptLowerPriority'),
];

/** The columns of `kubectl get storageclasses`. */
export const STORAGE_CLASS_COLUMNS: readonly PrinterColumn[] = [
  {
    ...NAME,
    cell: (object) =>
      object.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true'
        ? `${object.metadata.name} (default)`
        : object.metadata.name,
  },
  column('Provisioner', (object) => text(object.provisioner)),
  column('ReclaimPolicy', (object) => text(object.reclaimPolicy) || 'Delete'),
  column('VolumeBindingMode', (object) => text(object.volumeBindingMode) || 'Immediate'),
  column('AllowVolumeExpansion', (object) => object.allowVolumeExpansion === true, 'boolean'),
  AGE,
];
