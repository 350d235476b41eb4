import type { MeshConfigSpec } from '@osm/api';
import { namespaceAuthorizer } from './authorizer.ts';
import { type MtlsSetting, readMtls } from './mtls.ts';
import type { MeshObject, ObjectsByKey } from './objects.ts';
import { refOf } from './policy.ts';
import type { ObjectRef, PolicyFault, Snapshot } from './snapshot.ts';

/**
 * Whom workloads let in. `permissive`: every workload of the mesh. `rules`: whom TrafficTargets name (SMI). `audit`: as
 * permissive, and what `rules` would refuse is counted.
 */
export type TrafficMode = 'permissive' | 'rules' | 'audit';

/** What the annotations of a namespace say of calls to its workloads; what is absent is as the mesh has it. */
export interface NamespaceTraffic {
  readonly object: ObjectRef;
  readonly mode?: TrafficMode;
  readonly mtls?: MtlsSetting;
  /** The authorization service that its workloads' proxies ask. */
  readonly authorizer?: string;
}

/** The namespaces that say something, and what they say wrong. */
export interface ReadTraffic {
  readonly byNamespace: ReadonlyMap<string, NamespaceTraffic>;
  readonly faults: readonly PolicyFault[];
}

/** Annotation of a Namespace that takes the place of MeshConfig's `enablePermissiveTrafficPolicyMode` for its workloads. */
export const MODE_ANNOTATION = 'openservicemesh.io/permissive-traffic-policy-mode';

/** The words of the mesh's other on/off annotations, and `audit`. */
const MODES: ReadonlyMap<string, TrafficMode> = new Map([
  ...['enabled', 'yes', 'true'].map((word) => [word, 'permissive'] as const),
  ...['disabled', 'no', 'false'].map((word) => [word, 'rules'] as const),
  ['audit', 'audit'],
]);

/** Path of an annotation, as faults and origins name it. */
export const annotationField = (name: string): string => `metadata.annotations[${name}]`;

function readNamespace(object: MeshObject, faults: PolicyFault[]): NamespaceTraffic | undefined {
  const annotations = object.metadata.annotations ?? {};
  const ref: ObjectRef = refOf('Namespace', object);
  const word = annotations[MODE_ANNOTATION];
  const mode = word === undefined ? undefined : MODES.get(word.trim().toLowerCase());
  if (word !== undefined && mode === undefined) {
    const message = `${JSON.stringify(word)} is not enabled, disabled or audit; MeshConfig holds`;
    faults.push({ object: ref, field: annotationField(MODE_ANNOTATION), message });
  }
  const mtls = readMtls(annotations);
  for (const { annotation, message } of mtls.faults)
    faults.push({ object: ref, field: annotationField(annotation), message });
  const authorizer = namespaceAuthorizer(object);
  if (mode === undefined && mtls.setting === undefined && authorizer === undefined) return undefined;
  return {
    object: ref,
    ...(mode && { mode }),
    ...(mtls.setting && { mtls: mtls.setting }),
    ...(authorizer && { authorizer }),
  };
}

/** Reads the annotations of the mesh's namespaces. A value that is wrong is as if it were not there. */
export function readTraffic(objects: ObjectsByKey, namespaces: ReadonlySet<string>): ReadTraffic {
  const faults: PolicyFault[] = [];
  const byNamespace = new Map<string, NamespaceTraffic>();
  for (const object of objects.values()) {
    const { name } = object.metadata;
    const traffic = namespaces.has(name) ? readNamespace(object, faults) : undefined;
    if (traffic !== undefined) byNamespace.set(name, traffic);
  }
  return { byNamespace, faults };
}

/** Whom the workloads of a namespace let in. */
export const modeOf = ({ config, traffic }: Pick<Snapshot, 'config' | 'traffic'>, namespace: string): TrafficMode =>
  traffic.get(namespace)?.mode ?? (config.traffic.enablePermissiveTrafficPolicyMode ? 'permissive' : 'rules');

/** Namespaces whose workloads let every workload of the mesh in; `all` when there are no others. */
export type OpenNamespaces = 'all' | ReadonlySet<string>;

/** The namespaces that are open. */
export function openNamespaces(
  config: MeshConfigSpec,
  namespaces: ReadonlySet<string>,
  traffic: Snapshot['traffic'],
): OpenNamespaces {
  const open = new Set([...namespaces].filter((name) => modeOf({ config, traffic }, name) !== 'rules'));
  return open.size > 0 && open.size === namespaces.size ? 'all' : open;
}
