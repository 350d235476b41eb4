import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TYPES } from '@osm/kube';
import type { PodNetwork, ResolvedImage } from '../context.ts';
import { enterCommand, runEntered } from '../enter.ts';
import { type Kubelet, type KubeletOptions, startKubelet } from '../kubelet.ts';
import type { Pod, PodSpec } from '../pod.ts';
import { MemoryApi } from './memory-api.ts';
import { createInformer } from './memory-informer.ts';

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
      createInformer,
      nodeName: 'node',
      stateDir: join(this.stateDir, 'kubelet'),
      nodeIP: this.nodeIP,
      network: { createPodNetwork: (key) => this.network(key) },
      resolveImage: async (name) =>
        name === 'rootfs'
          ? {
              rootfs: makeRootfs(join(this.stateDir, 'images', 'rootfs')),
              mounts: [],
              env: {},
              entrypoint: ['/bin/sh', '-c'],
              cmd: [],
              user: 'app',
            }
          : await resolveImage(name),
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

  /** Runs a command in a container through the kubelet's own means. */
  async exec(
    pod: string,
    container: string,
    command: readonly string[],
  ): Promise<{ exitCode: number | undefined; output: string }> {
    const worker = this.kubelet?.worker('test', pod);
    const running = worker?.life(container)?.running;
    if (!worker || !running) throw new Error(`container ${container} of pod ${pod} is not running`);
    return await runEntered(enterCommand(worker.context.launcher, running, command), 10_000);
  }

  /** Resolves when the volumes of the pod have been given back. */
  async released(pod: Pod): Promise<void> {
    await this.absent(join(this.stateDir, 'kubelet', 'pods', pod.metadata.uid ?? '', 'volumes'));
  }

  /** Resolves when nothing of the pod is left on the node. */
  async cleaned(pod: Pod): Promise<void> {
    await this.absent(join(this.stateDir, 'kubelet', 'pods', pod.metadata.uid ?? ''));
  }

  private async absent(directory: string): Promise<void> {
    const over = Date.now() + 20_000;
    while (existsSync(directory)) {
      if (Date.now() > over) throw new Error(`${directory} is still there`);
      await new Promise((resolve) => setImmediate(resolve));
    }
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

/** A small root file system made of the machine's own programs, as a loaded image would be. */
function makeRootfs(directory: string): string {
  if (!existsSync(directory)) {
    execFileSync('sh', [
      '-ec',
      `mkdir -p "$1"/etc "$1"/tmp "$1"/bin
       for p in sh cat ls id; do cp -L "$(command -v $p)" "$1"/bin/$p; done
       for l in $(ldd "$1"/bin/* | grep -o ' /[^ :]*\\|^.*/ld-[^ ]*' | sort -u); do mkdir -p "$1$(dirname $l)"; cp -L $l "$1$l"; done
       echo from image > "$1"/hello; echo app:x:1234:1234::/:/bin/sh > "$1"/etc/passwd; ln -s /run/nowhere "$1"/etc/resolv.conf; chown 1234 "$1"/hello "$1"`,
      'sh',
      directory,
    ]);
  }
  return directory;
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
