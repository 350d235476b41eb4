import { isRecord, text } from '../store/fields.ts';
import { all, derive, each, type Fill, fill, hasItems, within } from './fill.ts';

/** Seconds for which a client keeps its endpoint, when affinity is asked for: three hours. */
const AFFINITY_SECONDS = 10_800;

const affinity = derive((spec) =>
  spec.sessionAffinity === 'ClientIP' && !isRecord(spec.sessionAffinityConfig)
    ? { sessionAffinityConfig: { clientIP: { timeoutSeconds: AFFINITY_SECONDS } } }
    : {},
);

const targetPort = derive((port) =>
  port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '' ? { targetPort: port.port } : {},
);

const traffic = derive((spec) => {
  const type = text(spec.type);
  const external = type === 'NodePort' || type === 'LoadBalancer';
  return {
    ...(external && text(spec.externalTrafficPolicy) === '' ? { externalTrafficPolicy: 'Cluster' } : {}),
    ...(type !== 'ExternalName' && text(spec.internalTrafficPolicy) === '' ? { internalTrafficPolicy: 'Cluster' } : {}),
    ...(type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === undefined
      ? { allocateLoadBalancerNodePorts: true }
      : {}),
  };
});

/** Defaults of v1 Service; its addresses are given by the API. */
export const serviceDefaults: Fill = all(
  fill({ spec: {} }),
  within(
    'spec',
    all(
      fill({ type: 'ClusterIP', sessionAffinity: 'None' }),
      affinity,
      each('ports', all(fill({ protocol: 'TCP' }), targetPort)),
      traffic,
    ),
  ),
);

/** Defaults of v1 Endpoints. */
export const endpointsDefaults: Fill = each('subsets', each('ports', fill({ protocol: 'TCP' })));

/** Defaults of discovery.k8s.io/v1 EndpointSlice. */
export const endpointSliceDefaults: Fill = each(
  'ports',
  all(
    derive((port) => (port.name === undefined ? { name: '' } : {})),
    fill({ protocol: 'TCP' }),
  ),
);

const peerPorts = each('ports', fill({ protocol: 'TCP' }));

/** Defaults of networking.k8s.io/v1 NetworkPolicy. */
export const networkPolicyDefaults: Fill = within(
  'spec',
  all(
    each('ingress', peerPorts),
    each('egress', peerPorts),
    derive((spec) =>
      hasItems(spec.policyTypes) ? {} : { policyTypes: ['Ingress', ...(hasItems(spec.egress) ? ['Egress'] : [])] },
    ),
  ),
);

/** Defaults of networking.k8s.io/v1 IngressClass. */
export const ingressClassDefaults: Fill = within('spec', within('parameters', fill({ scope: 'Cluster' })));
