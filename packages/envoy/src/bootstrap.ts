import { any } from './any.ts';
import { decode, decodeMessage, encode, encodeMessage } from './encode.ts';
import type { BootstrapJson, ClusterJson, ClusterLoadAssignmentJson, ConfigSourceJson, ListenerJson } from './json.ts';
import { type Resource, TYPE_URL } from './types.ts';

const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';

/**
 * A bootstrap as the text of a file that Envoy reads: canonical JSON, which is YAML too, equal for equal content.
 * Throws EncodeError when `json` is no bootstrap.
 */
export function encodeBootstrap(json: object): string {
  const canonical = decodeMessage(BOOTSTRAP, 'bootstrap', encodeMessage(BOOTSTRAP, 'bootstrap', json));
  return `${JSON.stringify(canonical, undefined, 2)}\n`;
}

/** How resources are wrapped. */
export interface StaticBootstrapOptions {
  /**
   * Whether a route to a cluster that is not among the resources is a mistake. Envoy takes such routes over RDS and
   * answers 503 on them; resources that belong together should have none.
   */
  readonly checkRouteClusters?: boolean;
}

/** A cluster that the resources cannot have, where references to what is not among them lead. */
const DISCOVERY_CLUSTER = 'static-bootstrap/discovery';

type Named = ReadonlyMap<string, object>;

/** Replaces objects of a JSON tree from the leaves up. */
function mapObjects(json: unknown, change: (object: Readonly<Record<string, unknown>>) => object): unknown {
  if (Array.isArray(json)) return json.map((item) => mapObjects(item, change));
  if (typeof json !== 'object' || json === null) return json;
  const entries = Object.entries(json).map(([key, value]) => [key, mapObjects(value, change)]);
  return change(Object.fromEntries(entries));
}

const DISCOVERY: ConfigSourceJson = {
  resourceApiVersion: 'V3',
  apiConfigSource: {
    apiType: 'DELTA_GRPC',
    transportApiVersion: 'V3',
    grpcServices: [{ envoyGrpc: { clusterName: DISCOVERY_CLUSTER } }],
  },
};

/** Keys that a ConfigSource over ADS may have. */
const ADS_KEYS = new Set(['ads', 'resourceApiVersion', 'initialFetchTimeout', 'authorities']);

/**
 * References to secrets that are given become references to static ones, which have no `sdsConfig`. Others ask a
 * stream of their own instead of ADS: Envoy 1.40 crashes on validating static clusters with secrets over ADS.
 */
function withoutAds(json: unknown, secrets: Named): unknown {
  return mapObjects(json, (object) => {
    const { sdsConfig, ...rest } = object;
    if (sdsConfig !== undefined && secrets.has(String(rest.name))) return rest;
    return object.ads !== undefined && Object.keys(object).every((key) => ADS_KEYS.has(key)) ? DISCOVERY : object;
  });
}

function withRoutes(json: unknown, routes: Named, used: Set<string>, checkClusters: boolean): unknown {
  return mapObjects(json, (object) => {
    const { rds, ...rest } = object;
    const name = (rds as { routeConfigName?: string } | undefined)?.routeConfigName;
    const routeConfig = name === undefined ? undefined : routes.get(name);
    if (name === undefined || routeConfig === undefined) return object;
    used.add(name);
    // The default is false over RDS and true in a listener.
    return { ...rest, routeConfig: { validateClusters: checkClusters, ...routeConfig } };
  });
}

function withEndpoints(cluster: ClusterJson, endpoints: Named, used: Set<string>): ClusterJson {
  if (cluster.type !== 'EDS') return cluster;
  const name = cluster.edsClusterConfig?.serviceName ?? cluster.name ?? '';
  const loadAssignment = endpoints.get(name) as ClusterLoadAssignmentJson | undefined;
  if (loadAssignment === undefined) return cluster;
  used.add(name);
  const { edsClusterConfig: _, type: __, ...rest } = cluster;
  return { ...rest, loadAssignment };
}

/** A listener inside the proxy that does nothing but hold a route configuration that no other refers to. */
const listenerOf = (name: string, routeConfig: object): ListenerJson => ({
  name: `static-bootstrap/route/${name}`,
  internalListener: {},
  filterChains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typedConfig: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
            statPrefix: 'route',
            routeConfig: { validateClusters: false, ...routeConfig },
            httpFilters: [
              {
                name: 'envoy.filters.http.router',
                typedConfig: any('envoy.extensions.filters.http.router.v3.Router', {}),
              },
            ],
          }),
        },
      ],
    },
  ],
});

/**
 * A bootstrap that holds the resources statically: routes stand in the listeners that fetch them by RDS, endpoints in
 * the clusters that fetch them by EDS, and secrets among the static ones. So one start of Envoy judges all of them.
 * What is not given is referred to over a stream to a cluster
 * without endpoints; routes and endpoints that nothing refers to get a listener
 * or a cluster of their own. Throws EncodeError for a resource that is not of its type.
 */
export function staticBootstrap(resources: readonly Resource[], options: StaticBootstrapOptions = {}): BootstrapJson {
  const checkClusters = options.checkRouteClusters ?? false;
  const canonical = resources.map((resource): Resource => ({ ...resource, json: decode(encode(resource)) }));
  const ofType = (typeUrl: string): readonly Resource[] => canonical.filter((each) => each.typeUrl === typeUrl);
  const byName = (typeUrl: string): Named => new Map(ofType(typeUrl).map(({ name, json }) => [name, json]));
  const secrets = byName(TYPE_URL.secret);
  const routes = byName(TYPE_URL.route);
  const endpoints = byName(TYPE_URL.endpoint);
  const used = { routes: new Set<string>(), endpoints: new Set<string>() };

  const listeners = ofType(TYPE_URL.listener).map(
    ({ json }) => withoutAds(withRoutes(json, routes, used.routes, checkClusters), secrets) as ListenerJson,
  );
  const clusters = ofType(TYPE_URL.cluster).map(
    ({ json }) => withoutAds(withEndpoints(json, endpoints, used.endpoints), secrets) as ClusterJson,
  );
  for (const [name, json] of routes) if (!used.routes.has(name)) listeners.push(listenerOf(name, json));
  for (const [name, json] of endpoints) {
    if (used.endpoints.has(name)) continue;
    clusters.push({ name: `static-bootstrap/endpoints/${name}`, connectTimeout: '1s', loadAssignment: json });
  }
  return {
    node: { id: 'static-bootstrap', cluster: 'static-bootstrap' },
    staticResources: {
      listeners,
      clusters: [...clusters, { name: DISCOVERY_CLUSTER, connectTimeout: '1s' }],
      secrets: [...secrets.values()],
    },
    // Listeners and clusters may be connected within the proxy, which has to be switched on.
    bootstrapExtensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typedConfig: any('envoy.extensions.bootstrap.internal_listener.v3.InternalListener', {}),
      },
    ],
  };
}
