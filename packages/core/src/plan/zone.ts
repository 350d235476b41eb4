import { objectKey } from '../model/names.ts';
import type { Snapshot, Workload } from '../model/snapshot.ts';

/**
 * The topology zone of a workload: Kubernetes writes its node's on the pod (label `topology.kubernetes.io/zone`) since
 * 1.35, and on its endpoints before that. Undefined when neither tells.
 */
export function zoneOf({ memberships, services, endpoints }: Snapshot, workload: Workload): string | undefined {
  const label = workload.labels['topology.kubernetes.io/zone'];
  if (label) return label;
  for (const name of memberships.get(objectKey(workload.namespace, workload.name)) ?? []) {
    for (const { upstream } of services.get(name) ?? []) {
      const own = endpoints.get(upstream)?.find(({ address }) => workload.addresses.includes(address));
      if (own?.zone !== undefined) return own.zone;
    }
  }
  return undefined;
}
