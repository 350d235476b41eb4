import { readFileSync } from 'node:fs';
import os from 'node:os';
import { ApiError, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import type { Log } from './context.ts';
import { rfc3339 } from './pod-status.ts';

/** Namespace of the node leases (Kubernetes docs, "Leases"). */
const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
const MAX_PODS = 1000;
/** The Kubernetes version whose behaviour this kubelet follows. */
export const KUBELET_VERSION = 'v1.37.0';

interface Node extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime?: string;
    }[];
  };
}

/** Facts about one node for its object. */
export interface NodeIdentity {
  readonly name: string;
  readonly ip: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** A fake node whose pods have no processes. */
  readonly hollow: boolean;
}

/** Keeps a Node object, its status and its Lease up to date until stopped. */
export interface NodeHeartbeat {
  stop(): void;
}

/** Registers the node and resolves when its object says Ready; then renews its lease. */
export async function registerNode(client: KubeClient, identity: NodeIdentity, log: Log): Promise<NodeHeartbeat> {
  await writeNode(client, identity);
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const beat = async (): Promise<void> => {
    try {
      await renewLease(client, identity.name);
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) await writeNode(client, identity).catch(() => undefined);
      else if (!stopped)
        log(
          `cannot renew the lease of node ${identity.name}: ${error instanceof Error ? error.message : String(error)}`,
        );
    }
    if (!stopped) timer = setTimeout(() => void beat(), RENEW_MS);
  };
  void beat();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function writeNode(client: KubeClient, identity: NodeIdentity): Promise<void> {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: identity.name, labels: nodeLabels(identity) },
    spec: {},
  };
  let present = await client.get<Node>(TYPES.nodes, identity.name).catch((error: unknown) => {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  });
  present ??= await client.create<Node>(TYPES.nodes, node);
  const missing = Object.entries(nodeLabels(identity)).some(([key, value]) => present.metadata.labels?.[key] !== value);
  if (missing) await client.patch(TYPES.nodes, identity.name, 'merge', { metadata: { labels: nodeLabels(identity) } });
  const status = nodeStatus(identity, present, Date.now());
  await client.patch(TYPES.nodes, identity.name, 'merge', { status }, { subresource: 'status' });
}

function nodeLabels(identity: NodeIdentity): Record<string, string> {
  const arch = os.arch() === 'x64' ? 'amd64' : os.arch();
  return {
    'kubernetes.io/hostname': identity.name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': arch,
    ...(identity.hollow ? { 'openservicemesh.io/hollow-node': 'true' } : {}),
  };
}

/** core/v1 NodeStatus. Conditions keep their transition time while their status stands. */
export function nodeStatus(identity: NodeIdentity, node: Node, now: number): Record<string, unknown> {
  const resources = {
    cpu: String(identity.hollow ? 32 : identity.cpus),
    memory: `${Math.floor(identity.memoryBytes / 1024)}Ki`,
    pods: String(MAX_PODS),
    'ephemeral-storage': '100Gi',
  };
  const time = rfc3339(now);
  const condition = (type: string, status: string, reason: string, message: string) => {
    const old = node.status?.conditions?.find((c) => c.type === type);
    const lastTransitionTime = old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : time;
    return { type, status, reason, message, lastHeartbeatTime: time, lastTransitionTime };
  };
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address: identity.ip },
      { type: 'Hostname', address: identity.name },
    ],
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
    ],
    nodeInfo: {
      architecture: os.arch() === 'x64' ? 'amd64' : os.arch(),
      operatingSystem: 'linux',
      kernelVersion: os.release(),
      osImage: osImage(),
      containerRuntimeVersion: identity.hollow ? 'hollow://1' : 'osm://1',
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: KUBELET_VERSION,
      machineID: '',
      systemUUID: '',
      bootID: '',
    },
  };
}

function osImage(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
}

async function renewLease(client: KubeClient, name: string): Promise<void> {
  const renewTime = `${new Date().toISOString().slice(0, -1)}000Z`;
  const spec = { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime };
  try {
    await client.patch(TYPES.leases, name, 'merge', { spec }, { namespace: LEASE_NAMESPACE });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 404) throw error;
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: LEASE_NAMESPACE },
      spec,
    };
    await client.create(TYPES.leases, lease, { namespace: LEASE_NAMESPACE });
  }
}
