import {
  createPlanCache,
  type Upstream as PlannedUpstream,
  type PolicyFault,
  type ProxyPlan,
  planProxy,
  policyFaults,
  readSnapshot,
  type Snapshot,
  serviceKey,
  toResourceLayers,
} from '@osm/core';
import type { Planner, ProxyConfiguration, Upstream } from './planner.ts';

/** The planner of the pure core: snapshots from objects, plans from snapshots, Envoy resources from plans. */
export function createCorePlanner(): Planner {
  const cache = createPlanCache();
  const upstreamsOf = new WeakMap<ReadonlyMap<string, PlannedUpstream>, readonly Upstream[]>();
  const configurations = new WeakMap<ProxyPlan, ProxyConfiguration>();
  let snapshot: Snapshot | undefined;
  let faults: readonly PolicyFault[] = Object.freeze([]);

  /** One entry for each service: its ports have the same servers, and one secret names them. */
  function servers(upstreams: ProxyPlan['upstreams']): readonly Upstream[] {
    const known = upstreamsOf.get(upstreams);
    if (known !== undefined) return known;
    const byService = new Map<string, Upstream>();
    for (const { service, servers: identities } of upstreams.values()) {
      const name = serviceKey(service);
      if (!byService.has(name)) byService.set(name, { service: name, servers: identities });
    }
    const list = [...byService.values()];
    upstreamsOf.set(upstreams, list);
    return list;
  }

  return {
    update(objects) {
      snapshot = readSnapshot(objects, snapshot);
    },
    configure({ identity, pod }) {
      if (snapshot === undefined) return undefined;
      const plan = planProxy(snapshot, { identity, pod }, cache);
      if (plan === undefined) return undefined;
      const known = configurations.get(plan);
      if (known !== undefined) return known;
      const configuration: ProxyConfiguration = Object.freeze({
        resources: toResourceLayers(plan),
        upstreams: servers(plan.upstreams),
      });
      configurations.set(plan, configuration);
      return configuration;
    },
    faults() {
      const now = snapshot === undefined ? [] : policyFaults(snapshot, cache);
      const same = now.length === faults.length && now.every((fault, at) => fault === faults[at]);
      if (!same) faults = now;
      return faults;
    },
  };
}
