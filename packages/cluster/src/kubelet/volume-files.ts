import { posix } from 'node:path';
import { fieldValue, type NodeView, resourceValue } from './downward.ts';
import type { DownwardFile, KeyToPath, Pod, Volume } from './pod.ts';

/** One file of a volume. */
export interface VolumeFile {
  readonly data: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

/** A volume that cannot be made now (or ever); shown as a FailedMount event. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

/** Reads what volumes are made of. Data is decoded bytes; undefined when the object does not exist. */
export interface VolumeSources {
  configMap(name: string): Promise<Readonly<Record<string, Buffer>> | undefined>;
  secret(name: string): Promise<Readonly<Record<string, Buffer>> | undefined>;
  token(audience: string | undefined, expirationSeconds: number): Promise<string>;
}

const DEFAULT_MODE = 0o644;
const DEFAULT_TOKEN_SECONDS = 3600;

/** True for volumes whose content the kubelet writes itself and keeps up to date. */
export function isWritten(volume: Volume): boolean {
  return Boolean(volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected);
}

/** The ConfigMaps and Secrets a pod's volumes are made of, as `configmap/name` and `secret/name`. */
export function volumeReferences(pod: Pod): ReadonlySet<string> {
  const names = (pod.spec.volumes ?? []).flatMap((volume) => [
    ...(volume.configMap ? [`configmap/${volume.configMap.name}`] : []),
    ...(volume.secret ? [`secret/${volume.secret.secretName}`] : []),
    ...(volume.projected?.sources ?? []).flatMap((source) => [
      ...(source.configMap ? [`configmap/${source.configMap.name}`] : []),
      ...(source.secret ? [`secret/${source.secret.name}`] : []),
    ]),
  ]);
  return new Set(names);
}

/** Whether files of the pod's volumes tell of labels or annotations that differ between its two versions. */
export function volumesTellOfChange(former: Pod, pod: Pod): boolean {
  const told = ({ metadata }: Pod): string => JSON.stringify([metadata.labels, metadata.annotations]);
  const downward = (pod.spec.volumes ?? []).some(
    ({ downwardAPI, projected }) => downwardAPI || projected?.sources?.some((source) => source.downwardAPI),
  );
  return downward && told(former) !== told(pod);
}

/**
 * The files of a configMap, secret, downwardAPI or projected volume, by relative path (Kubernetes docs, "Volumes",
 * "Projected volumes"). Rejects with {@link VolumeError} naming the missing object or key.
 */
export async function volumeFiles(
  pod: Pod,
  volume: Volume,
  node: NodeView,
  sources: VolumeSources,
): Promise<ReadonlyMap<string, VolumeFile>> {
  const files = new Map<string, VolumeFile>();
  const namespace = pod.metadata.namespace ?? 'default';
  const addMap = async (
    kind: 'configmap' | 'secret',
    ref: { name: string; items?: readonly KeyToPath[]; optional?: boolean },
    mode: number,
  ) => {
    const data = await (kind === 'configmap' ? sources.configMap(ref.name) : sources.secret(ref.name));
    if (!data && !ref.optional)
      throw new VolumeError(`volume "${volume.name}": ${kind} "${namespace}/${ref.name}" not found`);
    for (const item of ref.items ?? Object.keys(data ?? {}).map((key): KeyToPath => ({ key, path: key }))) {
      const content = data?.[item.key];
      if (content) files.set(safePath(volume, item.path), { data: content, mode: item.mode ?? mode });
      else if (!ref.optional)
        throw new VolumeError(`volume "${volume.name}": ${kind} "${namespace}/${ref.name}" has no key "${item.key}"`);
    }
  };
  const addDownward = (items: readonly DownwardFile[], mode: number) => {
    for (const item of items) {
      const text = item.fieldRef
        ? fieldValue(pod, item.fieldRef.fieldPath, node)
        : resourceValue(pod, undefined, item.resourceFieldRef ?? { resource: '' }, node);
      files.set(safePath(volume, item.path), { data: Buffer.from(text), mode: item.mode ?? mode });
    }
  };
  if (volume.configMap) await addMap('configmap', volume.configMap, volume.configMap.defaultMode ?? DEFAULT_MODE);
  if (volume.secret) {
    const { secretName, ...rest } = volume.secret;
    await addMap('secret', { ...rest, name: secretName }, volume.secret.defaultMode ?? DEFAULT_MODE);
  }
  if (volume.downwardAPI) addDownward(volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode ?? DEFAULT_MODE);
  const projected = volume.projected;
  for (const source of projected?.sources ?? []) {
    const mode = projected?.defaultMode ?? DEFAULT_MODE;
    if (source.configMap) await addMap('configmap', source.configMap, mode);
    else if (source.secret) await addMap('secret', source.secret, mode);
    else if (source.downwardAPI) addDownward(source.downwardAPI.items ?? [], mode);
    else if (source.serviceAccountToken) {
      const { path, audience, expirationSeconds } = source.serviceAccountToken;
      const token = await sources.token(audience || undefined, expirationSeconds ?? DEFAULT_TOKEN_SECONDS);
      files.set(safePath(volume, path), { data: Buffer.from(token), mode });
    } else {
      throw new VolumeError(
        `volume "${volume.name}": projected source ${Object.keys(source).join(', ')} is not supported by the embedded cluster`,
      );
    }
  }
  return files;
}

function safePath(volume: Volume, path: string): string {
  const clean = posix.normalize(path);
  if (path === '' || posix.isAbsolute(clean) || clean === '.' || clean.split('/')[0]?.startsWith('..')) {
    throw new VolumeError(`volume "${volume.name}": path ${JSON.stringify(path)} leaves the volume`);
  }
  return clean;
}
