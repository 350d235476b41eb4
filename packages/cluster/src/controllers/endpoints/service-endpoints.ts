import type { Container, Endpoint, EndpointPort, Node, Pod, Service, ServicePort } from '../objects.ts';
import { isFinished, isReady, isTerminating } from '../pod-facts.ts';

/** Endpoints that listen on the same ports. */
export interface PortGroup {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** Containers that serve while the pod runs: the application's, and native sidecars. */
const serving = ({ spec }: Pod): readonly Container[] => [
  ...spec.containers,
  ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
];

/** The port of the pod that a service port leads to; undefined when no container has one of that name. */
export const targetPort = (
  pod: Pod,
  { port, targetPort: target, protocol = 'TCP' }: ServicePort,
): number | undefined => {
  if (target === undefined || target === 0 || target === '') return port;
  if (typeof target === 'number') return target;
  if (/^\d+$/.test(target)) return Number(target);
  return serving(pod)
    .flatMap(({ ports = [] }) => ports)
    .find((candidate) => candidate.name === target && (candidate.protocol ?? 'TCP') === protocol)?.containerPort;
};

const portsOf = (pod: Pod, service: Service): readonly EndpointPort[] =>
  (service.spec?.ports ?? []).flatMap((each) => {
    const port = targetPort(pod, each);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = each;
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });

/** True for a service without a cluster address. */
export const isHeadless = (service: Service): boolean => service.spec?.clusterIP === 'None';

const endpointOf = (pod: Pod, service: Service, node: Node | undefined): Endpoint => {
  const { name, namespace = '', uid } = pod.metadata;
  const ready = isReady(pod);
  const terminating = isTerminating(pod);
  const { hostname, subdomain, nodeName } = pod.spec;
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  const named = hostname !== undefined && hostname !== '' && subdomain === service.metadata.name;
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: {
      ready: service.spec?.publishNotReadyAddresses === true || (ready && !terminating),
      serving: ready,
      terminating,
    },
    ...(named ? { hostname } : {}),
    ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    targetRef: { kind: 'Pod', namespace, name, ...(uid === undefined ? {} : { uid }) },
  };
};

/**
 * The endpoints of a service with a selector: its pods that have an address and have not ended, grouped by the ports they listen
 * on, since a named target port may differ from pod to pod (Kubernetes docs, "EndpointSlices": conditions).
 */
export const serviceEndpoints = (
  service: Service,
  pods: readonly Pod[],
  nodeOf: (name: string) => Node | undefined,
): readonly PortGroup[] => {
  const groups = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    if (isFinished(pod) || (pod.status?.podIP ?? '') === '') continue;
    const ports = portsOf(pod, service);
    // A service with ports is no way to a pod that has none of them; only a headless one may do without ports.
    if (ports.length === 0 && !(isHeadless(service) && (service.spec?.ports ?? []).length === 0)) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpointOf(pod, service, nodeOf(pod.spec.nodeName ?? '')));
  }
  return [...groups.values()];
};
