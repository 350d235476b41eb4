import { EventEmitter, once } from 'node:events';
import {
  ApiError,
  type DeleteOptions,
  type KubeClient,
  type KubeList,
  type KubeObject,
  type ListOptions,
  type PatchType,
  type ResourceType,
  type WatchEvent,
  type WriteOptions,
} from '@osm/kube';

interface Logged {
  readonly resource: string;
  readonly version: number;
  readonly event: WatchEvent;
}

/**
 * A KubeClient over objects in memory: enough of the API for a kubelet (merge patch, watch, graceful pod deletion, field
 * selectors on metadata.name and spec.nodeName, tokens). `requests` counts what was asked.
 */
export class MemoryApi implements KubeClient {
  private readonly stores = new Map<string, Map<string, KubeObject>>();
  private readonly log: Logged[] = [];
  private readonly news = new EventEmitter().setMaxListeners(0);
  private version = 1;
  private closed = false;
  readonly requests: string[] = [];

  async get<T extends KubeObject>(type: ResourceType, name: string, options: { namespace?: string } = {}): Promise<T> {
    return this.need(type, name, options.namespace) as T;
  }

  async list<T extends KubeObject>(type: ResourceType, options: ListOptions = {}): Promise<KubeList<T>> {
    const items = [...this.store(type).values()].filter((o) => matches(o, options)) as T[];
    return { apiVersion: 'v1', kind: `${type.kind}List`, metadata: { resourceVersion: String(this.version) }, items };
  }

  async *watch<T extends KubeObject>(
    type: ResourceType,
    options: ListOptions & { resourceVersion: string; signal?: AbortSignal },
  ): AsyncIterable<WatchEvent<T>> {
    let from = Number(options.resourceVersion);
    let index = 0;
    while (!this.closed && !options.signal?.aborted) {
      for (; index < this.log.length; index++) {
        const entry = this.log[index];
        if (
          !entry ||
          entry.resource !== type.resource ||
          entry.version <= from ||
          !matches(entry.event.object, options)
        )
          continue;
        from = entry.version;
        yield entry.event as WatchEvent<T>;
      }
      await once(this.news, 'news', options.signal ? { signal: options.signal } : {}).catch(() => undefined);
    }
  }

  async create<T extends KubeObject>(
    type: ResourceType,
    object: object,
    options: WriteOptions & { name?: string } = {},
  ): Promise<T> {
    this.requests.push(`create ${type.resource}${options.subresource ? `/${options.subresource}` : ''}`);
    const given = object as KubeObject;
    if (options.subresource === 'token') {
      const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString();
      return {
        ...given,
        metadata: { name: options.name ?? '' },
        status: { token: `token-of-${options.name}`, expirationTimestamp },
      } as unknown as T;
    }
    const namespace = options.namespace ?? given.metadata.namespace;
    const key = keyOf(given.metadata.name, namespace);
    if (this.store(type).has(key))
      throw new ApiError(409, 'AlreadyExists', `${type.resource} "${given.metadata.name}" already exists`);
    const meta = {
      ...given.metadata,
      ...(type.namespaced && namespace ? { namespace } : {}),
      uid: `uid-${this.version}-${given.metadata.name}`,
      generation: 1,
      creationTimestamp: new Date().toISOString(),
    };
    return this.put(
      type,
      key,
      {
        ...given,
        apiVersion: type.group ? `${type.group}/${type.version}` : type.version,
        kind: type.kind,
        metadata: meta,
      },
      'ADDED',
    ) as T;
  }

  async update<T extends KubeObject>(type: ResourceType, object: KubeObject, options: WriteOptions = {}): Promise<T> {
    const before = this.need(type, object.metadata.name, options.namespace ?? object.metadata.namespace);
    return this.put(
      type,
      keyOf(before.metadata.name, before.metadata.namespace),
      { ...object, metadata: { ...before.metadata, ...object.metadata } },
      'MODIFIED',
    ) as T;
  }

  async patch<T extends KubeObject>(
    type: ResourceType,
    name: string,
    kind: PatchType,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<T> {
    this.requests.push(`patch ${type.resource}${options.subresource ? `/${options.subresource}` : ''} ${name}`);
    if (kind !== 'merge') throw new ApiError(415, 'UnsupportedMediaType', `no ${kind} patch here`);
    const before = this.need(type, name, options.namespace);
    const uid = (body as KubeObject).metadata?.uid;
    if (uid !== undefined && uid !== before.metadata.uid)
      throw new ApiError(409, 'Conflict', 'Precondition failed: UID in precondition');
    return this.put(type, keyOf(name, options.namespace), mergePatch(before, body) as KubeObject, 'MODIFIED') as T;
  }

  async delete(type: ResourceType, name: string, options: DeleteOptions = {}): Promise<void> {
    this.requests.push(`delete ${type.resource} ${name}`);
    const key = keyOf(name, options.namespace);
    const before = this.need(type, name, options.namespace);
    if (options.preconditions?.uid && options.preconditions.uid !== before.metadata.uid)
      throw new ApiError(409, 'Conflict', 'Precondition failed: UID in precondition');
    const spec = before.spec as { nodeName?: string; terminationGracePeriodSeconds?: number } | undefined;
    const grace = options.gracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
    if (type.resource === 'pods' && spec?.nodeName && grace > 0) {
      const deletionTimestamp = new Date(Date.now() + grace * 1000).toISOString();
      this.put(
        type,
        key,
        { ...before, metadata: { ...before.metadata, deletionTimestamp, deletionGracePeriodSeconds: grace } },
        'MODIFIED',
      );
      return;
    }
    this.store(type).delete(key);
    this.tell(type, {
      type: 'DELETED',
      object: { ...before, metadata: { ...before.metadata, resourceVersion: String(++this.version) } },
    });
  }

  async deleteCollection(): Promise<void> {
    throw new ApiError(405, 'MethodNotAllowed', 'no deleteCollection here');
  }

  async raw(): Promise<unknown> {
    throw new ApiError(404, 'NotFound', 'no raw paths here');
  }

  close(): void {
    this.closed = true;
    this.news.emit('news');
  }

  /** The object now, without counting as a request. */
  peek<T extends KubeObject>(type: ResourceType, name: string, namespace?: string): T | undefined {
    return this.store(type).get(keyOf(name, namespace)) as T | undefined;
  }

  /** Every object of a type now. */
  all(type: ResourceType): readonly KubeObject[] {
    return [...this.store(type).values()];
  }

  /** Resolves when `holds` is true, looked at after every change; rejects with the last error or after `timeoutMs`. */
  async until<T>(holds: () => T | undefined | false, what: string, timeoutMs = 20_000): Promise<T> {
    const over = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const value = holds();
      if (value !== undefined && value !== false) return value;
      if (over.aborted) throw new Error(`not within ${timeoutMs} ms: ${what}`);
      await once(this.news, 'news', { signal: over }).catch(() => undefined);
    }
  }

  private store(type: ResourceType): Map<string, KubeObject> {
    const store = this.stores.get(type.resource) ?? new Map<string, KubeObject>();
    this.stores.set(type.resource, store);
    return store;
  }

  private need(type: ResourceType, name: string, namespace?: string): KubeObject {
    const object = this.store(type).get(keyOf(name, namespace));
    if (!object) throw new ApiError(404, 'NotFound', `${type.resource} "${name}" not found`);
    return object;
  }

  private put(type: ResourceType, key: string, object: KubeObject, event: 'ADDED' | 'MODIFIED'): KubeObject {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.version) } };
    this.store(type).set(key, stored);
    this.tell(type, { type: event, object: stored });
    return stored;
  }

  private tell(type: ResourceType, event: WatchEvent): void {
    this.log.push({ resource: type.resource, version: this.version, event });
    this.news.emit('news');
  }
}

function keyOf(name: string, namespace?: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

function matches(object: KubeObject, options: ListOptions): boolean {
  if (options.namespace && object.metadata.namespace !== options.namespace) return false;
  for (const clause of (options.fieldSelector ?? '').split(',').filter(Boolean)) {
    const [field, value] = clause.split('=');
    const spec = object.spec as { nodeName?: string } | undefined;
    const actual = field === 'spec.nodeName' ? spec?.nodeName : object.metadata.name;
    if (actual !== value) return false;
  }
  return true;
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = {
    ...(typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {}),
  };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (value !== undefined) result[key] = mergePatch(result[key], value);
  }
  return result;
}
