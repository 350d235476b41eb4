import { parseImageName } from './reference.ts';
import { findImage } from './store.ts';

/** What an image name stands for when a container is started. */
export interface ResolvedImage {
  /** `/` for the machine's own file system, read-only; otherwise a directory that is laid under a writable overlay. */
  readonly rootfs: string;
  readonly mounts: readonly { readonly source: string; readonly target: string }[];
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
}

/** The cluster does not know an image; the message says how to name it. */
export class UnknownImage extends Error {
  readonly image: string;
  constructor(image: string) {
    super(
      `image "${image}" is not known to this cluster: add it with: osm local image add ${image} -- COMMAND …  ` +
        '(or osm local image load FILE.tar)',
    );
    this.name = 'UnknownImage';
    this.image = image;
  }
}

/** Looks an image name up among those of `directory`. Rejects with {@link UnknownImage} or InvalidImageName. */
export async function resolveImage(directory: string, name: string): Promise<ResolvedImage> {
  const record = await findImage(directory, parseImageName(name));
  if (!record) throw new UnknownImage(name);
  const { rootfs, mounts, env, entrypoint, cmd, user, workingDir } = record;
  return {
    rootfs,
    mounts,
    env,
    entrypoint,
    cmd,
    ...(user === undefined ? {} : { user }),
    ...(workingDir === undefined ? {} : { workingDir }),
  };
}
