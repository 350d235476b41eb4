import { sortIdentities } from '../model/names.ts';
import type { MeshEndpoint, Snapshot } from '../model/snapshot.ts';
import type { Assignment, Identity } from '../plan/types.ts';

const memo = new WeakMap<readonly MeshEndpoint[], WeakMap<Assignment, readonly Identity[]>>();

function find(places: readonly MeshEndpoint[], assignment: Assignment): readonly Identity[] {
  // Endpoints that are drained get nothing new.
  const healthy = assignment.endpoints.filter(({ health }) => health === 'healthy');
  const used = new Set(healthy.map(({ address, port }) => `${address} ${port}`));
  return sortIdentities(
    places.flatMap(({ address, port, identity }) => (identity && used.has(`${address} ${port}`) ? identity : [])),
  );
}

/** Identities of the pods that an assignment sends to, sorted. */
export function answering(snapshot: Snapshot, assignment: Assignment): readonly Identity[] {
  const places = snapshot.endpoints.get(assignment.upstream);
  if (places === undefined) return [];
  const known = memo.get(places) ?? new WeakMap<Assignment, readonly Identity[]>();
  memo.set(places, known);
  const found = known.get(assignment) ?? find(places, assignment);
  known.set(assignment, found);
  return found;
}

const byAddress = new WeakMap<Snapshot['workloads'], ReadonlyMap<string, string>>();

/** The pod (`<namespace>/<name>`) with an address of its own; undefined when none of the mesh has it. */
export function podAt(snapshot: Snapshot, address: string): string | undefined {
  const { workloads } = snapshot;
  let index = byAddress.get(workloads);
  if (index === undefined) {
    const made = new Map<string, string>();
    for (const [key, { addresses, hostNetwork }] of workloads) {
      if (!hostNetwork) for (const own of addresses) made.set(own, key);
    }
    byAddress.set(workloads, made);
    index = made;
  }
  return index.get(address);
}

const dialled = new WeakMap<Snapshot['services'], ReadonlySet<string>>();

/** Whether clients dial a service of the mesh at an address, on whichever port. */
export function isServiceAddress({ services }: Snapshot, address: string): boolean {
  let addresses = dialled.get(services);
  if (addresses === undefined) {
    addresses = new Set([...services.values()].flatMap((ports) => ports.flatMap((port) => port.addresses)));
    dialled.set(services, addresses);
  }
  return addresses.has(address);
}
