import { createReadStream, createWriteStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { blobPath, type Descriptor } from './blobs.ts';
import type { WrittenImage } from './image.ts';

/** Names of an image, `repository:tag`, and what they stand for. */
export interface NamedDescriptor {
  readonly names: readonly string[];
  readonly descriptor: Descriptor;
}

/** Names of an image and the image for one architecture. */
export interface NamedImage {
  readonly names: readonly string[];
  readonly image: WrittenImage;
}

const LAYOUT_FILE = JSON.stringify({ imageLayoutVersion: '1.0.0' });

const indexOf = (images: readonly NamedDescriptor[]): string =>
  JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: images.flatMap(({ names, descriptor }) =>
      names.map((name) => ({
        ...descriptor,
        // containerd and Docker read the first, skopeo, podman and ORAS the second.
        annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
      })),
    ),
  });

/** Makes a directory with blobs an OCI image layout (image-layout.md). */
export async function writeLayout(layout: string, images: readonly NamedDescriptor[]): Promise<void> {
  await writeFile(join(layout, 'oci-layout'), LAYOUT_FILE);
  await writeFile(join(layout, 'index.json'), indexOf(images));
}

const digestsOf = ({ manifest, config, layers }: WrittenImage): readonly string[] =>
  [manifest, config, ...layers.map((layer) => layer.descriptor)].map(({ digest }) => digest);

/**
 * Writes images of one architecture as one archive that is both: an OCI image layout, and what `docker save` writes, so that `docker
 * load`, `podman load`, `ctr image import` and `osm local image load` take it. Layers that images share are there once.
 */
export async function writeArchive(
  layout: string,
  path: string,
  images: readonly NamedImage[],
  epoch: number,
): Promise<void> {
  const archive = pack();
  const mtime = new Date(epoch * 1000);
  const written = pipeline(archive, createWriteStream(path));
  // A write that fails is told by `written`, which is awaited last.
  written.catch(() => {});
  const text = (name: string, content: string): Promise<void> =>
    new Promise((done, reject) => {
      archive.entry({ name, mode: 0o644, mtime, size: Buffer.byteLength(content) }, content, (error) =>
        error ? reject(error) : done(),
      );
    });
  await text('oci-layout', LAYOUT_FILE);
  await text('index.json', indexOf(images.map(({ names, image }) => ({ names, descriptor: image.manifest }))));
  await text(
    'manifest.json',
    JSON.stringify(
      images.map(({ names, image }) => ({
        Config: blobPath(image.config.digest),
        RepoTags: names,
        Layers: image.layers.map((layer) => blobPath(layer.descriptor.digest)),
      })),
    ),
  );
  for (const digest of [...new Set(images.flatMap(({ image }) => digestsOf(image)))].sort()) {
    const name = blobPath(digest);
    const { size } = await stat(join(layout, name));
    await pipeline(createReadStream(join(layout, name)), archive.entry({ name, mode: 0o644, mtime, size }));
  }
  archive.finalize();
  await written;
}
