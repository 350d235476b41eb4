import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { enterIsolated } from '../node/namespaces.ts';
import { PROGRAM_PATH } from '../node/run.ts';
import { type ClusterId, clusterPaths } from './paths.ts';
import { isRunning } from './process.ts';
import { readRecord } from './record.ts';

/** The cluster is not running. */
export class ClusterNotRunning extends Error {
  constructor(name: string) {
    super(`the cluster "${name}" is not running: bring it up with: osm local up --name ${name}`);
    this.name = 'ClusterNotRunning';
  }
}

/**
 * Runs a program as root of the cluster's namespaces (user, network, mount, PID), for instance a packet capture on the bridge.
 * Throws {@link ClusterNotRunning}.
 */
export function nodeExec(id: ClusterId, argv: readonly string[], stdio: StdioOptions = 'inherit'): ChildProcess {
  const record = readRecord(clusterPaths(id));
  if (!record?.node || !isRunning(record.node)) throw new ClusterNotRunning(id.name);
  const [program = '', ...rest] = enterIsolated(record.node.pid, argv);
  return spawn(program, rest, { stdio, cwd: '/', env: { ...process.env, PATH: PROGRAM_PATH } });
}
