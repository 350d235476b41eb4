import { createInformer, type KubeClient, type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import { Mirror } from './mirror.ts';
import type { ObjectIndex } from './object-index.ts';
import type { Deployment, EndpointSlice, Endpoints, Namespace, Node, Pod, ReplicaSet, Service } from './objects.ts';
import { controllerOf } from './ownership.ts';

/** The caches that the controllers share: one list and watch per resource type, however many read it. */
export class Mirrors {
  readonly #client: KubeClient;
  readonly #onError: (error: unknown) => void;
  readonly #mirrors = new Map<string, Mirror>();
  readonly pods: Mirror<Pod>;
  readonly replicaSets: Mirror<ReplicaSet>;
  readonly deployments: Mirror<Deployment>;
  readonly services: Mirror<Service>;
  readonly endpoints: Mirror<Endpoints>;
  readonly endpointSlices: Mirror<EndpointSlice>;
  readonly nodes: Mirror<Node>;
  readonly namespaces: Mirror<Namespace>;
  readonly podsByNamespace: ObjectIndex<Pod>;
  readonly podsByNode: ObjectIndex<Pod>;
  /** By the uid of the controlling owner; pods of nobody are under ''. */
  readonly podsByController: ObjectIndex<Pod>;

  /** `onError` is told of lists and watches that fail; they are tried again. */
  constructor(client: KubeClient, onError: (error: unknown) => void) {
    this.#client = client;
    this.#onError = onError;
    this.pods = this.of<Pod>(TYPES.pods);
    this.replicaSets = this.of<ReplicaSet>(TYPES.replicaSets);
    this.deployments = this.of<Deployment>(TYPES.deployments);
    this.services = this.of<Service>(TYPES.services);
    this.endpoints = this.of<Endpoints>(TYPES.endpoints);
    this.endpointSlices = this.of<EndpointSlice>(TYPES.endpointSlices);
    this.nodes = this.of<Node>(TYPES.nodes);
    this.namespaces = this.of<Namespace>(TYPES.namespaces);
    this.podsByNamespace = this.pods.index(namespaceOf);
    this.podsByNode = this.pods.index((pod) => [pod.spec.nodeName ?? '']);
    this.podsByController = this.pods.index((pod) => [controllerOf(pod)?.uid ?? '']);
  }

  /** The mirror of a resource type; made when nobody has asked for it yet. */
  of<T extends KubeObject>(type: ResourceType): Mirror<T> {
    const name = `${type.resource}.${type.group}`;
    const present = this.#mirrors.get(name);
    if (present !== undefined) return present as unknown as Mirror<T>;
    const mirror = new Mirror<T>(this.#client, createInformer<T>(this.#client, type, { onError: this.#onError }));
    this.#mirrors.set(name, mirror as unknown as Mirror);
    return mirror;
  }

  /** Ends the mirror of a type that is served no more. */
  drop(type: ResourceType): void {
    const name = `${type.resource}.${type.group}`;
    this.#mirrors.get(name)?.stop();
    this.#mirrors.delete(name);
  }

  /** Resolves when every mirror asked for so far has its first list. */
  async synced(): Promise<void> {
    await Promise.all([...this.#mirrors.values()].map((mirror) => mirror.synced));
  }

  stop(): void {
    for (const mirror of this.#mirrors.values()) mirror.stop();
  }
}

const namespaceOf = (object: KubeObject): readonly string[] => [object.metadata.namespace ?? ''];
