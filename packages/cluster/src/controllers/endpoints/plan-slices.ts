import type { KubeObject } from '@osm/kube';
import { sameJson } from '../../store/fields.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../objects.ts';
import { controllerReference } from '../ownership.ts';
import type { PortGroup } from './service-endpoints.ts';

/** Label that names the service of a slice. */
export const SERVICE_NAME = 'kubernetes.io/service-name';
/** Label that names the controller of a slice: nobody else writes it. */
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
/** Label of slices and endpoints of headless services. */
export const HEADLESS = 'service.kubernetes.io/headless';

/** Most endpoints in one slice (kube-controller-manager's default). */
export const SLICE_LIMIT = 100;

/** A slice that is not there yet. */
export interface NewSlice {
  readonly apiVersion: 'discovery.k8s.io/v1';
  readonly kind: 'EndpointSlice';
  readonly metadata: { readonly namespace: string; readonly [field: string]: unknown };
  readonly addressType: 'IPv4';
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly EndpointPort[];
}

/** Which slices to write. */
export interface SlicePlan {
  readonly create: readonly NewSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** What a plan is made of. */
export interface SliceFacts {
  /** Service or Endpoints that the slices belong to. */
  readonly owner: KubeObject;
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly groups: readonly PortGroup[];
  /** Slices of this owner under this manager. */
  readonly present: readonly EndpointSlice[];
}

const identity = ({ targetRef, addresses, hostname }: Endpoint): string =>
  `${targetRef?.uid ?? ''} ${addresses.join()} ${targetRef?.uid === undefined ? (hostname ?? '') : ''}`;

const portsKey = (ports: readonly EndpointPort[] | null | undefined): string =>
  JSON.stringify(
    (ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => [name, port, protocol, appProtocol]),
  );

/**
 * Lays endpoints out over slices so that few slices change: every endpoint stays in the slice it is in, new ones fill slices that
 * are not full, one slice stays when there are no endpoints at all.
 */
export const planSlices = (facts: SliceFacts): SlicePlan => {
  const unused = new Set(facts.present);
  const plan = { create: [] as NewSlice[], update: [] as EndpointSlice[], remove: [] as EndpointSlice[] };
  const groups = facts.groups.length === 0 ? [{ ports: [], endpoints: [] }] : facts.groups;
  for (const { ports, endpoints } of groups) {
    const key = portsKey(ports);
    const slices = facts.present.filter((slice) => portsKey(slice.ports) === key);
    const rest = new Map(endpoints.map((endpoint) => [identity(endpoint), endpoint]));
    const kept = slices.map((slice) => ({ slice, endpoints: takeKnown(slice, rest) }));
    // Slices that change anyway are filled first, then the fullest, so that the fewest are written.
    const fillOrder = [...kept].sort(
      (left, right) =>
        Number(isSame(left.slice, left.endpoints)) - Number(isSame(right.slice, right.endpoints)) ||
        right.endpoints.length - left.endpoints.length,
    );
    const added = [...rest.values()];
    for (const entry of fillOrder) entry.endpoints.push(...added.splice(0, SLICE_LIMIT - entry.endpoints.length));
    const filled = kept.filter((entry) => entry.endpoints.length > 0);
    const placeholder = filled.length === 0 && added.length === 0 && endpoints.length === 0 ? kept.slice(0, 1) : [];
    for (const entry of [...filled, ...placeholder]) {
      unused.delete(entry.slice);
      const next = withContent(facts, entry.slice, entry.endpoints);
      if (next !== entry.slice) plan.update.push(next);
    }
    if (endpoints.length === 0 && placeholder.length === 0) plan.create.push(newSlice(facts, ports, []));
    while (added.length > 0) plan.create.push(newSlice(facts, ports, added.splice(0, SLICE_LIMIT)));
  }
  plan.remove.push(...unused);
  return reuse(facts, plan);
};

/** What a slice has that is still wanted, in its newest form; taken out of `rest`. */
const takeKnown = (slice: EndpointSlice, rest: Map<string, Endpoint>): Endpoint[] => {
  const kept: Endpoint[] = [];
  for (const endpoint of slice.endpoints ?? []) {
    const key = identity(endpoint);
    const wanted = rest.get(key);
    if (wanted === undefined) continue;
    rest.delete(key);
    kept.push(wanted);
  }
  return kept;
};

const isSame = (slice: EndpointSlice, endpoints: readonly Endpoint[]): boolean =>
  sameJson(slice.endpoints ?? [], endpoints);

const withContent = (facts: SliceFacts, slice: EndpointSlice, endpoints: readonly Endpoint[]): EndpointSlice => {
  if (isSame(slice, endpoints) && sameJson(slice.metadata.labels ?? {}, facts.labels)) return slice;
  return { ...slice, metadata: { ...slice.metadata, labels: facts.labels }, endpoints };
};

const newSlice = (
  { owner, service, labels }: SliceFacts,
  ports: readonly EndpointPort[],
  endpoints: readonly Endpoint[],
): NewSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    generateName: `${service}-`,
    namespace: owner.metadata.namespace ?? '',
    labels,
    ownerReferences: [controllerReference(owner)],
  },
  addressType: 'IPv4',
  endpoints,
  ports,
});

/** A slice that would go is written anew instead of one being created beside it: a service's first pod costs one write. */
const reuse = (facts: SliceFacts, plan: SlicePlan): SlicePlan => {
  const create = [...plan.create];
  const update = [...plan.update];
  const remove = [...plan.remove];
  while (create.length > 0 && remove.length > 0) {
    const slice = remove.shift();
    const wanted = create.shift();
    if (slice === undefined || wanted === undefined) break;
    const metadata = { ...slice.metadata, labels: facts.labels };
    update.push({ ...slice, metadata, endpoints: wanted.endpoints, ports: wanted.ports });
  }
  return { create, update, remove };
};
