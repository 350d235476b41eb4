import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { parseImageName } from './reference.ts';
import { type ImageRecord, writeImage } from './store.ts';

/** A name and the meaning it is given. */
export interface ImageAddOptions {
  /** The images' directory. */
  readonly directory: string;
  /** Without a tag it stands for every tag and digest of the repository. */
  readonly name: string;
  /** A directory that holds a root file system; default the machine's own, read-only. */
  readonly rootfs?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Folders or files of the machine to show, read-only, at a neutral place: pod users cannot enter a private home directory. */
  readonly mounts?: readonly { readonly source: string; readonly target: string }[];
  /** `name`, `uid`, or either with `:group`; default root. */
  readonly user?: string;
  readonly workingDir?: string;
  /** The program with its fixed arguments; a container's `args` follow it, a container's `command` replaces it. */
  readonly command: readonly string[];
  /** Arguments that a container's `args` replace. */
  readonly defaultArguments?: readonly string[];
}

/** An image cannot be added as asked; the message names the option. */
export class InvalidImage extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvalidImage';
  }
}

/** Gives an image name a meaning. Rejects with {@link InvalidImage} or InvalidImageName. */
export async function imageAdd(options: ImageAddOptions): Promise<ImageRecord> {
  const { repository, tag, digest } = parseImageName(options.name);
  if (digest !== undefined)
    throw new InvalidImage(`image ${options.name}: leave the digest out, a name without tag stands for every digest`);
  if (options.command.length === 0 && (options.rootfs ?? '/') === '/') {
    throw new InvalidImage(
      `image ${options.name}: write the command after --: osm local image add ${options.name} -- COMMAND [ARG…]`,
    );
  }
  const rootfs = options.rootfs ?? '/';
  if (!isAbsolute(rootfs) || !isDirectory(rootfs))
    throw new InvalidImage(
      `image ${options.name}: the root file system ${rootfs} is not an absolute path of a directory`,
    );
  for (const { source, target } of options.mounts ?? []) {
    if (!isAbsolute(source) || !exists(source))
      throw new InvalidImage(
        `image ${options.name}: ${source}, to be mounted at ${target}, is not an absolute path of something that exists`,
      );
    if (!isAbsolute(target) || target === '/')
      throw new InvalidImage(`image ${options.name}: the mount point ${target} is not an absolute path below /`);
  }
  if (options.workingDir !== undefined && !isAbsolute(options.workingDir))
    throw new InvalidImage(`image ${options.name}: the working directory ${options.workingDir} is not absolute`);
  for (const name of Object.keys(options.env ?? {})) {
    if (name === '' || /[=\0]/.test(name))
      throw new InvalidImage(`image ${options.name}: ${JSON.stringify(name)} is not a name of an environment variable`);
  }
  const record: ImageRecord = {
    name: options.name,
    repository,
    ...(tag === undefined ? {} : { tag }),
    rootfs,
    mounts: options.mounts ?? [],
    env: options.env ?? {},
    entrypoint: options.command,
    cmd: options.defaultArguments ?? [],
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.workingDir === undefined ? {} : { workingDir: options.workingDir }),
    added: new Date().toISOString(),
  };
  await writeImage(options.directory, record);
  return record;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
