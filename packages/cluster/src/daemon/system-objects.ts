import { ApiError, type KubeClient, type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import { API_ENDPOINT_PORT, DNS_SERVICE_IP, GATEWAY_IP } from '../node/addresses.ts';

/** The endpoint by which pods reach the API server: the node's own forwarder. */
const API_PORT = { name: 'https', port: API_ENDPOINT_PORT, protocol: 'TCP' };
const DNS_PORTS = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
];

/** Objects that stand for what the node itself answers; no controller makes them, since the services select no pods. */
const SYSTEM_OBJECTS: readonly (readonly [type: ResourceType, object: KubeObject])[] = [
  [
    TYPES.services,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'kube-dns',
        namespace: 'kube-system',
        labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS' },
      },
      spec: { clusterIP: DNS_SERVICE_IP, ports: DNS_PORTS },
    },
  ],
  [TYPES.endpoints, endpoints('kubernetes', 'default', [API_PORT])],
  [TYPES.endpointSlices, endpointSlice('kubernetes', 'default', [API_PORT])],
  [TYPES.endpoints, endpoints('kube-dns', 'kube-system', DNS_PORTS)],
  [TYPES.endpointSlices, endpointSlice('kube-dns', 'kube-system', DNS_PORTS)],
];

/** Makes the objects that are not there yet. Rejects with ApiError. */
export async function createSystemObjects(client: KubeClient): Promise<void> {
  for (const [type, object] of SYSTEM_OBJECTS) {
    const { namespace } = object.metadata;
    await client.create(type, object, namespace === undefined ? {} : { namespace }).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
    });
  }
}

type Port = { readonly name: string; readonly port: number; readonly protocol: string };

function endpoints(name: string, namespace: string, ports: readonly Port[]): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: GATEWAY_IP }], ports }],
  };
}

function endpointSlice(name: string, namespace: string, ports: readonly Port[]): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [GATEWAY_IP], conditions: { ready: true, serving: true, terminating: false } }],
    ports,
  };
}
