import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, realpath, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';
import { writeAtomically } from './atomic-files.ts';
import type { Bind } from './container-root.ts';
import type { NodeView } from './downward.ts';
import { expand } from './environment.ts';
import type { Container, Pod, Volume } from './pod.ts';
import { parseQuantity } from './quantity.ts';
import { isWritten, VolumeError, type VolumeSources, volumeFiles } from './volume-files.ts';

const run = promisify(execFile);

/** A volume as it lies on the node. */
interface MountedVolume {
  readonly path: string;
  readonly readOnly: boolean;
  readonly tmpfs: boolean;
  readonly onMachine: boolean;
}

/** The volumes of one pod. */
export class PodVolumes {
  private readonly mounted = new Map<string, MountedVolume>();
  private readonly directory: string;
  private readonly hidden: readonly string[];

  /** `directory` holds one directory per volume; `hidden` are node paths that no hostPath may show. */
  constructor(directory: string, hidden: readonly string[]) {
    this.directory = directory;
    this.hidden = hidden;
  }

  /** Makes every volume; safe to repeat after a failure. Rejects with {@link VolumeError}. */
  async prepare(pod: Pod, node: NodeView, sources: VolumeSources): Promise<void> {
    for (const volume of pod.spec.volumes ?? []) {
      if (!this.mounted.has(volume.name)) this.mounted.set(volume.name, await this.make(pod, volume, node, sources));
    }
  }

  /** Brings written volumes up to date. Returns the names of those that changed. */
  async refresh(pod: Pod, node: NodeView, sources: VolumeSources): Promise<readonly string[]> {
    const changed: string[] = [];
    for (const volume of pod.spec.volumes ?? []) {
      const place = this.mounted.get(volume.name);
      if (!place || !isWritten(volume)) continue;
      const files = await volumeFiles(pod, volume, node, sources);
      if (await writeAtomically(place.path, files, pod.spec.securityContext?.fsGroup)) changed.push(volume.name);
    }
    return changed;
  }

  /** What a container mounts. `env` serves subPathExpr. Rejects with {@link VolumeError}. */
  async binds(container: Container, env: Readonly<Record<string, string>>): Promise<readonly Bind[]> {
    const binds: Bind[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const volume = this.mounted.get(mount.name);
      if (!volume)
        throw new VolumeError(`container ${container.name} mounts volume "${mount.name}", which the pod does not have`);
      if (volume.onMachine && !mount.readOnly) {
        throw new VolumeError(
          `container ${container.name} mounts hostPath volume "${mount.name}" for writing: the embedded cluster only shows the machine read-only; set readOnly: true`,
        );
      }
      const subPath = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, env);
      const source = subPath ? await this.subPath(mount.name, volume, subPath) : volume.path;
      const isDirectory = (await stat(source)).isDirectory();
      const readOnly = volume.readOnly || mount.readOnly === true;
      binds.push({ source, target: mount.mountPath, readOnly, kind: isDirectory ? 'directory' : 'file' });
    }
    return binds;
  }

  /** Removes everything. */
  async release(): Promise<void> {
    for (const [name, volume] of this.mounted) {
      if (volume.tmpfs) await run('umount', ['--lazy', volume.path]).catch(() => undefined);
      this.mounted.delete(name);
    }
    await rm(this.directory, { recursive: true, force: true });
  }

  private async make(pod: Pod, volume: Volume, node: NodeView, sources: VolumeSources): Promise<MountedVolume> {
    const gid = pod.spec.securityContext?.fsGroup;
    if (volume.hostPath)
      return { path: await this.hostPath(volume.name, volume.hostPath), readOnly: true, tmpfs: false, onMachine: true };
    const path = join(this.directory, volume.name);
    if (volume.emptyDir) {
      const inMemory = volume.emptyDir.medium === 'Memory';
      await mkdir(path, { recursive: true });
      if (inMemory) {
        const bytes = volume.emptyDir.sizeLimit === undefined ? undefined : parseQuantity(volume.emptyDir.sizeLimit);
        await run('mount', ['-t', 'tmpfs', ...(bytes ? ['-o', `size=${Math.ceil(bytes)}`] : []), 'tmpfs', path]);
      }
      if (gid !== undefined) await chown(path, 0, gid);
      await chmod(path, gid === undefined ? 0o777 : 0o2777);
      return { path, readOnly: false, tmpfs: inMemory, onMachine: false };
    }
    if (isWritten(volume)) {
      const files = await volumeFiles(pod, volume, node, sources);
      await mkdir(path, { recursive: true });
      if (gid !== undefined) await chown(path, 0, gid);
      await chmod(path, 0o755);
      await writeAtomically(path, files, gid);
      return { path, readOnly: true, tmpfs: false, onMachine: false };
    }
    const source = Object.keys(volume).find((key) => key !== 'name');
    if (source === undefined) {
      await mkdir(path, { recursive: true, mode: 0o777 });
      await chmod(path, 0o777);
      return { path, readOnly: false, tmpfs: false, onMachine: false };
    }
    throw new VolumeError(
      `volume "${volume.name}": ${source} volumes are not supported by the embedded cluster, which has no storage; use emptyDir`,
    );
  }

  private async hostPath(name: string, source: NonNullable<Volume['hostPath']>): Promise<string> {
    const path = await realpath(source.path).catch(() => undefined);
    if (!path)
      throw new VolumeError(
        `volume "${name}": hostPath ${source.path} does not exist, and the embedded cluster makes nothing on the machine`,
      );
    const kind = await stat(path);
    if (source.type?.startsWith('Directory') && !kind.isDirectory())
      throw new VolumeError(`volume "${name}": hostPath ${source.path} is not a directory`);
    if (source.type?.startsWith('File') && !kind.isFile())
      throw new VolumeError(`volume "${name}": hostPath ${source.path} is not a file`);
    if (this.hidden.some((place) => path === place || path.startsWith(place + sep))) {
      throw new VolumeError(
        `volume "${name}": hostPath ${source.path} lies in the cluster's own state, which no pod may read`,
      );
    }
    return path;
  }

  private async subPath(name: string, volume: MountedVolume, subPath: string): Promise<string> {
    const wanted = join(volume.path, subPath);
    if (!wanted.startsWith(volume.path + sep))
      throw new VolumeError(`volume "${name}": subPath ${JSON.stringify(subPath)} leaves the volume`);
    if (!volume.readOnly && !(await stat(wanted).catch(() => undefined))) {
      await mkdir(wanted, { recursive: true });
      await chmod(wanted, 0o777);
    }
    const real = await realpath(wanted).catch(() => undefined);
    if (!real) throw new VolumeError(`volume "${name}": subPath ${JSON.stringify(subPath)} does not exist`);
    // A link inside the volume could name any place of the node.
    if (!real.startsWith((await realpath(volume.path)) + sep))
      throw new VolumeError(`volume "${name}": subPath ${JSON.stringify(subPath)} leaves the volume`);
    return real;
  }
}
