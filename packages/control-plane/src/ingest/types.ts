import type { ResourceType } from '@osm/kube';

const of = (group: string, version: string, resource: string, kind: string): ResourceType =>
  Object.freeze({ group, version, resource, kind, namespaced: true });

/** The resource types that the mesh defines or adopts, in the versions it reads. */
export const MESH_TYPES = Object.freeze({
  meshConfigs: of('config.openservicemesh.io', 'v1alpha2', 'meshconfigs', 'MeshConfig'),
  meshRootCertificates: of('config.openservicemesh.io', 'v1alpha2', 'meshrootcertificates', 'MeshRootCertificate'),
  egresses: of('policy.openservicemesh.io', 'v1alpha1', 'egresses', 'Egress'),
  ingressBackends: of('policy.openservicemesh.io', 'v1alpha1', 'ingressbackends', 'IngressBackend'),
  retries: of('policy.openservicemesh.io', 'v1alpha1', 'retries', 'Retry'),
  upstreamTrafficSettings: of(
    'policy.openservicemesh.io',
    'v1alpha1',
    'upstreamtrafficsettings',
    'UpstreamTrafficSetting',
  ),
  trafficTargets: of('access.smi-spec.io', 'v1alpha3', 'traffictargets', 'TrafficTarget'),
  httpRouteGroups: of('specs.smi-spec.io', 'v1alpha4', 'httproutegroups', 'HTTPRouteGroup'),
  tcpRoutes: of('specs.smi-spec.io', 'v1alpha4', 'tcproutes', 'TCPRoute'),
  trafficSplits: of('split.smi-spec.io', 'v1alpha2', 'trafficsplits', 'TrafficSplit'),
});
