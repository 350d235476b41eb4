import { type MeshConfigSpec, parseMeshConfig } from '@osm/api';
import type { MeshObject } from './objects.ts';
import type { ObjectRef, PolicyFault } from './snapshot.ts';

/** MeshConfig as read: always usable. */
export interface ReadConfig {
  readonly config: MeshConfigSpec;
  readonly object: ObjectRef | undefined;
  readonly faults: readonly PolicyFault[];
}

type Json = Record<string, unknown>;

/** `spec` without the field at a path such as `spec.traffic.enableEgress`; list items go with their list. */
function without(spec: Json, field: string): Json {
  const [, section = '', ...rest] = (field.split('[')[0] ?? '').split('.');
  const copy = { ...spec };
  const inner = copy[section];
  if (rest.length === 0 || typeof inner !== 'object' || inner === null) delete copy[section];
  else copy[section] = without(inner as Json, ['spec', ...rest].join('.'));
  return copy;
}

const defaults = (): MeshConfigSpec => {
  const parsed = parseMeshConfig({});
  if (!parsed.ok) throw new Error(`the defaults of MeshConfig are refused: ${JSON.stringify(parsed.faults)}`);
  return parsed.spec;
};

function* featureFaults(config: MeshConfigSpec): Generator<{ readonly field: string; readonly message: string }> {
  const external = config.traffic.inboundExternalAuthorization;
  if (external?.enable && (!external.address || external.port === undefined)) {
    const message = 'needs an address and a port; every request is denied without';
    yield { field: 'spec.traffic.inboundExternalAuthorization', message };
  }
}

/**
 * Reads MeshConfig. A field that is wrong has its default, and the others hold; without an object all have theirs,
 * which turn every feature off.
 */
export function readMeshConfig(object: MeshObject | undefined): ReadConfig {
  if (object === undefined) return { config: defaults(), object: undefined, faults: [] };
  const { name, namespace = '', generation = 0 } = object.metadata;
  const ref: ObjectRef = { kind: 'MeshConfig', namespace, name, generation };
  const parsed = parseMeshConfig({ spec: object.spec });
  if (parsed.ok) {
    const faults = [...featureFaults(parsed.spec)].map((fault) => ({ object: ref, ...fault }));
    return { config: parsed.spec, object: ref, faults };
  }
  const faults = parsed.faults.map(({ field, message }) => ({ object: ref, field, message }));
  const spec = object.spec;
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec))
    return { config: defaults(), object: ref, faults };
  const rest = parsed.faults.reduce<Json>((left, { field }) => without(left, field), spec as Json);
  const again = parseMeshConfig({ spec: rest });
  return { config: again.ok ? again.spec : defaults(), object: ref, faults };
}
