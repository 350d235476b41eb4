import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/** Which cluster: its name, and the directory that holds all clusters of a user. */
export interface ClusterId {
  readonly name: string;
  readonly home: string;
}

/** Where everything of a cluster is kept. */
export interface ClusterPaths extends ClusterId {
  readonly directory: string;
  readonly record: string;
  readonly kubeconfig: string;
  readonly stateFile: string;
  readonly pki: string;
  /** The kubelet's: pods, logs, scratch. */
  readonly kubelet: string;
  readonly log: string;
  /** Shared by all clusters of the same home. */
  readonly images: string;
  /** The cluster's directory, or a short one when socket paths there would be too long for the kernel. */
  readonly sockets: string;
  readonly apiSocket: string;
  readonly nodeSocket: string;
}

/** A cluster's name cannot be used; the message says why. */
export class InvalidClusterName extends Error {
  constructor(name: string) {
    super(
      `${JSON.stringify(name)} cannot be a cluster's name: use up to 40 lower-case letters, digits and dashes (not "images")`,
    );
    this.name = 'InvalidClusterName';
  }
}

/** Name of the cluster when none is given. */
export const DEFAULT_CLUSTER = 'default';

/** sun_path holds 108 bytes with its end (unix(7)). */
const MAX_SOCKET_PATH = 107;

/** OSM_LOCAL_HOME, or `.osm-local` in the user's home directory. */
export function defaultHome(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.OSM_LOCAL_HOME || join(homedir(), '.osm-local'));
}

/** The images of all clusters of a home. */
export function imagesDirectory(home: string): string {
  return join(resolve(home), 'images');
}

/** Paths of a cluster, which need not exist. Throws {@link InvalidClusterName}. */
export function clusterPaths({ name, home }: ClusterId): ClusterPaths {
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name) || name === 'images') throw new InvalidClusterName(name);
  const directory = join(resolve(home), name);
  const fits = Buffer.byteLength(join(directory, 'node.sock')) <= MAX_SOCKET_PATH;
  const sockets = fits ? directory : shortDirectory(directory);
  return {
    name,
    home: resolve(home),
    directory,
    record: join(directory, 'cluster.json'),
    kubeconfig: join(directory, 'kubeconfig'),
    stateFile: join(directory, 'state.db'),
    pki: join(directory, 'pki'),
    kubelet: join(directory, 'kubelet'),
    log: join(directory, 'daemon.log'),
    images: imagesDirectory(home),
    sockets,
    apiSocket: join(sockets, 'api.sock'),
    nodeSocket: join(sockets, 'node.sock'),
  };
}

/** The kubeconfig of a cluster, which exists when the cluster is up. */
export function kubeconfigPath(id: ClusterId): string {
  return clusterPaths(id).kubeconfig;
}

function shortDirectory(directory: string): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  const usable =
    runtime !== undefined && runtime.length < 60 && statSync(runtime, { throwIfNoEntry: false })?.isDirectory();
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 12);
  return join(usable ? runtime : tmpdir().length < 60 ? tmpdir() : '/tmp', `osm-${userInfo().uid}-${hash}`);
}
