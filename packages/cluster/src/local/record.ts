import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ClusterPaths } from './paths.ts';
import type { ProcessIdentity } from './process.ts';

/** What cluster.json says of a cluster; written by its daemon. */
export interface ClusterRecord {
  readonly name: string;
  readonly state: 'starting' | 'ready';
  readonly daemon: ProcessIdentity;
  /** The process that holds the cluster's namespaces; absent until it runs. */
  readonly node?: ProcessIdentity;
  /** Of the API server on 127.0.0.1; 0 until it listens. Kept over restarts. */
  readonly port: number;
  readonly hollowNodes: number;
  /** RFC 3339. */
  readonly startedAt: string;
}

/** Reads a cluster's record; undefined when there is none or it is damaged (a daemon that was killed while writing). */
export function readRecord(paths: Pick<ClusterPaths, 'record'>): ClusterRecord | undefined {
  try {
    return JSON.parse(readFileSync(paths.record, 'utf8')) as ClusterRecord;
  } catch {
    return undefined;
  }
}

/** Replaces a cluster's record at once. */
export function writeRecord(paths: Pick<ClusterPaths, 'record'>, record: ClusterRecord): void {
  writeFileSync(`${paths.record}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${paths.record}.new`, paths.record);
}
