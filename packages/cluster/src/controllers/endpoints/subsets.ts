import type { EndpointAddress, EndpointSubset } from '../objects.ts';
import type { PortGroup } from './service-endpoints.ts';

/** Most addresses in one Endpoints object (Kubernetes docs, "Service: Over-capacity endpoints"). */
const ADDRESS_LIMIT = 1000;

/** The subsets of an Endpoints object, and whether addresses had to be left out. */
export interface Subsets {
  readonly subsets: readonly EndpointSubset[];
  readonly truncated: boolean;
}

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/**
 * The same endpoints in the older form: ready and not ready addresses by ports. Pods that are being deleted are not in it, unless
 * the service publishes not ready addresses; then all count as ready.
 */
export const subsetsOf = (groups: readonly PortGroup[], publishNotReady: boolean): Subsets => {
  let left = ADDRESS_LIMIT;
  let truncated = false;
  const subsets: EndpointSubset[] = [];
  for (const { ports, endpoints } of groups) {
    const address = (endpoint: (typeof endpoints)[number]): EndpointAddress => ({
      ip: endpoint.addresses[0] ?? '',
      ...(endpoint.hostname === undefined ? {} : { hostname: endpoint.hostname }),
      ...(endpoint.nodeName === undefined ? {} : { nodeName: endpoint.nodeName }),
      ...(endpoint.targetRef === undefined ? {} : { targetRef: endpoint.targetRef }),
    });
    const shown = endpoints.filter(({ conditions }) => publishNotReady || conditions?.terminating !== true);
    const ordered = [...shown].sort((a, b) => compare(a.addresses[0] ?? '', b.addresses[0] ?? ''));
    const ready = ordered.filter(({ conditions }) => conditions?.ready !== false);
    const notReady = ordered.filter(({ conditions }) => conditions?.ready === false);
    const [some, more] = [ready.slice(0, left), notReady.slice(0, Math.max(0, left - ready.length))];
    truncated ||= some.length + more.length < shown.length;
    left -= some.length + more.length;
    if (some.length + more.length === 0) continue;
    subsets.push({
      ...(some.length === 0 ? {} : { addresses: some.map(address) }),
      ...(more.length === 0 ? {} : { notReadyAddresses: more.map(address) }),
      ports: ports.map(({ name = '', ...port }) => (name === '' ? port : { name, ...port })),
    });
  }
  return { subsets: subsets.sort((a, b) => compare(JSON.stringify(a.ports), JSON.stringify(b.ports))), truncated };
};
