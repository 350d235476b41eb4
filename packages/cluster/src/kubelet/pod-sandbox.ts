import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Bind } from './container-root.ts';
import type { KubeletContext, PodNetwork } from './context.ts';
import type { NodeView } from './downward.ts';
import { type Pod, podKey } from './pod.ts';
import { createSharedPids, type SharedPids } from './shared-pids.ts';
import { PodVolumes } from './volumes.ts';

/** What a pod's containers share: network namespace, volumes, host name and the files that follow from them. */
export class PodSandbox {
  readonly volumes: PodVolumes;
  readonly directory: string;
  readonly hostname: string;
  private readonly context: KubeletContext;
  private network: PodNetwork | undefined;
  private pids: SharedPids | undefined;

  constructor(context: KubeletContext, pod: Pod) {
    this.context = context;
    this.directory = podDirectory(context.stateDir, pod);
    this.hostname = hostnameOf(pod);
    this.volumes = new PodVolumes(join(this.directory, 'volumes'), [context.stateDir, ...context.hidden]);
  }

  /** The pod's address; the node's own for hostNetwork. */
  get ip(): string {
    return this.network?.ip ?? this.context.hostIP;
  }

  /** Path of the network namespace; undefined for hostNetwork. */
  get netns(): string | undefined {
    const name = this.network?.netns;
    if (name === undefined) return undefined;
    return name.startsWith('/') ? name : `/run/netns/${name}`;
  }

  /** A process in the pod's shared PID namespace (shareProcessNamespace). */
  get sharedPid(): number | undefined {
    return this.pids?.pid;
  }

  /** What the downward API says of the node. */
  get node(): NodeView {
    return {
      hostIP: this.context.hostIP,
      podIP: this.ip,
      cpus: this.context.cpus,
      memoryBytes: this.context.memoryBytes,
    };
  }

  /** Makes everything; may be repeated after a failure, keeping what was made. */
  async prepare(pod: Pod): Promise<void> {
    const wanted = !pod.spec.hostNetwork && !this.network;
    const network = wanted ? this.context.createPodNetwork(podKey(pod)) : undefined;
    // Volumes may name the pod's address (downward API), so they follow the network; the wait is a few milliseconds.
    if (network) this.network = await network;
    await this.volumes.prepare(pod, this.node, this.context.objects.sourcesOf(pod));
    if (pod.spec.shareProcessNamespace) this.pids ??= await createSharedPids();
    await this.writeFiles(pod);
  }

  /** Binds of /etc/hosts, /etc/hostname and /etc/resolv.conf. */
  fileBinds(): readonly Bind[] {
    return ['hosts', 'hostname', 'resolv.conf'].map((name) => ({
      source: join(this.directory, 'etc', name),
      target: `/etc/${name}`,
      readOnly: false,
      kind: 'file' as const,
    }));
  }

  /** Gives network and volumes back; logs stay until the pod's directory is removed. */
  async release(): Promise<void> {
    const network = this.network;
    this.network = undefined;
    this.pids?.release();
    this.pids = undefined;
    await Promise.all([this.volumes.release(), network?.release()]);
  }

  /** Removes all that is left of the pod on the node. */
  async remove(): Promise<void> {
    const scratch = join(this.context.stateDir, 'scratch', basename(this.directory));
    await Promise.all([this.directory, scratch].map((directory) => rm(directory, { recursive: true, force: true })));
  }

  private async writeFiles(pod: Pod): Promise<void> {
    const etc = join(this.directory, 'etc');
    await mkdir(etc, { recursive: true });
    const namespace = pod.metadata.namespace ?? 'default';
    const resolvConf = this.context.resolvConf(namespace, dnsPolicyOf(pod), pod.spec.dnsConfig);
    await Promise.all([
      writeFile(join(etc, 'hosts'), hostsFile(pod, this.ip, this.context.clusterDomain)),
      writeFile(join(etc, 'hostname'), `${this.hostname}\n`),
      writeFile(join(etc, 'resolv.conf'), resolvConf),
    ]);
  }
}

/** Everything of a pod on the node: volumes, files, logs. */
export function podDirectory(stateDir: string, pod: Pod): string {
  return join(stateDir, 'pods', pod.metadata.uid ?? podKey(pod).replace('/', '_'));
}

/** ClusterFirst means the node's own resolver for a pod in the node's network (Kubernetes docs, "DNS for Services and Pods"). */
function dnsPolicyOf(pod: Pod): string {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst';
  return pod.spec.hostNetwork && policy === 'ClusterFirst' ? 'Default' : policy;
}

/** The pod's host name: spec.hostname or its own name, cut to what the kernel allows in a label (63). */
export function hostnameOf(pod: Pod): string {
  return (pod.spec.hostname ?? pod.metadata.name).slice(0, 63).replace(/[-.]+$/, '');
}

/** /etc/hosts as the kubelet writes it: loopback, the pod itself (with its subdomain name), hostAliases. */
export function hostsFile(pod: Pod, ip: string, clusterDomain: string): string {
  const hostname = hostnameOf(pod);
  const full = pod.spec.subdomain
    ? `${hostname}.${pod.spec.subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}\t`
    : '';
  const lines = [
    '# Written by the kubelet of the embedded cluster.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    `${ip}\t${full}${hostname}`,
    ...(pod.spec.hostAliases ?? []).map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}`),
  ];
  return `${lines.join('\n')}\n`;
}
