import type { ServedType } from '../types.ts';
import { canonical } from './canonical.ts';
import type { Fill } from './fill.ts';
import * as network from './network-defaults.ts';
import { claimDefaults, podDefaults } from './pod-defaults.ts';
import * as policy from './policy-defaults.ts';
import * as workload from './workload-defaults.ts';

/** Defaults by `kind.group`; kinds that are not here have none. */
const DEFAULTS: ReadonlyMap<string, Fill> = new Map([
  ['Pod.', podDefaults],
  ['Service.', network.serviceDefaults],
  ['Endpoints.', network.endpointsDefaults],
  ['Secret.', policy.secretDefaults],
  ['Node.', policy.nodeDefaults],
  ['PersistentVolumeClaim.', claimDefaults],
  ['PersistentVolume.', policy.volumeDefaults],
  ['LimitRange.', policy.limitRangeDefaults],
  ['Deployment.apps', workload.deploymentDefaults],
  ['ReplicaSet.apps', workload.replicaSetDefaults],
  ['StatefulSet.apps', workload.statefulSetDefaults],
  ['DaemonSet.apps', workload.daemonSetDefaults],
  ['Job.batch', workload.jobDefaults],
  ['CronJob.batch', workload.cronJobDefaults],
  ['EndpointSlice.discovery.k8s.io', network.endpointSliceDefaults],
  ['NetworkPolicy.networking.k8s.io', network.networkPolicyDefaults],
  ['IngressClass.networking.k8s.io', network.ingressClassDefaults],
  ['HorizontalPodAutoscaler.autoscaling', policy.autoscalerDefaults],
  ['RoleBinding.rbac.authorization.k8s.io', policy.bindingDefaults],
  ['ClusterRoleBinding.rbac.authorization.k8s.io', policy.bindingDefaults],
  ['MutatingWebhookConfiguration.admissionregistration.k8s.io', policy.mutatingWebhookDefaults],
  ['ValidatingWebhookConfiguration.admissionregistration.k8s.io', policy.validatingWebhookDefaults],
  ['ValidatingAdmissionPolicy.admissionregistration.k8s.io', policy.admissionPolicyDefaults],
  ['ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io', policy.admissionBindingDefaults],
  ['CustomResourceDefinition.apiextensions.k8s.io', policy.definitionDefaults],
  ['StorageClass.storage.k8s.io', policy.storageClassDefaults],
  ['PriorityClass.scheduling.k8s.io', policy.priorityClassDefaults],
]);

/**
 * A built-in object as the API keeps it: in canonical form (no nulls, canonical quantities and times) and with everything
 * that the API server fills in for its kind (Kubernetes API reference v1.37, the "Defaults to" of each field). Doing it
 * twice changes nothing more; nothing is written in place; wrong values are left for validation.
 */
export const applyKindDefaults = (type: ServedType, object: object): object => {
  if (type.custom) return object;
  const plain = canonical(type.schema, object);
  const filled = DEFAULTS.get(`${type.kind}.${type.group}`)?.(plain) ?? plain;
  // What is copied from another field (a port, a limit) is canonical already; stringData is text.
  return filled as object;
};
