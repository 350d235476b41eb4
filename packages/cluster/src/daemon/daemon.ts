import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createKubeClient } from '@osm/kube';
import pino from 'pino';
import { startApiServer } from '../api/index.ts';
import { startControllers } from '../controllers/index.ts';
import { type ClusterPaths, clusterPaths } from '../local/paths.ts';
import { identify } from '../local/process.ts';
import { type ClusterRecord, writeRecord } from '../local/record.ts';
import { NODE_NAME, SERVICE_CIDR } from '../node/addresses.ts';
import type { NodePart } from '../node/messages.ts';
import { BoundedLog } from './bounded-log.ts';
import { loadCredentials } from './credentials.ts';
import { kubeconfig } from './kubeconfig.ts';
import type { DaemonSettings, StartStep } from './messages.ts';
import { createNodeLink } from './node-link.ts';
import { NodeProcess } from './node-process.ts';
import { untilDefaultAccount, untilNodeReady } from './readiness.ts';
import { createSystemObjects } from './system-objects.ts';

/** A cluster that is up. */
export interface Daemon {
  /** Ends the node with all pods, the controllers and the API server; the state stays on disk. */
  stop(): Promise<void>;
}

/** Set-up unpacks the published Kubernetes schema there. */
const SCHEMA_FILE = fileURLToPath(new URL('../../../../gen/kubernetes-schema.json', import.meta.url));
const LOG_BYTES = 8 * 2 ** 20;
/** The issuer that Kubernetes uses unless told otherwise; tokens never leave the cluster. */
const TOKEN_ISSUER = 'https://kubernetes.default.svc.cluster.local';

/**
 * Starts everything a cluster consists of, in this process and in the node process, and resolves when pods can run. `done` is told
 * of each step. Rejects with the first fault, having stopped what had been started.
 */
export async function startDaemon(settings: DaemonSettings, done: (step: StartStep) => void): Promise<Daemon> {
  const paths = clusterPaths(settings);
  const file = new BoundedLog(paths.log, LOG_BYTES);
  const log = pino({ base: { cluster: settings.name } }, { write: (line: string) => file.write(line) });
  const starting = new Starting();
  const stop = async (): Promise<void> => {
    log.info('the cluster ends');
    await starting.undo();
  };
  try {
    await bringUp(settings, paths, log, starting, done);
  } catch (error) {
    log.error({ err: error }, 'the cluster did not come up');
    await stop();
    throw error;
  }
  log.info('the cluster is up');
  return { stop };
}

/** What has been started, to be stopped in the opposite order. */
class Starting {
  private readonly stops: (() => unknown)[] = [];
  readonly aborted = new AbortController();

  onUndo(stop: () => unknown): void {
    this.stops.push(stop);
  }

  async undo(): Promise<void> {
    this.aborted.abort(new Error('the cluster ends'));
    for (const stop of this.stops.splice(0).reverse()) await stop();
  }
}

async function bringUp(
  settings: DaemonSettings,
  paths: ClusterPaths,
  log: pino.Logger,
  starting: Starting,
  done: (step: StartStep) => void,
): Promise<void> {
  const self = identify(process.pid);
  if (!self) throw new Error('/proc does not show this process: mount proc(5) at /proc');
  let record: ClusterRecord = {
    name: settings.name,
    state: 'starting',
    daemon: self,
    port: settings.port,
    hollowNodes: settings.hollowNodes,
    startedAt: new Date().toISOString(),
  };
  const update = (change: Partial<ClusterRecord>): void => {
    record = { ...record, ...change };
    writeRecord(paths, record);
  };
  update({});

  const { aborted } = starting;
  const faults = new Promise<never>((_, reject) => {
    aborted.signal.addEventListener('abort', () => reject(aborted.signal.reason));
  });
  faults.catch(() => {});
  const parts = new Map<NodePart, () => void>();
  const up = (part: NodePart) => new Promise<void>((resolve) => parts.set(part, resolve));
  const partsUp = Promise.all(
    (['network', 'dns', 'services', 'kubelet'] as const).map((part) => up(part).then(() => done(part))),
  );
  let firstStart = true;
  const nodeLog = log.child({ part: 'node' });
  const node = new NodeProcess(paths.directory, {
    started: (identity) => update({ node: identity }),
    part: (part) => parts.get(part)?.(),
    log: (message) => nodeLog.info(message),
    ended: (reason, retryMs) => {
      nodeLog.error({ retryMs }, reason);
      // A node that does not come up at all is a fault of the start; later it is started again.
      if (firstStart) aborted.abort(new Error(reason));
    },
  });
  starting.onUndo(() => node.stop());
  // Started first: its program loads while the API server does.
  const nodeStarted = node.start();
  nodeStarted.catch(() => {});

  const credentials = await loadCredentials(paths.pki);
  done('credentials');
  const link = createNodeLink(paths.nodeSocket);
  const api = await startApiServer({
    stateFile: paths.stateFile,
    socketPath: paths.apiSocket,
    host: '127.0.0.1',
    port: settings.port,
    servingCertificate: credentials.serving,
    clientCaPem: credentials.caPem,
    serviceAccountKeyPem: credentials.serviceAccountKeyPem,
    serviceAccountIssuer: TOKEN_ISSUER,
    serviceCidr: SERVICE_CIDR,
    node: () => link,
    schemaJson: readSchema(),
    onError: (message) => log.error(message),
  });
  starting.onUndo(() => api.close());
  const server = `https://127.0.0.1:${api.port}`;
  writeFileSync(
    paths.kubeconfig,
    kubeconfig({ name: paths.name, server, caPem: credentials.caPem, client: credentials.admin }),
    { mode: 0o600 },
  );
  update({ port: api.port });
  done('api');

  await nodeStarted;
  node.run({
    nodeName: NODE_NAME,
    kubeletDirectory: paths.kubelet,
    clusterDirectory: paths.directory,
    apiSocket: paths.apiSocket,
    nodeSocket: paths.nodeSocket,
    imagesDirectory: paths.images,
    caPem: credentials.caPem,
    certPem: credentials.node.certPem,
    keyPem: credentials.node.keyPem,
    hollowNodes: settings.hollowNodes,
  });
  done('node');
  const client = createKubeClient({
    socketPath: paths.apiSocket,
    caPem: credentials.caPem,
    certPem: credentials.controllers.certPem,
    keyPem: credentials.controllers.keyPem,
    serverName: 'kubernetes',
  });
  starting.onUndo(() => client.close());
  await createSystemObjects(client);
  const controllers = await startControllers({
    client,
    log: log.child({ part: 'controllers' }),
    clusterCaPem: credentials.caPem,
  });
  starting.onUndo(() => controllers.stop());
  const ready = Promise.all([
    partsUp,
    untilNodeReady(client, NODE_NAME, aborted.signal),
    untilDefaultAccount(client, aborted.signal).then(() => done('account')),
  ]);
  await Promise.race([ready, faults]);
  firstStart = false;
  update({ state: 'ready' });
}

function readSchema(): unknown {
  try {
    return JSON.parse(readFileSync(SCHEMA_FILE, 'utf8'));
  } catch (error) {
    throw new Error(
      `cannot read the Kubernetes schema (${error instanceof Error ? error.message : String(error)}): run: npm run setup`,
      { cause: error },
    );
  }
}
