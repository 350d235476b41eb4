import { execFile } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import os from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import * as kube from '@osm/kube';
import { type Informer, type KubeClient, type KubeObject, type ListOptions, type ResourceType, TYPES } from '@osm/kube';
import { KUBERNETES_BACKOFF, type RestartBackoff } from './backoff.ts';
import type { CreatePodNetwork, KubeletContext, Log, ResolvedImage } from './context.ts';
import { createEventRecorder } from './events.ts';
import { startHollowNodes } from './hollow.ts';
import { prepareLauncher } from './launcher.ts';
import { registerNode } from './node-object.ts';
import { type DnsConfig, type Pod, podKey } from './pod.ts';
import { PodObjects } from './pod-objects.ts';
import { PodWorker } from './pod-worker.ts';
import { findPrivateFiles } from './private-files.ts';
import { createRoutes } from './routes.ts';
import type { ServiceFacts } from './service-environment.ts';
import { createStatusWriter } from './status-writer.ts';

const run = promisify(execFile);

/** Makes a list-and-watch cache over a client. */
export type CreateInformer = <T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  options?: ListOptions,
) => Informer<T>;

/** Everything a kubelet is given. */
export interface KubeletOptions {
  readonly client: KubeClient;
  readonly nodeName: string;
  /** Directory of this kubelet alone; made when missing. No pod can read it. */
  readonly stateDir: string;
  /** Further node paths that no pod may read (the cluster's keys). */
  readonly hidden?: readonly string[];
  /** Address of the node in the cluster's network; default: the first one that is not loopback. */
  readonly nodeIP?: string;
  readonly network: { readonly createPodNetwork: CreatePodNetwork };
  /** Rejects with the message shown as ErrImagePull. */
  readonly resolveImage: (name: string) => Promise<ResolvedImage>;
  readonly resolvConf: (namespace: string, dnsPolicy: string, dnsConfig: DnsConfig | undefined) => string;
  readonly apiServerAddress: { readonly host: string; readonly port: number };
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Also plays this many fake nodes whose pods have no processes. */
  readonly hollow?: { readonly nodes: number };
  readonly backoff?: RestartBackoff;
  /** Makes the caches; default the kube package's. */
  readonly createInformer?: CreateInformer;
  readonly log: Log;
}

/** A running kubelet. */
export interface Kubelet {
  /** Serves /logs and answers 404 otherwise. */
  handler(request: IncomingMessage, response: ServerResponse): void;
  /** Serves /exec, /attach and /portforward. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** The worker of a pod with processes on this node; for tests. */
  worker(namespace: string, name: string): PodWorker | undefined;
  /** Kills every pod's processes and gives networks and volumes back; the API's objects stay. */
  stop(): Promise<void>;
}

/** Starts the kubelet; resolves when the node is registered and its pods are taken up. */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { client, nodeName, stateDir, log } = options;
  await mkdir(stateDir, { recursive: true, mode: 0o711 });
  await prepareScratch(join(stateDir, 'scratch'));
  const launcher = await prepareLauncher(join(stateDir, 'launcher'));
  const createInformer: CreateInformer = options.createInformer ?? kube.createInformer;
  const informers: Informer[] = [];
  const inform = <T extends KubeObject>(type: ResourceType, list?: ListOptions): Informer<T> => {
    const informer = createInformer<T>(client, type, list);
    informers.push(informer as unknown as Informer);
    return informer;
  };
  const services = inform<ServiceFacts>(TYPES.services);
  const statuses = createStatusWriter(client, log);
  const context: KubeletContext = {
    client,
    nodeName,
    hostIP: options.nodeIP ?? firstAddress(),
    stateDir,
    hidden: options.hidden ?? [],
    secrets: await findPrivateFiles('/etc'),
    createPodNetwork: options.network.createPodNetwork,
    resolveImage: options.resolveImage,
    resolvConf: options.resolvConf,
    apiServer: options.apiServerAddress,
    clusterDomain: options.clusterDomain ?? 'cluster.local',
    backoff: options.backoff ?? KUBERNETES_BACKOFF,
    launcher,
    objects: new PodObjects(client),
    services: () => [...services.objects.values()],
    events: createEventRecorder(client, 'kubelet', nodeName, log),
    statuses,
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    log,
  };
  const workers = new Map<string, PodWorker>();
  /** Pods whose end this kubelet has completed, while their object is still there (finalizers). */
  const ended = new Set<string>();
  let stopped = false;

  const hollowCount = options.hollow?.nodes ?? 0;
  const pods = inform<Pod>(TYPES.pods, hollowCount > 0 ? {} : { fieldSelector: `spec.nodeName=${nodeName}` });
  const configMaps = inform(TYPES.configMaps);
  const secrets = inform(TYPES.secrets);
  const heartbeat = await registerNode(
    client,
    { name: nodeName, ip: context.hostIP, cpus: context.cpus, memoryBytes: context.memoryBytes, hollow: false },
    log,
  );
  await Promise.all([services.synced, pods.synced]);
  await removeStrangers(stateDir, new Set([...pods.objects.values()].map((pod) => pod.metadata.uid ?? '')));

  const hollow = hollowCount > 0 ? await startHollowNodes(client, hollowCount, pods, statuses, log) : undefined;
  const take = (pod: Pod): void => {
    if (pod.spec.nodeName !== nodeName) return;
    const uid = pod.metadata.uid ?? podKey(pod);
    if (stopped || ended.has(uid)) return;
    const present = workers.get(uid);
    if (present) {
      present.update(pod);
      return;
    }
    const worker = new PodWorker(context, pod);
    workers.set(uid, worker);
    void worker.done.then(() => {
      workers.delete(uid);
      if (pods.get(podKey(pod))?.metadata.uid === pod.metadata.uid) ended.add(uid);
    });
  };
  const workerOf = (namespace: string, name: string): PodWorker | undefined =>
    [...workers.values()].findLast((worker) => podKey(worker.pod()) === `${namespace}/${name}`);
  pods.subscribe((change) => {
    const uid = change.object.metadata.uid ?? podKey(change.object);
    if (change.type === 'updated' && change.old.metadata.uid !== change.object.metadata.uid) {
      workers.get(change.old.metadata.uid ?? '')?.gone();
      ended.delete(change.old.metadata.uid ?? '');
    }
    if (change.type !== 'deleted') {
      take(change.object);
    } else {
      workers.get(uid)?.gone();
      ended.delete(uid);
    }
  });
  for (const [kind, informer] of [
    ['configmap', configMaps],
    ['secret', secrets],
  ] as const) {
    informer.subscribe(({ object }) => {
      for (const worker of workers.values()) {
        if (worker.pod().metadata.namespace === object.metadata.namespace)
          worker.referenceChanged(`${kind}/${object.metadata.name}`);
      }
    });
  }

  return {
    ...createRoutes((namespace, name) => {
      const pod = pods.get(`${namespace}/${name}`);
      return workerOf(namespace, name) ?? (pod && hollow?.has(pod) ? 'hollow' : undefined);
    }),
    worker: workerOf,
    async stop() {
      stopped = true;
      heartbeat.stop();
      hollow?.stop();
      for (const informer of informers) informer.stop();
      await Promise.all([...workers.values()].map((worker) => worker.stop()));
      statuses.stop();
    },
  };
}

/** Overlays need an upper directory on a file system that can carry one; where the state's own cannot, memory has to do. */
async function prepareScratch(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  const probe = join(directory, 'probe');
  for (const part of ['lower', 'upper', 'work', 'merged']) await mkdir(join(probe, part), { recursive: true });
  const options = `lowerdir=${probe}/lower,upperdir=${probe}/upper,workdir=${probe}/work,userxattr`;
  try {
    await run('unshare', ['--mount', 'mount', '-t', 'overlay', 'overlay', '-o', options, `${probe}/merged`]);
  } catch {
    await run('mount', ['-t', 'tmpfs', '-o', 'mode=0711', 'tmpfs', directory]);
  }
  await rm(probe, { recursive: true, force: true });
}

/** Removes what earlier runs left of pods that are no more. */
async function removeStrangers(stateDir: string, uids: ReadonlySet<string>): Promise<void> {
  const entries = await readdir(join(stateDir, 'pods')).catch(() => []);
  await Promise.all(
    entries
      .filter((uid) => !uids.has(uid))
      .map((uid) => rm(join(stateDir, 'pods', uid), { recursive: true, force: true })),
  );
}

function firstAddress(): string {
  for (const addresses of Object.values(os.networkInterfaces())) {
    const address = addresses?.find((a) => a.family === 'IPv4' && !a.internal);
    if (address) return address.address;
  }
  return '127.0.0.1';
}
