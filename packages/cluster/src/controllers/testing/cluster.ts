import { join } from 'node:path';
import { createKubeClient, type KubeClient, type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import pino from 'pino';
import { Bench } from '../../api/testing/bench.ts';
import { until } from '../../api/testing/watch-reader.ts';
import type { Controller } from '../context.ts';
import type { Pod } from '../objects.ts';
import { startControllers } from '../start.ts';
import { FakeKubelet } from './fake-kubelet.ts';

/** A real API server with the real controllers, and a kubelet that only writes statuses. */
export class TestCluster {
  readonly bench = new Bench();
  readonly warnings: string[] = [];
  #client: KubeClient | undefined;
  #controllers: Controller | undefined;
  #kubelet: FakeKubelet | undefined;

  get client(): KubeClient {
    if (this.#client === undefined) throw new Error('the cluster is not started');
    return this.#client;
  }

  get kubelet(): FakeKubelet {
    if (this.#kubelet === undefined) throw new Error('the cluster is not started');
    return this.#kubelet;
  }

  async start(nodes: readonly string[] = ['node-1', 'node-2']): Promise<this> {
    await this.bench.start();
    const connect = (): KubeClient =>
      createKubeClient({
        socketPath: join(this.bench.directory, 'api.sock'),
        serverName: 'kubernetes',
        caPem: this.bench.authority.certPem,
        certPem: this.bench.admin.certPem,
        keyPem: this.bench.admin.keyPem,
      });
    this.#client = connect();
    for (const name of nodes) await this.addNode(name);
    const write = (line: string): void => {
      const { level, msg, err, controller, key } = JSON.parse(line) as Record<string, { message?: string }>;
      if (Number(level) >= 40) this.warnings.push(`${controller} ${key}: ${msg} ${err?.message ?? ''}`);
    };
    this.#kubelet = await new FakeKubelet(this.#client).start();
    await this.startControllers(pino({}, { write }));
    await this.until('the default account', () => this.exists(TYPES.serviceAccounts, 'default', 'default'));
    return this;
  }

  async startControllers(log: pino.Logger = pino({ level: 'silent' })): Promise<void> {
    this.#controllers = await startControllers({
      client: this.client,
      log,
      clusterCaPem: this.bench.authority.certPem,
    });
  }

  async stopControllers(): Promise<void> {
    await this.#controllers?.stop();
    this.#controllers = undefined;
  }

  /** Ends the API server and starts it again at the same place, from its state. */
  async restartApi(): Promise<void> {
    await this.bench.stop();
    await this.bench.start();
  }

  async remove(): Promise<void> {
    await this.stopControllers();
    this.#kubelet?.stop();
    this.#client?.close();
    await this.bench.remove();
  }

  async addNode(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const status = {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
      conditions: [{ type: 'Ready', status: 'True' }],
    };
    await this.client.create(TYPES.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, status });
  }

  create<T extends KubeObject>(type: ResourceType, object: object): Promise<T> {
    return this.client.create<T>(
      type,
      { metadata: { namespace: 'default' }, ...object },
      { namespace: namespaceOf(object) },
    );
  }

  get<T extends KubeObject>(type: ResourceType, name: string, namespace = 'default'): Promise<T> {
    return this.client.get<T>(type, name, type.namespaced ? { namespace } : {});
  }

  async list<T extends KubeObject>(type: ResourceType, namespace = 'default'): Promise<readonly T[]> {
    return (await this.client.list<T>(type, type.namespaced ? { namespace } : {})).items;
  }

  pods(namespace = 'default'): Promise<readonly Pod[]> {
    return this.list<Pod>(TYPES.pods, namespace);
  }

  exists(type: ResourceType, name: string, namespace = 'default'): Promise<boolean> {
    return this.get(type, name, namespace).then(
      () => true,
      () => false,
    );
  }

  /** Waits until something holds; the error names what did not. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    await until(holds).catch(() => {
      throw new Error(`not within 20 s: ${what}; warnings: ${this.warnings.slice(-5).join('; ')}`);
    });
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.bench.kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}

const namespaceOf = (object: object): string => (object as Partial<KubeObject>).metadata?.namespace ?? 'default';
