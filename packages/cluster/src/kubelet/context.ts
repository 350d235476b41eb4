import type { KubeClient } from '@osm/kube';
import type { RestartBackoff } from './backoff.ts';
import type { EventRecorder } from './events.ts';
import type { Launcher } from './launcher.ts';
import type { DnsConfig } from './pod.ts';
import type { PodObjects } from './pod-objects.ts';
import type { PrivateFiles } from './private-files.ts';
import type { ServiceFacts } from './service-environment.ts';
import type { StatusWriter } from './status-writer.ts';

/** What an image name stands for. */
export interface ResolvedImage {
  /** `/` for the machine's own file system, read-only; otherwise a directory that is laid under a writable overlay. */
  readonly rootfs: string;
  readonly mounts: readonly { readonly source: string; readonly target: string }[];
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `name`, `uid`, or either with `:group`. */
  readonly user?: string;
  readonly workingDir?: string;
}

/** A pod's network namespace. */
export interface PodNetwork {
  /** A name under /run/netns or a path. */
  readonly netns: string;
  readonly ip: string;
  release(): Promise<void>;
}

/** Makes a network namespace on the cluster's bridge for the pod `namespace/name`. */
export type CreatePodNetwork = (podKey: string) => Promise<PodNetwork>;

/** One line for the node's own log; never holds secrets. */
export type Log = (message: string) => void;

/** Everything the parts of the kubelet share. */
export interface KubeletContext {
  readonly client: KubeClient;
  readonly nodeName: string;
  readonly hostIP: string;
  /** Holds pods/, scratch/ and launcher/. */
  readonly stateDir: string;
  /** Node paths that no pod may see. */
  readonly hidden: readonly string[];
  /** What of the machine's /etc is not for everybody. */
  readonly secrets: PrivateFiles;
  readonly createPodNetwork: CreatePodNetwork;
  readonly resolveImage: (name: string) => Promise<ResolvedImage>;
  readonly resolvConf: (namespace: string, dnsPolicy: string, dnsConfig: DnsConfig | undefined) => string;
  readonly apiServer: { readonly host: string; readonly port: number };
  readonly clusterDomain: string;
  readonly backoff: RestartBackoff;
  readonly launcher: Launcher;
  readonly objects: PodObjects;
  readonly services: () => readonly ServiceFacts[];
  readonly events: EventRecorder;
  readonly statuses: StatusWriter;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly log: Log;
}
