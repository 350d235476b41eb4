import {
  parseEgress,
  parseHTTPRouteGroup,
  parseIngressBackend,
  parseRetry,
  parseTCPRoute,
  parseTrafficSplit,
  parseTrafficTarget,
  parseUpstreamTrafficSetting,
} from '@osm/api';
import { checkUpstreamTrafficSetting } from '../policies/upstream-traffic-setting/check.ts';
import { readCaBundle } from './ca-bundle.ts';
import { type Derived, derive } from './derive.ts';
import { readEndpointSlice, type SliceFacts } from './endpoint-slice.ts';
import { keepLastGood, keepLastMatches } from './last-good.ts';
import { type ReadConfig, readMeshConfig } from './mesh-config.ts';
import { joinServices, type MeshServices } from './mesh-services.ts';
import { byText } from './names.ts';
import { type ReadTraffic, readTraffic } from './namespace-traffic.ts';
import type { MeshObject, MeshObjects, ObjectsByKey } from './objects.ts';
import { checkTrafficTarget, policyReader, type ReadPolicy, readAudit, readMatches } from './policy.ts';
import { readService, type ServiceFacts } from './service.ts';
import { type Stage, share, stage } from './sharing.ts';
import type { Policies, PolicyFault, Snapshot, Workload } from './snapshot.ts';
import { readWorkload } from './workload.ts';

const NO_OBJECTS: ObjectsByKey = new Map();
const MONITORED_BY = 'openservicemesh.io/monitored-by';

type PolicyOf<Kind extends keyof Policies> = Policies[Kind] extends ReadonlyMap<string, infer P> ? P : never;
type Readers = {
  readonly [Kind in keyof Policies]: (
    object: MeshObject,
    key: string,
    former: ReadPolicy<PolicyOf<Kind>> | undefined,
  ) => ReadPolicy<PolicyOf<Kind>>;
};

const readRouteGroup = policyReader('HTTPRouteGroup', parseHTTPRouteGroup);
const readTarget = policyReader('TrafficTarget', parseTrafficTarget, (spec, ref) => [...checkTrafficTarget(spec, ref)]);

const READERS: Readers = {
  trafficTargets: keepLastGood((object) => readAudit(readTarget(object), object)),
  httpRouteGroups: keepLastMatches(keepLastGood((object) => readMatches(readRouteGroup(object)))),
  tcpRoutes: keepLastGood(policyReader('TCPRoute', parseTCPRoute)),
  trafficSplits: keepLastGood(policyReader('TrafficSplit', parseTrafficSplit)),
  egresses: keepLastGood(policyReader('Egress', parseEgress)),
  ingressBackends: keepLastGood(policyReader('IngressBackend', parseIngressBackend)),
  retries: keepLastGood(policyReader('Retry', parseRetry)),
  upstreamTrafficSettings: keepLastGood(
    policyReader('UpstreamTrafficSetting', parseUpstreamTrafficSetting, (spec) => [
      ...checkUpstreamTrafficSetting(spec),
    ]),
  ),
};
const KINDS = Object.keys(READERS) as (keyof Policies)[];

type ReadKind = Derived<ReadPolicy<unknown>>;
type Reader = (object: MeshObject, key: string, former: ReadPolicy<unknown> | undefined) => ReadPolicy<unknown>;
interface SortedKind {
  readonly policies: ReadonlyMap<string, unknown>;
  readonly faults: readonly PolicyFault[];
}

/** How a snapshot came about: what the next one may take over. */
interface Workings {
  readonly namespaces: Stage<[ObjectsByKey, string, string], ReadonlySet<string>>;
  readonly traffic: Stage<[ObjectsByKey, ReadonlySet<string>], ReadTraffic>;
  readonly config: Stage<[MeshObject | undefined], ReadConfig>;
  readonly services: Derived<ServiceFacts>;
  readonly slices: Derived<SliceFacts>;
  readonly workloads: Derived<Workload>;
  readonly joined: MeshServices;
  readonly bundles: Derived<Readonly<Record<string, string>>>;
  readonly policies: ReadonlyMap<string, { readonly read: ReadKind; readonly sorted: Stage<[ReadKind], SortedKind> }>;
}

const workings = new WeakMap<Snapshot, Workings>();

function readNamespaces(objects: ObjectsByKey, meshName: string, osmNamespace: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { metadata } of objects.values()) {
    // The control plane does not depend on what it configures, so its own namespace is never in the mesh.
    if (metadata.labels?.[MONITORED_BY] === meshName && metadata.name !== osmNamespace) names.add(metadata.name);
  }
  return names;
}

function sortKind(read: ReadKind): SortedKind {
  const sorted = [...read.output].sort(([a], [b]) => byText(a, b));
  return {
    policies: new Map(sorted.flatMap(([key, { policy }]) => (policy === undefined ? [] : [[key, policy] as const]))),
    faults: sorted.flatMap(([, { faults }]) => faults),
  };
}

function readPolicies(objects: MeshObjects, namespaces: ReadonlySet<string>, former: Workings['policies'] | undefined) {
  return new Map(
    KINDS.map((kind) => {
      const known = former?.get(kind);
      const read: ReadKind = derive(objects[kind], namespaces, known?.read, READERS[kind] as Reader);
      return [kind, { read, sorted: stage(known?.sorted, [read], sortKind) }];
    }),
  );
}

/**
 * Folds the cluster's objects into a snapshot. Total: a faulty object is named in `faults`; as it last could be read in
 * `former` it stays in force, and otherwise it is left out. Parts that did not change are the same objects as in
 * `former`, and `former` itself comes back when nothing did.
 */
export function readSnapshot(objects: MeshObjects, former?: Snapshot): Snapshot {
  const old = former && workings.get(former);
  const { meshName, osmNamespace, trustDomain } = objects;
  const namespaces = stage(old?.namespaces, [objects.namespaces, meshName, osmNamespace], readNamespaces);
  const inMesh = namespaces.output;
  const traffic = stage(old?.traffic, [objects.namespaces, inMesh], readTraffic);
  const config = stage(old?.config, [objects.meshConfig], (object) => {
    const same = old?.config.inputs[0]?.metadata.uid === object?.metadata.uid;
    return readMeshConfig(object, same ? old?.config.output : undefined);
  });
  const services = derive(objects.services, inMesh, old?.services, readService);
  const slices = derive(objects.endpointSlices, inMesh, old?.slices, readEndpointSlice);
  const workloads = derive(objects.pods, inMesh, old?.workloads, readWorkload);
  const joined = joinServices(services.output, slices.output, workloads.output, old?.joined);
  const bundles = derive(objects.caBundles ?? NO_OBJECTS, inMesh, old?.bundles, readCaBundle);
  const kinds = readPolicies(objects, inMesh, old?.policies);

  const policies = Object.fromEntries(KINDS.map((kind) => [kind, kinds.get(kind)?.sorted.output.policies]));
  const parts: Omit<Snapshot, 'version'> = {
    meshName,
    osmNamespace,
    trustDomain,
    config: config.output.config,
    configObject: config.output.object,
    namespaces: inMesh,
    traffic: traffic.output.byNamespace,
    services: joined.services,
    endpoints: joined.endpoints,
    workloads: workloads.output,
    memberships: joined.memberships,
    caBundles: bundles.output,
    policies: share(former?.policies, policies as unknown as Policies),
    faults: share(former?.faults, [
      ...config.output.faults,
      ...traffic.output.faults,
      ...KINDS.flatMap((kind) => kinds.get(kind)?.sorted.output.faults ?? []),
    ]),
  };
  const same = former && Object.entries(parts).every(([name, part]) => former[name as keyof Snapshot] === part);
  const snapshot: Snapshot = same ? former : Object.freeze({ version: (former?.version ?? 0) + 1, ...parts });
  workings.set(snapshot, {
    namespaces,
    traffic,
    config,
    services,
    slices,
    workloads,
    joined,
    bundles,
    policies: kinds,
  });
  return snapshot;
}
