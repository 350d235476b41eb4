import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TYPES } from '@osm/kube';
import type { PodNetwork, ResolvedImage } from '../context.ts';
import { type Kubelet, type KubeletOptions, startKubelet } from '../kubelet.ts';
import type { Pod, PodSpec } from '../pod.ts';
import { MemoryApi } from './memory-api.ts';

/** A kubelet over an API in memory and a bridge of its own, for tests inside {@link inNamespace}. */
export class Bench {
  readonly api: MemoryApi;
  readonly stateDir: string;
  readonly nodeIP = '198.19.0.1';
  readonly logs: string[] = [];
  readonly networks = new Set<string>();
  kubelet: Kubelet | undefined;
  private next = 2;

  constructor() {
    this.api = new MemoryApi();
    this.stateDir = mkdtempSync(join(tmpdir(), 'kubelet-'));
    chmodSync(this.stateDir, 0o711);
    execFileSync('sh', [
      '-c',
      'mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up && ip link add br0 type bridge && ip addr add 198.19.0.1/16 dev br0 && ip link set br0 up',
    ]);
  }

  /** Starts (or starts again) the kubelet. Restarts back off by 50 ms at first. */
  async start(options: Partial<KubeletOptions> = {}): Promise<Kubelet> {
    this.kubelet = await startKubelet({
      client: this.api,
      nodeName: 'node',
      stateDir: join(this.stateDir, 'kubelet'),
      nodeIP: this.nodeIP,
      network: { createPodNetwork: (key) => this.network(key) },
      resolveImage,
      resolvConf: (namespace) => `search ${namespace}.svc.cluster.local\nnameserver 198.18.0.10\n`,
      apiServerAddress: { host: '198.18.0.1', port: 443 },
      backoff: { baseMs: 50, maxMs: 400, resetMs: 600_000 },
      log: (message) => this.logs.push(message),
      ...options,
    });
    return this.kubelet;
  }

  async close(): Promise<void> {
    await this.kubelet?.stop();
    this.api.close();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  /** Creates a pod bound to the node; `sh` as image runs shell scripts given as args. */
  async pod(name: string, spec: PodSpec, metadata: Partial<Pod['metadata']> = {}): Promise<Pod> {
    const full = { restartPolicy: 'Always', terminationGracePeriodSeconds: 5, ...spec, nodeName: 'node' };
    return await this.api.create<Pod>(TYPES.pods, { metadata: { ...metadata, name, namespace: 'test' }, spec: full });
  }

  /** The pod now. */
  peek(name: string): Pod | undefined {
    return this.api.peek<Pod>(TYPES.pods, name, 'test');
  }

  /** Waits until the pod satisfies `holds`; the error shows its last status. */
  async until(name: string, holds: (pod: Pod) => unknown, timeoutMs = 20_000): Promise<Pod> {
    let last: Pod | undefined;
    return await this.api
      .until(
        () => {
          last = this.peek(name);
          return last && holds(last) ? last : undefined;
        },
        `pod ${name}: ${holds}`,
        timeoutMs,
      )
      .catch((error: unknown) => {
        const events = this.api.all(TYPES.coreEvents).map((e) => `${e.reason}: ${e.message}`);
        throw new Error(
          `${String(error)}\n${JSON.stringify(last?.status, null, 1)}\n${events.join('\n')}\n${this.logs.join('\n')}`,
        );
      });
  }

  private async network(_key: string): Promise<PodNetwork> {
    const number = this.next++;
    const name = `pod${number}`;
    const ip = `198.19.0.${number}`;
    execFileSync('sh', [
      '-ec',
      `ip netns add ${name}; ip link add v${number} type veth peer name eth0 netns ${name}; ip link set v${number} master br0 up;
       ip -n ${name} link set lo up; ip -n ${name} addr add ${ip}/16 dev eth0; ip -n ${name} link set eth0 up; ip -n ${name} route add default via 198.19.0.1`,
    ]);
    this.networks.add(name);
    return {
      netns: name,
      ip,
      release: async () => {
        execFileSync('ip', ['netns', 'del', name]);
        this.networks.delete(name);
      },
    };
  }
}

/** Images `sh` (shell scripts), `node` (Node programs) and nothing else. */
export async function resolveImage(name: string): Promise<ResolvedImage> {
  const base = { rootfs: '/', mounts: [], env: { FROM_IMAGE: 'yes' } };
  if (name === 'sh') return { ...base, entrypoint: ['/bin/sh', '-c'], cmd: ['sleep 3600'] };
  if (name === 'node')
    return {
      ...base,
      mounts: [{ source: process.execPath, target: '/usr/local/bin/node' }],
      entrypoint: ['/usr/local/bin/node', '-e'],
      cmd: [],
    };
  throw new Error(`image ${JSON.stringify(name)} is not known here: run osm local image add ${name} -- COMMAND`);
}
