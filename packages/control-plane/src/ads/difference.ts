import type { EncodedResource } from '@osm/envoy';
import { layersOf } from './layers.ts';

/** Resources of one type by name. */
export type Resources = ReadonlyMap<string, EncodedResource>;

/** No resources; one object, so that differences against it are shared too. */
export const NO_RESOURCES: Resources = new Map();

const known = new WeakMap<Resources, WeakMap<Resources, readonly string[]>>();

function compare(before: Resources, after: Resources): readonly string[] {
  const changed: string[] = [];
  for (const [name, resource] of after) if (before.get(name)?.version !== resource.version) changed.push(name);
  for (const name of before.keys()) if (!after.has(name)) changed.push(name);
  return changed;
}

/**
 * Maps with as many layers are compared layer by layer: a name that differs in none of them is the same in all, and the
 * large layers are mostly the very same, or two whose difference is known.
 */
function compareLayers(before: Resources, after: Resources): readonly string[] {
  const [old, next] = [layersOf(before), layersOf(after)];
  if (old.length !== next.length || next.length === 1) return compare(before, after);
  const suspects = new Set(next.flatMap((layer, at) => changedNames(old[at] ?? NO_RESOURCES, layer)));
  return [...suspects].filter((name) => before.get(name)?.version !== after.get(name)?.version);
}

/**
 * Names whose version differs, or that one side lacks. Computed once for each pair of maps: proxies that are alike
 * share their maps, and proxies that share layers share what is computed of these, so a change costs its size for
 * each of them rather than the size of the mesh.
 */
export function changedNames(before: Resources, after: Resources): readonly string[] {
  if (before === after) return [];
  const byBefore = known.get(after) ?? new WeakMap<Resources, readonly string[]>();
  known.set(after, byBefore);
  const found = byBefore.get(before);
  if (found !== undefined) return found;
  const changed = compareLayers(before, after);
  byBefore.set(before, changed);
  return changed;
}
