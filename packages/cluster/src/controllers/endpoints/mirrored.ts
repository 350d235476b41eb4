import type { Endpoint, EndpointAddress, Endpoints } from '../objects.ts';
import type { PortGroup } from './service-endpoints.ts';

/** Label of Endpoints that their owner makes slices for himself. */
const SKIP_MIRROR = 'endpointslice.kubernetes.io/skip-mirror';
/** Label and annotation of Endpoints that a controller or a leader election writes. */
const MANAGED = 'endpoints.kubernetes.io/managed-by';
const LEADER = 'control-plane.alpha.kubernetes.io/leader';

/** Whether hand-made Endpoints want slices (Kubernetes docs, "EndpointSlices: EndpointSlice mirroring"). */
export const wantsMirror = ({ metadata: { labels = {}, annotations = {} } }: Endpoints): boolean =>
  labels[SKIP_MIRROR] !== 'true' && labels[MANAGED] === undefined && annotations[LEADER] === undefined;

const isIPv4 = (ip: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(ip);

/** What hand-made Endpoints say, as groups of endpoints. Addresses that are not IPv4 are left out. */
export const mirroredGroups = ({ subsets = [] }: Endpoints): readonly PortGroup[] =>
  subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) => {
    const endpoint =
      (ready: boolean) =>
      ({ ip, hostname, nodeName, targetRef }: EndpointAddress): Endpoint => ({
        addresses: [ip],
        conditions: { ready },
        ...(hostname === undefined || hostname === '' ? {} : { hostname }),
        ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
        ...(targetRef === undefined ? {} : { targetRef }),
      });
    return {
      ports: ports.map((port) => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' })),
      endpoints: [
        ...addresses.filter(({ ip }) => isIPv4(ip)).map(endpoint(true)),
        ...notReadyAddresses.filter(({ ip }) => isIPv4(ip)).map(endpoint(false)),
      ],
    };
  });
