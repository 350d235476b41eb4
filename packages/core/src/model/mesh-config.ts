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

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * `spec` with what `good` has at the path of a field such as `spec.traffic.enableEgress`, or without it where `good` has
 * nothing there. Lists are taken as a whole.
 */
function mended(spec: Json, field: string, good: unknown): Json {
  const [, section = '', ...rest] = (field.split('[')[0] ?? '').split('.');
  const { [section]: inner, ...others } = spec;
  const value = isRecord(good) ? good[section] : undefined;
  if (rest.length > 0 && isRecord(inner))
    return { ...others, [section]: mended(inner, ['spec', ...rest].join('.'), value) };
  return value === undefined ? others : { ...others, [section]: value };
}

const defaults = (): MeshConfigSpec => {
  const parsed = parseMeshConfig({});
  if (!parsed.ok) throw new Error(`the defaults of MeshConfig are refused: ${JSON.stringify(parsed.faults)}`);
  return parsed.spec;
};

const EXTERNAL = 'spec.traffic.inboundExternalAuthorization';

type External = MeshConfigSpec['traffic']['inboundExternalAuthorization'];
const isComplete = (external: External): boolean => Boolean(external?.address) && external?.port !== undefined;

/** External authorization without anybody to ask: as it last was while it was on, or else every request is denied. */
function completeExternal(
  read: ReadConfig & { readonly object: ObjectRef },
  former: MeshConfigSpec | undefined,
): ReadConfig {
  const { config, object, faults } = read;
  const external = config.traffic.inboundExternalAuthorization;
  if (external?.enable !== true || isComplete(external)) return read;
  const last = former?.traffic.inboundExternalAuthorization;
  const kept = last?.enable === true && isComplete(last);
  const message = kept
    ? 'needs an address and a port; the former ones are asked'
    : 'needs an address and a port; every request is denied without';
  const fault: PolicyFault = { object, field: EXTERNAL, message, ...(kept && { kept: true }) };
  const traffic = kept ? { ...config.traffic, inboundExternalAuthorization: last } : config.traffic;
  return { config: { ...config, traffic }, object, faults: [...faults, fault] };
}

/**
 * Reads MeshConfig. A field that is wrong is as it last was in `former`, or has its default, and the others hold;
 * without an object all have their defaults, which turn every feature off.
 */
export function readMeshConfig(object: MeshObject | undefined, former?: ReadConfig): ReadConfig {
  if (object === undefined) return { config: defaults(), object: undefined, faults: [] };
  const { name, namespace = '', generation = 0 } = object.metadata;
  const ref: ObjectRef = { kind: 'MeshConfig', namespace, name, generation };
  const last = former?.object === undefined ? undefined : former.config;
  const parsed = parseMeshConfig({ spec: object.spec });
  if (parsed.ok) return completeExternal({ config: parsed.spec, object: ref, faults: [] }, last);
  const kept = last !== undefined;
  const faults = parsed.faults.map(({ field, message }) => ({ object: ref, field, message, ...(kept && { kept }) }));
  const { spec } = object;
  const mendedSpec = isRecord(spec)
    ? parsed.faults.reduce<Json>((left, { field }) => mended(left, field, last), spec)
    : undefined;
  const again = mendedSpec && parseMeshConfig({ spec: mendedSpec });
  if (again?.ok) return completeExternal({ config: again.spec, object: ref, faults }, last);
  const inForce = former?.object === undefined ? ref : { ...former.object, unreadable: generation };
  return { config: last ?? defaults(), object: inForce, faults };
}
