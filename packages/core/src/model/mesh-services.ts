import type { SliceEndpoint, SliceFacts } from './endpoint-slice.ts';
import { type Members, selectMembers, slicesByService } from './membership.ts';
import { byText } from './names.ts';
import type { ServiceFacts } from './service.ts';
import { type ResolvedEndpoint, resolveEndpoints, type ServiceView, viewService } from './service-view.ts';
import { type Stage, share, stage } from './sharing.ts';
import type { MeshEndpoint, MeshService, Workload } from './snapshot.ts';

/** A view with what it was made from. */
interface Viewed {
  readonly facts: ServiceFacts;
  readonly slices: readonly SliceFacts[] | undefined;
  readonly pods: readonly (Workload | undefined)[];
  readonly view: ServiceView;
}

type Slices = ReadonlyMap<string, readonly SliceFacts[]>;
type Facts = ReadonlyMap<string, ServiceFacts>;
type Workloads = ReadonlyMap<string, Workload>;

/** Services of the mesh with all that belongs to them, and how they came about. */
export interface MeshServices {
  readonly slices: Stage<[ReadonlyMap<string, SliceFacts>], Slices>;
  readonly selected: Stage<[Facts, Workloads], Members>;
  readonly viewed: ReadonlyMap<string, Viewed>;
  readonly services: ReadonlyMap<string, readonly MeshService[]>;
  readonly endpoints: ReadonlyMap<string, readonly MeshEndpoint[]>;
  readonly memberships: ReadonlyMap<string, readonly string[]>;
}

/** Finds the pod of an endpoint: by its reference, or for endpoints made by hand by its address. */
function podFinder(workloads: Workloads): (endpoint: SliceEndpoint) => Workload | undefined {
  let byAddress: Map<string, Workload> | undefined;
  return ({ pod, address }) => {
    if (pod !== undefined) return workloads.get(pod);
    if (byAddress === undefined) {
      byAddress = new Map();
      for (const workload of workloads.values()) {
        if (!workload.hostNetwork) for (const own of workload.addresses) byAddress.set(own, workload);
      }
    }
    return byAddress.get(address);
  };
}

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

function viewOnce(
  facts: ServiceFacts,
  slices: readonly SliceFacts[] | undefined,
  selected: readonly Workload[],
  resolved: readonly ResolvedEndpoint[],
  former: Viewed | undefined,
): Viewed {
  const pods = [...selected, undefined, ...resolved.map(({ pod }) => pod)];
  if (former?.facts === facts && former.slices === slices && sameItems(former.pods, pods)) return former;
  return { facts, slices, pods, view: share(former?.view, viewService(facts, resolved, selected)) };
}

/**
 * Headless services over the same pods have the same addresses, and a connection tells only its address and port. So
 * each address and port belongs to one service: one pod's own before any other, then the one with fewer addresses,
 * then the first by name.
 */
function settleClaims(services: Map<string, readonly MeshService[]>, headless: readonly MeshService[]): void {
  const isPod = ({ service, parent }: MeshService): number => (service.name === parent.name ? 1 : 0);
  const order = [...headless].sort(
    (a, b) => isPod(a) - isPod(b) || a.addresses.length - b.addresses.length || byText(a.upstream, b.upstream),
  );
  const owners = new Map<string, MeshService>();
  const losers = new Map<MeshService, readonly string[]>();
  for (const service of order) {
    const kept = service.addresses.filter((address) => {
      const place = `${address} ${service.port}`;
      if (owners.has(place)) return false;
      owners.set(place, service);
      return true;
    });
    if (kept.length < service.addresses.length) losers.set(service, kept);
  }
  if (losers.size === 0) return;
  const settled = (port: MeshService): MeshService => {
    const addresses = losers.get(port);
    return addresses === undefined ? port : { ...port, addresses };
  };
  for (const { service } of losers.keys()) {
    const key = `${service.namespace}/${service.name}`;
    services.set(key, (services.get(key) ?? []).map(settled));
  }
}

function join(viewed: ReadonlyMap<string, Viewed>): Joined {
  const services = new Map<string, readonly MeshService[]>();
  const endpoints = new Map<string, readonly MeshEndpoint[]>();
  const memberships = new Map<string, string[]>();
  const headless: MeshService[] = [];
  for (const { facts, view } of viewed.values()) {
    for (const [name, ports] of view.services) {
      services.set(name, ports);
      if (facts.headless) headless.push(...ports);
    }
    for (const [upstream, places] of view.endpoints) endpoints.set(upstream, places);
    for (const [name, pods] of view.members) {
      for (const pod of pods) {
        const known = memberships.get(pod);
        if (known) known.push(name);
        else memberships.set(pod, [name]);
      }
    }
  }
  settleClaims(services, headless);
  for (const names of memberships.values()) names.sort(byText);
  return { services: new Map([...services].sort(([a], [b]) => byText(a, b))), endpoints, memberships };
}

type Joined = Pick<MeshServices, 'services' | 'endpoints' | 'memberships'>;

/** Joins views of which only some differ from the former ones; mostly it is endpoints that come and go. */
function rejoin(
  viewed: ReadonlyMap<string, Viewed>,
  changed: ReadonlyMap<string, Viewed>,
  former: MeshServices,
): Joined {
  const onlyEndpoints =
    viewed.size === former.viewed.size &&
    [...changed].every(([key, { view }]) => {
      const old = former.viewed.get(key)?.view;
      return old !== undefined && view.services === old.services && view.members === old.members;
    });
  if (!onlyEndpoints) return join(viewed);
  const endpoints = new Map(former.endpoints);
  for (const { view } of changed.values()) {
    for (const [upstream, places] of view.endpoints) endpoints.set(upstream, places);
  }
  return { services: former.services, endpoints, memberships: former.memberships };
}

/** Puts the services of the mesh together; a service that nothing changed for stays the same object. */
export function joinServices(
  facts: Facts,
  slices: ReadonlyMap<string, SliceFacts>,
  workloads: Workloads,
  former: MeshServices | undefined,
): MeshServices {
  const bySlices = stage(former?.slices, [slices], slicesByService);
  const selected = stage(former?.selected, [facts, workloads], selectMembers);
  const sameWorld = selected === former?.selected;
  if (former && sameWorld && bySlices === former.slices) return former;
  const podOf = podFinder(workloads);
  const viewed = new Map<string, Viewed>();
  const changed = new Map<string, Viewed>();
  for (const [key, service] of facts) {
    const own = bySlices.output.get(key);
    const known = former?.viewed.get(key);
    if (sameWorld && known?.slices === own && known !== undefined) {
      viewed.set(key, known);
      continue;
    }
    const pods = (selected.output.get(key) ?? []).flatMap((pod) => workloads.get(pod) ?? []);
    const next = viewOnce(service, own, pods, resolveEndpoints(own ?? [], podOf), known);
    if (next !== known) changed.set(key, next);
    viewed.set(key, next);
  }
  if (former && changed.size === 0 && former.viewed.size === facts.size)
    return { ...former, slices: bySlices, selected };
  const { services, endpoints, memberships } = former ? rejoin(viewed, changed, former) : join(viewed);
  return {
    slices: bySlices,
    selected,
    viewed,
    services: share(former?.services, services),
    endpoints: share(former?.endpoints, endpoints),
    memberships: share(former?.memberships, memberships),
  };
}
