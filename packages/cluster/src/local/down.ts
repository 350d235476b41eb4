import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../node/remove-tree.ts';
import { DAEMON_MAIN, NODE_MAIN } from './entry-points.ts';
import { lockCluster } from './lock.ts';
import { type ClusterId, type ClusterPaths, clusterPaths } from './paths.ts';
import { endProcess, findProcesses, isRunning, type ProcessIdentity } from './process.ts';
import { type ClusterRecord, readRecord } from './record.ts';

/** How a cluster stands. `crashed`: its state is there, its daemon is not. */
export type ClusterState = 'absent' | 'starting' | 'running' | 'crashed';

/** What is known of a cluster. */
export interface ClusterStatus {
  readonly name: string;
  readonly state: ClusterState;
  readonly directory: string;
  readonly kubeconfig: string;
  /** `https://127.0.0.1:PORT`; absent when it is not running. */
  readonly server?: string;
  readonly pid?: number;
  readonly hollowNodes?: number;
  readonly startedAt?: string;
}

/** The daemon saves its state at once, so it needs little time; pods are killed with it. */
const DAEMON_GRACE_MS = 5000;

/**
 * Ends a cluster and removes all of it: processes (by number and start time), namespaces and mounts with them, state. Works
 * alike for a running cluster, after a crash, and for one that never came up. False when there was nothing.
 */
export async function clusterDown(id: ClusterId): Promise<boolean> {
  const paths = clusterPaths(id);
  if (!existsSync(paths.home)) return false;
  const unlock = lockCluster(paths);
  try {
    const existed = existsSync(paths.directory);
    await endProcesses(paths);
    await removeState(paths);
    return existed;
  } finally {
    unlock();
  }
}

/** How a cluster stands, from its record and its processes. */
export function clusterStatus(id: ClusterId): ClusterStatus {
  const paths = clusterPaths(id);
  const record = readRecord(paths);
  const base = { name: paths.name, directory: paths.directory, kubeconfig: paths.kubeconfig };
  if (!record) return { ...base, state: existsSync(paths.directory) ? 'crashed' : 'absent' };
  if (!isRunning(record.daemon)) return { ...base, state: 'crashed' };
  return {
    ...base,
    state: record.state === 'ready' ? 'running' : 'starting',
    ...(record.port === 0 ? {} : { server: `https://127.0.0.1:${record.port}` }),
    pid: record.daemon.pid,
    hollowNodes: record.hollowNodes,
    startedAt: record.startedAt,
  };
}

/** All clusters of a home, by name. */
export function listClusters(home: string): readonly ClusterStatus[] {
  const names = existsSync(home) ? readdirSync(home) : [];
  return names
    .filter((name) => existsSync(join(home, name, 'cluster.json')))
    .sort()
    .map((name) => clusterStatus({ name, home }));
}

/** Ends every process of a cluster, those too that no record tells of. */
export async function endProcesses(paths: ClusterPaths): Promise<void> {
  const record: ClusterRecord | undefined = readRecord(paths);
  const daemons = unique([...(record ? [record.daemon] : []), ...findProcesses(DAEMON_MAIN, paths.directory)]);
  await Promise.all(daemons.map((daemon) => endProcess(daemon, DAEMON_GRACE_MS)));
  // The node process ends with its daemon by itself; this is for the unforeseen.
  const nodes = unique([...(record?.node ? [record.node] : []), ...findProcesses(NODE_MAIN, paths.directory)]);
  await Promise.all(nodes.map((node) => endProcess(node, 1000)));
}

/** Removes a cluster's files. */
export async function removeState(paths: ClusterPaths): Promise<void> {
  await removeTree(paths.directory);
  if (paths.sockets !== paths.directory) await removeTree(paths.sockets);
}

function unique(processes: readonly ProcessIdentity[]): readonly ProcessIdentity[] {
  return [...new Map(processes.filter(isRunning).map((process) => [process.pid, process])).values()];
}
