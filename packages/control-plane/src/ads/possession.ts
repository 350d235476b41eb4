import type { EncodedResource } from '@osm/envoy';

/** What a proxy holds under a name; the resource is unknown when only the proxy told its version. */
export interface Held {
  readonly version: string;
  readonly resource: EncodedResource | undefined;
}

/** The version of what may be one of several things; no resource has it. */
const DOUBTFUL = '';

/**
 * What a proxy holds of one type. After it refused a response with several resources that is not known for sure:
 * Envoy applies the good clusters and listeners of it, and goes back for nothing.
 */
export interface Possession {
  /** Last acknowledged, by name. */
  readonly held: ReadonlyMap<string, Held>;
  /** Undefined when the proxy has nothing under the name; a version that no resource has when that is in doubt. */
  version(name: string): string | undefined;
  /** Whether the proxy has the name, or may have it. */
  mayHold(name: string): boolean;
  /** The resources that may be in force under a name; one is undefined when its content is not known. */
  inForce(name: string): readonly (EncodedResource | undefined)[];
  /** The proxy took a resource, or told its version and this is the resource of that version. */
  gain(resource: EncodedResource): void;
  /** The proxy told that it holds a version. */
  learn(name: string, version: string): void;
  /** The proxy no longer has the name. */
  lose(name: string): void;
  /** The proxy may have taken the resource. */
  doubt(resource: EncodedResource): void;
  /** The proxy may have lost the name. */
  doubtPresence(name: string): void;
  /** The proxy has certainly not taken the resource. */
  exclude(resource: EncodedResource): void;
}

/** One entry for all proxies that hold the resource. */
const shared = new WeakMap<EncodedResource, Held>();

function heldOf(resource: EncodedResource): Held {
  const known = shared.get(resource);
  if (known !== undefined) return known;
  const made: Held = Object.freeze({ version: resource.version, resource });
  shared.set(resource, made);
  return made;
}

/** A proxy that holds nothing yet. */
export function createPossession(): Possession {
  const held = new Map<string, Held>();
  /** By name, what may be in force instead of what was acknowledged last, by version; undefined is a removal. */
  const doubts = new Map<string, Map<string, EncodedResource | undefined>>();
  const doubt = (name: string, version: string, resource: EncodedResource | undefined): void => {
    doubts.set(name, (doubts.get(name) ?? new Map()).set(version, resource));
  };
  return {
    held,
    version: (name) => (doubts.has(name) ? DOUBTFUL : held.get(name)?.version),
    mayHold: (name) => held.has(name) || doubts.has(name),
    inForce(name) {
      const known = held.get(name);
      const may = [...(doubts.get(name)?.values() ?? [])].filter((resource) => resource !== undefined);
      return known === undefined ? may : [known.resource, ...may];
    },
    gain(resource) {
      held.set(resource.name, heldOf(resource));
      doubts.delete(resource.name);
    },
    learn(name, version) {
      held.set(name, { version, resource: undefined });
    },
    lose(name) {
      held.delete(name);
      doubts.delete(name);
    },
    doubt: (resource) => doubt(resource.name, resource.version, resource),
    doubtPresence: (name) => doubt(name, DOUBTFUL, undefined),
    exclude({ name, version }) {
      const may = doubts.get(name);
      may?.delete(version);
      if (may?.size === 0) doubts.delete(name);
    },
  };
}
