import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { type Archive, InvalidArchive, readEntry } from './archive.ts';

/** One image of an archive: where its layers lie and what its configuration says. */
export interface ArchivedImage {
  /** As the archive names it; may be empty. */
  readonly names: readonly string[];
  /** `sha256:` and the hash of the configuration. */
  readonly id: string;
  /** Files of the archive, lowest first. */
  readonly layers: readonly string[];
  /** Hash of each layer, uncompressed. */
  readonly diffIds: readonly string[];
  readonly config: ContainerConfig;
}

/** The `config` of an image configuration (OCI image specification, config.md). */
export interface ContainerConfig {
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Env?: readonly string[] | null;
  readonly User?: string;
  readonly WorkingDir?: string;
}

interface ImageConfig {
  readonly config?: ContainerConfig | null;
  readonly rootfs?: { readonly diff_ids?: readonly string[] };
}

interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly platform?: { readonly architecture?: string; readonly os?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

const MAX_JSON_BYTES = 4 << 20;
const MAX_INDEX_DEPTH = 4;
const MAX_LAYERS = 256;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The images of an archive written by `docker save` (docker-archive) or of an OCI image layout (oci-archive). Rejects with InvalidArchive. */
export async function readManifests(archive: Archive): Promise<readonly ArchivedImage[]> {
  if (archive.entries.has('manifest.json')) return readDockerManifest(archive);
  if (archive.entries.has('index.json')) return readOciIndex(archive);
  throw new InvalidArchive(
    archive.path,
    'neither manifest.json (docker save) nor index.json (OCI image layout) is in the archive',
  );
}

async function readDockerManifest(archive: Archive): Promise<readonly ArchivedImage[]> {
  const manifest = await readJson<
    readonly { Config: string; RepoTags?: readonly string[] | null; Layers: readonly string[] }[]
  >(archive, 'manifest.json');
  return Promise.all(manifest.map((image) => readImage(archive, image.Config, image.Layers, image.RepoTags ?? [])));
}

async function readOciIndex(archive: Archive): Promise<readonly ArchivedImage[]> {
  const index = await readJson<{ manifests: readonly Descriptor[] }>(archive, 'index.json');
  const found: ArchivedImage[] = [];
  for (const descriptor of index.manifests) {
    const manifest = await readOciManifest(archive, descriptor, 0);
    if (!manifest) continue;
    const names = [
      descriptor.annotations?.['io.containerd.image.name'],
      descriptor.annotations?.['org.opencontainers.image.ref.name'],
    ];
    const name = names.find((n) => n !== undefined && /[/:]/.test(n)) ?? names.find((n) => n !== undefined);
    const layers = manifest.layers.map((layer) => blobPath(archive, layer.digest));
    found.push(
      await readImage(archive, blobPath(archive, manifest.config.digest), layers, name === undefined ? [] : [name]),
    );
  }
  if (found.length === 0)
    throw new InvalidArchive(
      archive.path,
      `the archive holds no image for linux/${ARCHITECTURES[process.arch] ?? process.arch}`,
    );
  return found;
}

interface OciManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

async function readOciManifest(
  archive: Archive,
  descriptor: Descriptor,
  depth: number,
): Promise<OciManifest | undefined> {
  const { platform } = descriptor;
  const fits =
    !platform ||
    ((platform.os ?? 'linux') === 'linux' &&
      (platform.architecture ?? '') === (ARCHITECTURES[process.arch] ?? process.arch));
  if (!fits || depth > MAX_INDEX_DEPTH) return undefined;
  const body = await readJson<Partial<OciManifest> & { manifests?: readonly Descriptor[] }>(
    archive,
    blobPath(archive, descriptor.digest),
  );
  if (body.config && body.layers) return { config: body.config, layers: body.layers };
  for (const inner of body.manifests ?? []) {
    const manifest = await readOciManifest(archive, inner, depth + 1);
    if (manifest) return manifest;
  }
  return undefined;
}

async function readImage(
  archive: Archive,
  configPath: string,
  layers: readonly string[],
  names: readonly string[],
): Promise<ArchivedImage> {
  const bytes = await readEntry(archive, configPath, MAX_JSON_BYTES);
  const config = parse<ImageConfig>(archive, configPath, bytes);
  const diffIds = config.rootfs?.diff_ids ?? [];
  if (layers.length > MAX_LAYERS) throw new InvalidArchive(archive.path, `more than ${MAX_LAYERS} layers`);
  if (diffIds.length !== layers.length)
    throw new InvalidArchive(
      archive.path,
      `${configPath} names ${diffIds.length} layers, the manifest ${layers.length}`,
    );
  for (const layer of layers)
    if (!archive.entries.has(posix.normalize(layer)))
      throw new InvalidArchive(archive.path, `the archive does not hold the layer ${layer}`);
  return {
    names,
    id: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    layers: layers.map((layer) => posix.normalize(layer)),
    diffIds,
    config: config.config ?? {},
  };
}

function blobPath(archive: Archive, digest: string): string {
  if (!/^[a-z0-9]+:[0-9a-f]+$/.test(digest))
    throw new InvalidArchive(archive.path, `${JSON.stringify(digest)} is not a digest`);
  return `blobs/${digest.replace(':', '/')}`;
}

async function readJson<T>(archive: Archive, name: string): Promise<T> {
  return parse<T>(archive, name, await readEntry(archive, name, MAX_JSON_BYTES));
}

function parse<T>(archive: Archive, name: string, bytes: Buffer): T {
  try {
    return JSON.parse(bytes.toString('utf8')) as T;
  } catch {
    throw new InvalidArchive(archive.path, `${name} is not JSON`);
  }
}
