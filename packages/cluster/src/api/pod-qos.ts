import type { KubeObject } from '@osm/kube';
import { at, list, record } from '../store/fields.ts';

const COUNTED = ['cpu', 'memory'] as const;

const isZero = (value: unknown): boolean => value === undefined || /^0+(\.0+)?[a-zA-Z]*$/.test(String(value));

/**
 * The quality-of-service class of a pod: Guaranteed when every container's limits equal its requests, BestEffort when none
 * asks for anything (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/).
 */
export const qosClass = (pod: KubeObject): 'Guaranteed' | 'Burstable' | 'BestEffort' => {
  const containers = [...list(at(pod, 'spec', 'initContainers')), ...list(at(pod, 'spec', 'containers'))];
  let asked = false;
  let guaranteed = true;
  for (const container of containers) {
    const limits = record(at(container, 'resources', 'limits'));
    const requests = record(at(container, 'resources', 'requests'));
    for (const name of COUNTED) {
      if (!isZero(limits[name]) || !isZero(requests[name])) asked = true;
      if (isZero(limits[name]) || (requests[name] !== undefined && requests[name] !== limits[name])) guaranteed = false;
    }
  }
  if (!asked) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
};
