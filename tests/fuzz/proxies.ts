import type { Snapshot } from '@osm/core';
import { planProxy, toResources } from '@osm/core';
import { type Resource, TYPE_URL } from '@osm/envoy';
import { createEmbeddedIssuer, createRoot } from '@osm/pki';
import { IDENTITIES, TARGETS } from './world.ts';

/**
 * The proxies of many meshes in one Envoy. Every name gets the proxy's prefix, routes and endpoints stand where they
 * are fetched, and a PROXY protocol header tells outbound listeners what redirection would: where a call was going.
 */

type Json = Readonly<Record<string, unknown>>;

/** One Envoy's configuration, growing. */
export interface Configuration {
  readonly listeners: Json[];
  readonly clusters: Json[];
  readonly secrets: Json[];
}

const root = await createRoot({ commonName: 'root of the tests' });
const issuer = createEmbeddedIssuer(root);
const trustedCa = { inlineString: root.certificatePem };

async function ownSecrets(identity: string): Promise<Json[]> {
  const [namespace = '', account = ''] = identity.split('/');
  const { chainPem, keyPem } = await issuer.issue({
    commonName: `${account}.${namespace}.cluster.local`,
    uris: [`spiffe://cluster.local/${account}/${namespace}`],
    validitySeconds: 86_400,
  });
  return [
    {
      name: `service-cert:${identity}`,
      tlsCertificate: { certificateChain: { inlineString: chainPem }, privateKey: { inlineString: keyPem } },
    },
    { name: `root-cert-for-mtls-inbound:${identity}`, validationContext: { trustedCa } },
  ];
}
const OWN_SECRETS = (await Promise.all(IDENTITIES.map(ownSecrets))).flat();

/** A configuration that holds nobody's proxy yet. */
export const emptyConfiguration = (): Configuration => ({ listeners: [], clusters: [], secrets: [...OWN_SECRETS] });

/** The bootstrap of a configuration. */
export const bootstrapOf = ({ listeners, clusters, secrets }: Configuration): object => ({
  node: { id: 'fuzz', cluster: 'fuzz' },
  staticResources: { listeners, clusters, secrets },
});

function mapObjects(json: unknown, change: (object: Json) => unknown): unknown {
  if (Array.isArray(json)) return json.map((item) => mapObjects(item, change));
  if (typeof json !== 'object' || json === null) return json;
  return change(Object.fromEntries(Object.entries(json).map(([key, value]) => [key, mapObjects(value, change)])));
}

const ofType = (resources: readonly Resource[], typeUrl: string): ReadonlyMap<string, Json> =>
  new Map(resources.filter((each) => each.typeUrl === typeUrl).map(({ name, json }) => [name, json as Json]));

/** Where the parts of one proxy are. */
export interface Placement {
  readonly prefix: string;
  /** Where calls of the workload are given to its proxy, after a PROXY protocol header. */
  readonly outbound: readonly [address: string, port: number];
  /** Address of the pod, if it serves. */
  readonly pod: string | undefined;
  /** Port of the application for a target port. */
  applicationPort(targetPort: number): number;
  /** An address from which the application is called for a service, so that it knows for which. */
  sourceFor(service: string): string;
  /** Where a named host of the world outside is. */
  readonly outside: string;
}

const socketAddress = (address: string, portValue: number): Json => ({ socketAddress: { address, portValue } });

const PROXY_PROTOCOL: Json = {
  name: 'envoy.filters.listener.proxy_protocol',
  typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol' },
};

function prefixed(json: unknown, prefix: string, identity: string, routes: ReadonlyMap<string, Json>): unknown {
  return mapObjects(json, (object) => {
    const { cluster, weightedClusters, rds, sdsConfig, accessLog: _, ...rest } = object;
    if (sdsConfig !== undefined) {
      const name = String(rest.name);
      // Its own certificate is just that to each client.
      if (name === 'service-cert') return { name: `service-cert:${identity}` };
      return name.startsWith('root-cert-for-mtls-outbound:') ? { name: `${prefix}${name}` } : rest;
    }
    const weighted = weightedClusters as { readonly clusters: readonly Json[] } | undefined;
    const routeName = (rds as { readonly routeConfigName: string } | undefined)?.routeConfigName;
    return {
      ...rest,
      ...(typeof cluster === 'string' && { cluster: `${prefix}${cluster}` }),
      ...(weighted && {
        weightedClusters: {
          ...weighted,
          clusters: weighted.clusters.map((each) => ({ ...each, name: `${prefix}${String(each.name)}` })),
        },
      }),
      ...(routeName !== undefined && {
        routeConfig: {
          validateClusters: false,
          ...(prefixed(routes.get(routeName), prefix, identity, routes) as Json),
        },
      }),
    };
  });
}

function listenerAt(name: string, json: Json, place: Placement): Json | undefined {
  if (name === 'outbound-listener') {
    const filters = (json.listenerFilters as readonly Json[]).map((filter) =>
      filter.name === 'envoy.filters.listener.original_dst' ? PROXY_PROTOCOL : filter,
    );
    return {
      ...json,
      name: `${place.prefix}${name}`,
      address: socketAddress(...place.outbound),
      listenerFilters: filters,
    };
  }
  const { pod } = place;
  if (pod === undefined) return undefined;
  const [first = 0, ...others] = TARGETS;
  return {
    ...json,
    name: `${place.prefix}${name}`,
    address: socketAddress(pod, first),
    additionalAddresses: others.map((port) => ({ address: socketAddress(pod, port) })),
  };
}

const endpoint = (name: string, address: string, port: number): Json => ({
  clusterName: name,
  endpoints: [{ lbEndpoints: [{ endpoint: { address: socketAddress(address, port) } }] }],
});

function clusterAt(name: string, json: Json, assignments: ReadonlyMap<string, Json>, place: Placement): Json {
  const full = `${place.prefix}${name}`;
  const { type, clusterType, edsClusterConfig: _, lbPolicy, ...rest } = json;
  if (type === 'EDS') {
    return { ...rest, name: full, lbPolicy, loadAssignment: { ...assignments.get(name), clusterName: full } };
  }
  if (name.endsWith('|local')) {
    const [service = '', target = ''] = name.split('|');
    return {
      ...rest,
      name: full,
      loadAssignment: endpoint(full, '127.0.0.1', place.applicationPort(Number(target))),
      upstreamBindConfig: { sourceAddress: { address: place.sourceFor(service), portValue: 0 } },
    };
  }
  if (type === 'ORIGINAL_DST') return { ...json, name: full };
  const port = Number(/:(\d+)$/.exec(name)?.[1] ?? 0);
  // Names of the world outside, looked up before or as they come.
  const { loadAssignment: __, dnsLookupFamily: ___, respectDnsTtl: ____, ...named } = rest;
  return { ...named, name: full, loadAssignment: endpoint(full, place.outside, port || 18_080) };
}

/** Adds the proxy of an identity, and with a pod all that it serves. False when it is in no mesh. */
export function addProxy(
  { listeners, clusters, secrets }: Configuration,
  snapshot: Snapshot,
  identity: string,
  pod: { readonly namespace: string; readonly name: string } | undefined,
  place: Placement,
): void {
  const [namespace = '', serviceAccount = ''] = identity.split('/');
  const plan = planProxy(snapshot, { identity: { namespace, serviceAccount }, pod });
  if (plan === undefined) return;
  const resources = toResources(plan);
  const routes = ofType(resources, TYPE_URL.route);
  const assignments = ofType(resources, TYPE_URL.endpoint);
  for (const [name, json] of ofType(resources, TYPE_URL.listener)) {
    const placed = listenerAt(name, json, place);
    if (placed !== undefined) listeners.push(prefixed(placed, place.prefix, identity, routes) as Json);
  }
  for (const [name, json] of ofType(resources, TYPE_URL.cluster)) {
    clusters.push(prefixed(clusterAt(name, json, assignments, place), place.prefix, identity, routes) as Json);
  }
  const services = new Map(
    [...plan.upstreams.values()].map((each) => [`${each.service.namespace}/${each.service.name}`, each]),
  );
  for (const [service, { servers }] of services) {
    const names = servers.map((each) => `spiffe://cluster.local/${each.serviceAccount}/${each.namespace}`);
    const matchTypedSubjectAltNames = names.map((exact) => ({ sanType: 'URI', matcher: { exact } }));
    secrets.push({
      name: `${place.prefix}root-cert-for-mtls-outbound:${service}`,
      validationContext: { trustedCa, ...(names.length > 0 && { matchTypedSubjectAltNames }) },
    });
  }
}
