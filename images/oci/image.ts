import { type Descriptor, putJson } from './blobs.ts';
import type { Layer } from './layer.ts';

/** Architectures that images are built for, by OCI's names (GOARCH). */
export type Architecture = 'amd64' | 'arm64';

/** What a runtime is told of an image (OCI image specification, config.md). */
export interface RunSettings {
  /** `uid:gid`. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  /** Arguments that a container's `args` replace. */
  readonly arguments?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One image for one architecture. */
export interface WrittenImage {
  readonly architecture: Architecture;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Layer[];
}

const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** Writes configuration and manifest of an image whose layers lie in the layout. `epoch` is in seconds since 1970. */
export async function writeImage(
  layout: string,
  architecture: Architecture,
  layers: readonly Layer[],
  settings: RunSettings,
  epoch: number,
): Promise<WrittenImage> {
  const created = new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
  const config = await putJson(layout, CONFIG_TYPE, {
    created,
    architecture,
    os: 'linux',
    ...(architecture === 'arm64' ? { variant: 'v8' } : {}),
    config: {
      User: settings.user,
      Env: Object.entries(settings.environment).map(([name, value]) => `${name}=${value}`),
      Entrypoint: settings.entrypoint,
      ...(settings.arguments ? { Cmd: settings.arguments } : {}),
      WorkingDir: settings.workingDirectory,
      Labels: settings.labels,
    },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map(({ createdBy }) => ({ created, created_by: createdBy })),
  });
  const manifest = await putJson(layout, MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config,
    layers: layers.map((layer) => layer.descriptor),
    annotations: settings.labels,
  });
  return { architecture, manifest, config, layers };
}

/** Writes the index that stands for an image on every architecture it was built for (image-index.md). */
export function writeIndex(layout: string, images: readonly WrittenImage[]): Promise<Descriptor> {
  return putJson(layout, INDEX_TYPE, {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: images.map(({ architecture, manifest }) => ({
      ...manifest,
      platform: { architecture, os: 'linux', ...(architecture === 'arm64' ? { variant: 'v8' } : {}) },
    })),
  });
}
