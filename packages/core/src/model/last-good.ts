import type { HTTPRouteGroupSpec } from '@osm/api';
import type { MeshObject } from './objects.ts';
import type { ReadPolicy } from './policy.ts';
import type { Policy, PolicyFault, RouteGroup } from './snapshot.ts';

/**
 * A policy that cannot be read any more stays in force as it last could: what is half written must not open or close
 * the mesh. An object that never could be read has no effect. The faults are those of what is stored.
 */
export function keepLastGood<P extends Policy<unknown>>(
  read: (object: MeshObject) => ReadPolicy<P>,
): (object: MeshObject, key: string, former: ReadPolicy<P> | undefined) => ReadPolicy<P> {
  return (object, _key, former) => {
    const now = read(object);
    if (now.policy !== undefined || former?.policy === undefined) return now;
    const { object: ref, ...policy } = former.policy;
    const unreadable = object.metadata.generation ?? 0;
    return {
      policy: { ...policy, object: { ...ref, unreadable } } as P,
      faults: now.faults.map((fault) => ({ ...fault, kept: true })),
    };
  };
}

type Group = Policy<HTTPRouteGroupSpec> & RouteGroup;

/** Of a route group some matches may be faulty alone: the last good ones of the same names stay in force. */
export function keepLastMatches(
  read: (object: MeshObject, key: string, former: ReadPolicy<Group> | undefined) => ReadPolicy<Group>,
): (object: MeshObject, key: string, former: ReadPolicy<Group> | undefined) => ReadPolicy<Group> {
  return (object, key, former) => {
    const now = read(object, key, former);
    const { policy } = now;
    const last = former?.policy?.matches;
    if (policy === undefined || last === undefined || policy.object.unreadable !== undefined) return now;
    const matches = new Map(policy.matches);
    const kept = new Set<string>();
    for (const [index, { name }] of (policy.spec.matches ?? []).entries()) {
      const good = last.get(name);
      if (good === undefined || matches.has(name)) continue;
      matches.set(name, good);
      kept.add(`spec.matches[${index}]`);
    }
    if (kept.size === 0) return now;
    const isKept = ({ field }: PolicyFault): boolean => [...kept].some((match) => field.startsWith(`${match}.`));
    return {
      policy: { ...policy, matches },
      faults: now.faults.map((fault) => (isKept(fault) ? { ...fault, kept: true } : fault)),
    };
  };
}
