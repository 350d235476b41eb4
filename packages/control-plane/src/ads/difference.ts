import type { EncodedResource } from '@osm/envoy';

/** Resources of one type by name. */
export type Resources = ReadonlyMap<string, EncodedResource>;

/** No resources; one object, so that differences against it are shared too. */
export const NO_RESOURCES: Resources = new Map();

const known = new WeakMap<Resources, WeakMap<Resources, readonly string[]>>();

/**
 * Names whose version differs, or that one side lacks. Computed once for each pair of maps: proxies that are alike
 * share their maps, so a change costs its size for each of them rather than the size of the mesh.
 */
export function changedNames(before: Resources, after: Resources): readonly string[] {
  if (before === after) return [];
  const byBefore = known.get(after) ?? new WeakMap<Resources, readonly string[]>();
  known.set(after, byBefore);
  const found = byBefore.get(before);
  if (found !== undefined) return found;
  const changed: string[] = [];
  for (const [name, resource] of after) if (before.get(name)?.version !== resource.version) changed.push(name);
  for (const name of before.keys()) if (!after.has(name)) changed.push(name);
  byBefore.set(before, changed);
  return changed;
}
