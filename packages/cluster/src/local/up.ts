import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, statSync, watch } from 'node:fs';
import { userInfo } from 'node:os';
import type { DaemonMessage, DaemonSettings, StartStep } from '../daemon/messages.ts';
import { PROGRAM_PATH } from '../node/run.ts';
import { type ClusterStatus, clusterStatus, endProcesses, removeState } from './down.ts';
import { DAEMON_MAIN } from './entry-points.ts';
import { lockCluster } from './lock.ts';
import { type ClusterId, type ClusterPaths, clusterPaths } from './paths.ts';
import { isRunning } from './process.ts';
import { readRecord } from './record.ts';
import { checkRequirements, isPortFree, RequirementError } from './requirements.ts';

/** How a cluster comes up. */
export interface ClusterUpOptions extends ClusterId {
  /** Port of 127.0.0.1 for the API server; default the one it had, or one of the system's choice. */
  readonly port?: number;
  /** So many nodes more whose pods run no processes. */
  readonly hollow?: { readonly nodes: number };
  /** The cluster ends with the calling process, and `clusterUp` resolves only at its end (see `onReady`). */
  readonly foreground?: boolean;
  /** Ends the way up, or the stay in the foreground. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly onReady?: (info: ClusterInfo) => void;
}

/** One step of the way up is done. */
export interface Progress {
  readonly step: StartStep | 'checks';
  /** From the beginning of `up`. */
  readonly afterMs: number;
  /** From the step before. */
  readonly tookMs: number;
}

/** A cluster that is up. */
export interface ClusterInfo extends ClusterStatus {
  /** It had been up before. */
  readonly alreadyRunning: boolean;
  readonly upMs: number;
}

/** The cluster did not come up; the message names the cause. */
export class ClusterStartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ClusterStartError';
  }
}

/** A machine that is busy still gets there. */
const START_TIMEOUT_MS = 120_000;

/**
 * Brings a cluster up, and returns when its API answers, its node is ready, its name service answers and pods can be made.
 * A running one is returned as it is; a crashed one starts again from its state. Rejects with RequirementError before anything is made, otherwise
 * with {@link ClusterStartError}; what a first start that failed had made is removed.
 */
export async function clusterUp(options: ClusterUpOptions): Promise<ClusterInfo> {
  const began = performance.now();
  const paths = clusterPaths(options);
  const running = await alreadyRunning(paths);
  if (running) {
    options.onReady?.(running);
    return running;
  }
  await checkRequirements(paths.directory, options.port ?? 0);
  // The port a cluster had is kept when it can be, so that kubeconfigs elsewhere stay true.
  const former = readRecord(paths)?.port ?? 0;
  const port = options.port ?? ((await isPortFree(former)) ? former : 0);
  let last = performance.now();
  const progress = (step: Progress['step']): void => {
    const now = performance.now();
    options.onProgress?.({ step, afterMs: now - began, tookMs: now - last });
    last = now;
  };
  options.onProgress?.({ step: 'checks', afterMs: last - began, tookMs: last - began });
  const unlock = lockCluster(paths);
  const isNew = !existsSync(paths.directory);
  try {
    await endProcesses(paths);
    makeDirectories(paths);
    const settings: DaemonSettings = {
      name: paths.name,
      home: paths.home,
      port,
      hollowNodes: options.hollow?.nodes ?? 0,
      foreground: options.foreground ?? false,
    };
    const daemon = await startDaemon(paths, settings, progress, options.signal);
    const info: ClusterInfo = { ...clusterStatus(options), alreadyRunning: false, upMs: performance.now() - began };
    unlock();
    options.onReady?.(info);
    if (options.foreground) await stay(daemon, options.signal);
    else release(daemon);
    return info;
  } catch (error) {
    await endProcesses(paths);
    if (isNew) await removeState(paths);
    throw withRemedy(error, paths);
  } finally {
    unlock();
  }
}

/** The cluster when it is up; waits for one that another command is bringing up. */
async function alreadyRunning(paths: ClusterPaths): Promise<ClusterInfo | undefined> {
  const began = performance.now();
  const status = clusterStatus(paths);
  if (status.state === 'starting') await settled(paths);
  const now = clusterStatus(paths);
  return now.state === 'running' ? { ...now, alreadyRunning: true, upMs: performance.now() - began } : undefined;
}

/** Resolves when a cluster that is starting is up, or its daemon has ended. */
async function settled(paths: ClusterPaths): Promise<void> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  const watcher = watch(paths.directory, { signal: deadline });
  watcher.on('error', () => {});
  try {
    for (;;) {
      const record = readRecord(paths);
      if (!record || record.state === 'ready' || !isRunning(record.daemon) || deadline.aborted) return;
      // The record is replaced at each step; a daemon that dies writes none, hence the second look.
      await Promise.race([once(watcher, 'change'), new Promise((resolve) => setTimeout(resolve, 200))]);
    }
  } finally {
    watcher.close();
  }
}

function makeDirectories(paths: ClusterPaths): void {
  for (const directory of new Set([paths.home, paths.directory, paths.images, paths.sockets])) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  // The short directory lies where others may write: it must be ours.
  const { uid, mode } = statSync(paths.sockets);
  if (uid !== userInfo().uid || (mode & 0o077) !== 0) {
    throw new RequirementError(
      `the directory ${paths.sockets} is not private to you: remove it, or set OSM_LOCAL_HOME to a shorter path`,
    );
  }
}

async function startDaemon(
  paths: ClusterPaths,
  settings: DaemonSettings,
  progress: (step: StartStep) => void,
  signal: AbortSignal | undefined,
): Promise<ChildProcess> {
  const log = openSync(paths.log, 'a', 0o600);
  const daemon = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', DAEMON_MAIN, paths.directory], {
    cwd: '/',
    detached: true,
    env: { ...process.env, PATH: PROGRAM_PATH },
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  return new Promise((resolve, reject) => {
    const finish = (error: Error | undefined): void => {
      clearTimeout(timer);
      daemon.removeAllListeners();
      signal?.removeEventListener('abort', aborted);
      if (error) reject(error);
      else resolve(daemon);
    };
    const aborted = (): void => finish(new ClusterStartError('the start was interrupted'));
    const timer = setTimeout(
      () => finish(new ClusterStartError(`the cluster was not ready within ${START_TIMEOUT_MS / 1000} s`)),
      START_TIMEOUT_MS,
    );
    signal?.addEventListener('abort', aborted);
    daemon.once('error', (error) =>
      finish(new ClusterStartError(`cannot start the cluster's daemon: ${error.message}`)),
    );
    daemon.once('exit', (code) => finish(new ClusterStartError(`the cluster's daemon ended with code ${code}`)));
    daemon.on('message', (message: DaemonMessage) => {
      if (message.type === 'step') progress(message.step);
      else finish(message.type === 'failed' ? new ClusterStartError(message.message) : undefined);
    });
    daemon.send({ type: 'start', settings });
    if (signal?.aborted) aborted();
  });
}

/** Leaves the daemon to itself. */
function release(daemon: ChildProcess): void {
  daemon.disconnect();
  daemon.unref();
}

/** Resolves when the daemon has ended; asks it to when the signal comes. */
async function stay(daemon: ChildProcess, signal: AbortSignal | undefined): Promise<void> {
  const ended = once(daemon, 'exit');
  const end = (): void => {
    daemon.kill('SIGTERM');
  };
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end);
  await ended;
  signal?.removeEventListener('abort', end);
}

function withRemedy(error: unknown, paths: ClusterPaths): Error {
  if (!(error instanceof Error)) return new ClusterStartError(String(error));
  if (('code' in error && error.code === 'ENOSPC') || /ENOSPC|database or disk is full/.test(error.message)) {
    return new RequirementError(
      `the disk that holds ${paths.directory} is full: free some space, then: osm local up --name ${paths.name}`,
    );
  }
  return error;
}
