import type { MeshObject } from '../model/objects.ts';

/** Kubernetes objects for tests, short to write. */

type Labels = Readonly<Record<string, string>>;

/** A namespace of mesh `osm`. */
export const namespace = (name: string, labels: Labels = { 'openservicemesh.io/monitored-by': 'osm' }): MeshObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

/** The MeshConfig that is read. */
export const meshConfig = (spec: object): MeshObject => ({
  apiVersion: 'config.openservicemesh.io/v1alpha2',
  kind: 'MeshConfig',
  metadata: { name: 'osm-mesh-config', namespace: 'osm-system', generation: 1 },
  spec,
});

/** MeshConfig with permissive mode on. */
export const permissive = (): MeshObject => meshConfig({ traffic: { enablePermissiveTrafficPolicyMode: true } });

/** A running pod; `at` is `namespace/name`. */
export function pod(at: string, serviceAccount: string, podIP: string, labels: Labels, spec: object = {}): MeshObject {
  const [ns = '', name = ''] = at.split('/');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: ns, name, labels },
    spec: { serviceAccountName: serviceAccount, ...spec },
    status: { phase: 'Running', podIP },
  };
}

/** A Service; `at` is `namespace/name`. */
export function service(at: string, clusterIP: string, ports: readonly object[], selector?: Labels): MeshObject {
  const [ns = '', name = ''] = at.split('/');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: ns, name, generation: 1 },
    spec: { clusterIP, clusterIPs: [clusterIP], ports, ...(selector && { selector }) },
  };
}

/** An EndpointSlice of the Service `of` (`namespace/name`); endpoints are `[address, pod, conditions, hostname]`. */
export function slice(
  of: string,
  ports: readonly object[],
  endpoints: readonly (readonly [address: string, pod?: string, conditions?: object, hostname?: string | undefined])[],
  name = 'slice',
): MeshObject {
  const [ns = '', serviceName = ''] = of.split('/');
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: ns, name: `${serviceName}-${name}`, labels: { 'kubernetes.io/service-name': serviceName } },
    addressType: endpoints[0]?.[0].includes(':') ? 'IPv6' : 'IPv4',
    ports,
    endpoints: endpoints.map(([address, target, conditions = { ready: true }, hostname]) => ({
      addresses: [address],
      conditions,
      ...(hostname !== undefined && { hostname }),
      ...(target !== undefined && { targetRef: { kind: 'Pod', name: target, namespace: ns } }),
    })),
  };
}

/** Any policy; `at` is `namespace/name`. */
export function policy(kind: string, at: string, spec: object): MeshObject {
  const [ns = '', name = ''] = at.split('/');
  return { apiVersion: 'v1', kind, metadata: { namespace: ns, name, generation: 1 }, spec };
}

/** A TrafficTarget in the destination's namespace; identities are `namespace/service account`. */
export function trafficTarget(name: string, to: string, from: readonly string[], rules: readonly object[]): MeshObject {
  const [ns = '', account = ''] = to.split('/');
  const sources = from.map((source) => {
    const [sourceNamespace, sourceAccount] = source.split('/');
    return { kind: 'ServiceAccount', namespace: sourceNamespace, name: sourceAccount };
  });
  const destination = { kind: 'ServiceAccount', namespace: ns, name: account };
  return policy('TrafficTarget', `${ns}/${name}`, { destination, sources, rules });
}

/** A pod and its Service with one port, ready; `at` is `namespace/name`, and `name` is label and service account too. */
export function workload(
  at: string,
  ip: string,
  clusterIP: string,
  port: object = { name: 'http', port: 80 },
): MeshObject[] {
  const [ns = '', name = ''] = at.split('/');
  const { name: portName, targetPort, port: number } = port as { name?: string; port: number; targetPort?: number };
  return [
    pod(`${ns}/${name}-1`, name, ip, { app: name }),
    service(at, clusterIP, [port], { app: name }),
    slice(at, [{ ...(portName !== undefined && { name: portName }), port: targetPort ?? number }], [[ip, `${name}-1`]]),
  ];
}
