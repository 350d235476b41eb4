import type { KubeObject } from '@osm/kube';
import type { ServedType } from '../types.ts';
import * as access from './access-faults.ts';
import { type Faults, NONE } from './check.ts';
import { configMapFaults, secretFaults } from './config-faults.ts';
import { metadataFaults } from './metadata-faults.ts';
import { podFaults } from './pod-faults.ts';
import * as policy from './policy-faults.ts';
import * as service from './service-faults.ts';
import * as traffic from './traffic-faults.ts';
import * as webhook from './webhook-faults.ts';
import * as workload from './workload-faults.ts';

/** What is wrong with an object of a kind; `old` is what an update replaces. Types have been found right by the schema. */
type KindRule = (object: unknown, old?: unknown) => Faults;

/** Rules by `kind.group`; kinds that are not here have those of `metadata` only. */
const RULES: ReadonlyMap<string, KindRule> = new Map<string, KindRule>([
  ['Pod.', podFaults],
  ['Service.', service.serviceFaults],
  ['Endpoints.', service.endpointsFaults],
  ['ConfigMap.', configMapFaults],
  ['Secret.', secretFaults],
  ['Node.', policy.nodeFaults],
  ['Event.', policy.eventFaults],
  ['Event.events.k8s.io', policy.eventFaults],
  ['PersistentVolumeClaim.', policy.claimFaults],
  ['PersistentVolume.', policy.volumeFaults],
  ['LimitRange.', policy.limitRangeFaults],
  ['ResourceQuota.', policy.quotaFaults],
  ['Deployment.apps', workload.deploymentFaults],
  ['ReplicaSet.apps', workload.replicaSetFaults],
  ['StatefulSet.apps', workload.statefulSetFaults],
  ['DaemonSet.apps', workload.daemonSetFaults],
  ['Job.batch', workload.jobFaults],
  ['CronJob.batch', workload.cronJobFaults],
  ['EndpointSlice.discovery.k8s.io', service.endpointSliceFaults],
  ['Ingress.networking.k8s.io', traffic.ingressFaults],
  ['IngressClass.networking.k8s.io', traffic.ingressClassFaults],
  ['NetworkPolicy.networking.k8s.io', traffic.networkPolicyFaults],
  ['HorizontalPodAutoscaler.autoscaling', policy.autoscalerFaults],
  ['PodDisruptionBudget.policy', policy.disruptionBudgetFaults],
  ['Role.rbac.authorization.k8s.io', access.roleFaults],
  ['ClusterRole.rbac.authorization.k8s.io', access.clusterRoleFaults],
  ['RoleBinding.rbac.authorization.k8s.io', access.roleBindingFaults],
  ['ClusterRoleBinding.rbac.authorization.k8s.io', access.clusterRoleBindingFaults],
  ['MutatingWebhookConfiguration.admissionregistration.k8s.io', webhook.webhookConfigurationFaults],
  ['ValidatingWebhookConfiguration.admissionregistration.k8s.io', webhook.webhookConfigurationFaults],
  ['ValidatingAdmissionPolicy.admissionregistration.k8s.io', webhook.admissionPolicyFaults],
  ['ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io', webhook.admissionBindingFaults],
  ['CustomResourceDefinition.apiextensions.k8s.io', policy.definitionUpdateFaults],
  ['StorageClass.storage.k8s.io', policy.storageClassFaults],
  ['PriorityClass.scheduling.k8s.io', policy.priorityClassFaults],
  ['Lease.coordination.k8s.io', policy.leaseFaults],
]);

/** Faults that are told at most. */
const MOST = 50;

/**
 * Rules of its kind that an object breaks, `metadata` included; `old` is the object before an update. Defaults must be in
 * place, and the values right by the schema. Custom kinds have the rules of `metadata` only; the rest is their schema's.
 */
export const validateKind = (type: ServedType, object: object, old?: object): Faults => {
  const rule = type.custom ? undefined : RULES.get(`${type.kind}.${type.group}`);
  const faults = [...metadataFaults(type, object as KubeObject), ...(rule?.(object, old) ?? NONE)];
  return faults.slice(0, MOST);
};
