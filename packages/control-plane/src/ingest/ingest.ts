import { CA_BUNDLE_NAME, type MeshObjects, type ObjectsByKey } from '@osm/core';
import { type Change, createInformer, type Informer, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import type { Metrics } from '../admin/metrics.ts';
import { LABEL } from '../surface.ts';
import type { PodCache } from './pods.ts';
import { MESH_TYPES } from './types.ts';

/** The kinds of MeshObjects that are plain maps of watched objects. */
type Kind = Exclude<
  keyof MeshObjects,
  'meshName' | 'osmNamespace' | 'trustDomain' | 'meshConfig' | 'pods' | 'caBundles'
>;

const KINDS: Readonly<Record<Kind, Informer['type']>> = {
  namespaces: TYPES.namespaces,
  services: TYPES.services,
  endpointSlices: TYPES.endpointSlices,
  serviceAccounts: TYPES.serviceAccounts,
  trafficTargets: MESH_TYPES.trafficTargets,
  httpRouteGroups: MESH_TYPES.httpRouteGroups,
  tcpRoutes: MESH_TYPES.tcpRoutes,
  trafficSplits: MESH_TYPES.trafficSplits,
  egresses: MESH_TYPES.egresses,
  ingressBackends: MESH_TYPES.ingressBackends,
  retries: MESH_TYPES.retries,
  upstreamTrafficSettings: MESH_TYPES.upstreamTrafficSettings,
};

/** Kinds whose `metadata.generation` counts every change of meaning, so that status writes pass unnoticed. */
const WITH_GENERATION: ReadonlySet<Kind> = new Set([
  'trafficTargets',
  'httpRouteGroups',
  'tcpRoutes',
  'trafficSplits',
  'egresses',
  'ingressBackends',
  'retries',
  'upstreamTrafficSettings',
]);

/** What the watches are told. */
export interface IngestOptions {
  readonly client: KubeClient;
  readonly meshName: string;
  readonly osmNamespace: string;
  readonly trustDomain: string;
  readonly meshConfigName: string;
  /** Filled by the watch. */
  readonly pods: PodCache;
  readonly metrics: Metrics;
  /** The mesh may look different now; called once per change. */
  changed(): void;
  /** A pod was seen, or changed in a way that matters. */
  podSeen(pod: KubeObject): void;
  meshConfigChanged(meshConfig: KubeObject | undefined): void;
}

/** The watched world. */
export interface Ingest {
  /** Every watch has delivered its first list. */
  readonly synced: Promise<void>;
  /** The present state. A kind that did not change since the last call is the same map. */
  objects(): MeshObjects;
  stop(): void;
}

const sameWords = (a: object | undefined, b: object | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

function matters(kind: Kind, change: Change): boolean {
  if (change.type !== 'updated' || !WITH_GENERATION.has(kind)) return true;
  const { old, object } = change;
  return (
    object.metadata.generation === undefined ||
    old.metadata.generation !== object.metadata.generation ||
    !sameWords(old.metadata.labels, object.metadata.labels) ||
    !sameWords(old.metadata.annotations, object.metadata.annotations)
  );
}

/** Watches everything that the mesh is computed from. */
export function startIngest(options: IngestOptions): Ingest {
  const { client, metrics, osmNamespace, pods } = options;
  const informers: Informer[] = [];
  const watched = new Map<Kind, { informer: Informer; map: ObjectsByKey; dirty: boolean }>();
  let podMap: ObjectsByKey = new Map();
  let podsDirty = false;
  let meshConfig: KubeObject | undefined;

  const namespaces = createInformer(client, TYPES.namespaces);
  const monitored = (name: string | undefined): boolean =>
    name === undefined || namespaces.get(name)?.metadata.labels?.[LABEL.monitoredBy] === options.meshName;
  const count = (change: Change): void => {
    metrics.apiEvents.inc({ type: change.type, namespace: change.object.metadata.namespace ?? '' });
  };

  for (const [kind, type] of Object.entries(KINDS) as [Kind, Informer['type']][]) {
    const informer = kind === 'namespaces' ? namespaces : createInformer(client, type);
    informers.push(informer);
    const entry = { informer, map: new Map() as ObjectsByKey, dirty: true };
    watched.set(kind, entry);
    informer.subscribe((change) => {
      count(change);
      if (!matters(kind, change)) return;
      entry.dirty = true;
      // Objects outside the mesh are kept for the day their namespace joins it, and are no news until then.
      if (kind === 'namespaces' || monitored(change.object.metadata.namespace)) options.changed();
    });
  }

  const podInformer = createInformer(client, TYPES.pods);
  informers.push(podInformer);
  podInformer.subscribe((change) => {
    count(change);
    const { namespace = '', name } = change.object.metadata;
    const key = `${namespace}/${name}`;
    const news = change.type === 'deleted' ? pods.delete(key) : pods.set(key, change.object);
    if (!news) return;
    podsDirty = true;
    if (change.type !== 'deleted') options.podSeen(change.object);
    if (monitored(namespace)) options.changed();
  });

  let caBundles: ObjectsByKey = new Map();
  let bundlesDirty = false;
  // By name, as the control plane may read no other ConfigMaps and Secrets of its namespaces.
  const bundles = [TYPES.configMaps, TYPES.secrets].map((type) => {
    const informer = createInformer(client, type, { fieldSelector: `metadata.name=${CA_BUNDLE_NAME}` });
    informers.push(informer);
    informer.subscribe((change) => {
      if (change.object.metadata.name !== CA_BUNDLE_NAME) return;
      count(change);
      bundlesDirty = true;
      if (monitored(change.object.metadata.namespace)) options.changed();
    });
    return { kind: type.kind, informer };
  });
  const readBundles = (): ObjectsByKey =>
    new Map(
      bundles.flatMap(({ kind, informer }) =>
        [...informer.objects]
          .filter(([, { metadata }]) => metadata.name === CA_BUNDLE_NAME)
          .map(([key, object]) => [`${kind}/${key}`, object] as const),
      ),
    );

  const configInformer = createInformer(client, MESH_TYPES.meshConfigs, { namespace: osmNamespace });
  informers.push(configInformer);
  configInformer.subscribe((change) => {
    if (change.object.metadata.name !== options.meshConfigName) return;
    count(change);
    meshConfig = change.type === 'deleted' ? undefined : change.object;
    options.meshConfigChanged(meshConfig);
    options.changed();
  });

  return {
    synced: Promise.all(informers.map((informer) => informer.synced)).then(() => {}),
    objects() {
      for (const entry of watched.values()) {
        if (!entry.dirty) continue;
        entry.map = new Map(entry.informer.objects);
        entry.dirty = false;
      }
      if (podsDirty) {
        podMap = new Map(pods.pods);
        podsDirty = false;
      }
      if (bundlesDirty) {
        caBundles = readBundles();
        bundlesDirty = false;
      }
      const kinds = Object.fromEntries([...watched].map(([kind, { map }]) => [kind, map])) as Record<
        Kind,
        ObjectsByKey
      >;
      return {
        meshName: options.meshName,
        osmNamespace,
        trustDomain: options.trustDomain,
        meshConfig,
        pods: podMap,
        caBundles,
        ...kinds,
      };
    },
    stop() {
      for (const informer of informers) informer.stop();
    },
  };
}
