import type { EncodedResource } from '@osm/envoy';
import type { Resources } from './difference.ts';

/**
 * Resources of one type in maps that lie over one another: of resources with one name, the one in the first map counts.
 * Proxies share the large maps, so neither making such a map nor comparing two of them takes work for what they share.
 */
export class LayeredResources implements ReadonlyMap<string, EncodedResource> {
  readonly layers: readonly Resources[];
  #size: number | undefined;

  constructor(layers: readonly Resources[]) {
    this.layers = layers;
  }

  /** Counted when it is first asked for. */
  get size(): number {
    this.#size ??= [...this.keys()].length;
    return this.#size;
  }

  get(name: string): EncodedResource | undefined {
    for (const layer of this.layers) {
      const found = layer.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  has(name: string): boolean {
    return this.layers.some((layer) => layer.has(name));
  }

  *entries(): MapIterator<[string, EncodedResource]> {
    for (const [at, layer] of this.layers.entries()) {
      for (const entry of layer) {
        if (!this.layers.slice(0, at).some((above) => above.has(entry[0]))) yield entry;
      }
    }
  }

  *keys(): MapIterator<string> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): MapIterator<EncodedResource> {
    for (const [, resource] of this.entries()) yield resource;
  }

  [Symbol.iterator](): MapIterator<[string, EncodedResource]> {
    return this.entries();
  }

  forEach(visit: (value: EncodedResource, key: string, map: Resources) => void): void {
    for (const [name, resource] of this) visit(resource, name, this);
  }
}

/** The maps that a map is made of; of a plain one that one. */
export const layersOf = (resources: Resources): readonly Resources[] =>
  resources instanceof LayeredResources ? resources.layers : [resources];

interface Node {
  readonly below: WeakMap<Resources, Node>;
  made?: Resources;
}
const createNode = (): Node => ({ below: new WeakMap() });
const root = createNode();

/** The maps as one, the first on top: the same object for the same maps, and the map itself for a single one. */
export function layResources(layers: readonly Resources[]): Resources {
  let node = root;
  for (const layer of layers) {
    const next = node.below.get(layer) ?? createNode();
    node.below.set(layer, next);
    node = next;
  }
  const [only, ...others] = layers;
  node.made ??= only !== undefined && others.length === 0 ? only : new LayeredResources(layers);
  return node.made;
}
