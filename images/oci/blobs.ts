import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Content of a blob, as others refer to it (OCI image specification, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string; readonly variant?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** `sha256:` and the hash of bytes. */
export const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Where a blob lies in an image layout. */
export const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/** Writes a blob into an image layout; one that is there already is left alone. */
export async function putBlob(layout: string, mediaType: string, bytes: Buffer): Promise<Descriptor> {
  const digest = digestOf(bytes);
  const path = join(layout, blobPath(digest));
  if (!existsSync(path)) {
    await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
    await writeFile(`${path}.partial`, bytes);
    await rename(`${path}.partial`, path);
  }
  return { mediaType, digest, size: bytes.length };
}

/** Writes an object as a blob; its keys keep their order, so that equal objects give equal blobs. */
export const putJson = (layout: string, mediaType: string, value: object): Promise<Descriptor> =>
  putBlob(layout, mediaType, Buffer.from(JSON.stringify(value)));
