import {
  ApiError,
  type KubeClient,
  type KubeList,
  type KubeObject,
  type ResourceType,
  type WatchEvent,
} from '@osm/kube';

type Listener = (type: ResourceType, event: WatchEvent) => void;

/** A Kubernetes API in memory: enough of its rules that code which runs against it runs against the real one. */
export interface TestCluster {
  readonly client: KubeClient;
  /** Puts an object in place whatever was there. */
  put(type: ResourceType, object: object): KubeObject;
  remove(type: ResourceType, name: string, namespace?: string): void;
  read(type: ResourceType, name: string, namespace?: string): KubeObject | undefined;
  /** Verb and resource of every call so far, such as `create secrets`. */
  readonly calls: string[];
  /** When set, every call fails with what it returns. */
  fault: ((verb: string, type: ResourceType | undefined) => ApiError | undefined) | undefined;
}

const collection = (type: ResourceType): string => `${type.group}/${type.resource}`;
const keyOf = (name: string, namespace: string | undefined): string =>
  namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;

function matches(object: KubeObject, selector: string | undefined): boolean {
  if (selector === undefined || selector === '') return true;
  return selector.split(',').every((term) => {
    const [key = '', value] = term.split('=');
    const found = object.metadata.labels?.[key];
    return value === undefined ? found !== undefined : found === value;
  });
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** Creates an empty cluster. */
export function createTestCluster(): TestCluster {
  const store = new Map<string, Map<string, KubeObject>>();
  const listeners = new Set<Listener>();
  const calls: string[] = [];
  let version = 1;

  const bucket = (type: ResourceType): Map<string, KubeObject> => {
    const found = store.get(collection(type)) ?? new Map<string, KubeObject>();
    store.set(collection(type), found);
    return found;
  };
  const notFound = (type: ResourceType, name: string): ApiError =>
    new ApiError(404, 'NotFound', `${type.resource} "${name}" not found`);
  const emit: Listener = (type, event) => {
    for (const listener of [...listeners]) listener(type, event);
  };
  const save = (type: ResourceType, object: KubeObject): KubeObject => {
    const { name, namespace } = object.metadata;
    const key = keyOf(name, namespace);
    const old = bucket(type).get(key);
    const { metadata: _m, status: _s, ...spec } = object;
    const { metadata: _om, status: _os, ...oldSpec } = old ?? object;
    const changed = old !== undefined && JSON.stringify(spec) !== JSON.stringify(oldSpec);
    const saved: KubeObject = Object.freeze({
      ...object,
      metadata: {
        ...object.metadata,
        uid: old?.metadata.uid ?? `uid-${++version}`,
        generation: (old?.metadata.generation ?? 1) + (changed ? 1 : 0),
        resourceVersion: String(++version),
      },
    });
    bucket(type).set(key, saved);
    emit(type, { type: old === undefined ? 'ADDED' : 'MODIFIED', object: saved });
    return saved;
  };
  const remove = (type: ResourceType, key: string): void => {
    const old = bucket(type).get(key);
    if (old === undefined) return;
    bucket(type).delete(key);
    emit(type, { type: 'DELETED', object: old });
  };

  const cluster: TestCluster = {
    calls,
    fault: undefined,
    put: (type, object) => save(type, object as KubeObject),
    remove: (type, name, namespace) => remove(type, keyOf(name, namespace)),
    read: (type, name, namespace) => bucket(type).get(keyOf(name, namespace)),
    client: {
      async get<T extends KubeObject>(type: ResourceType, name: string, options?: { namespace?: string }) {
        begin('get', type);
        const found = bucket(type).get(keyOf(name, options?.namespace));
        if (found === undefined) throw notFound(type, name);
        return found as T;
      },
      async list<T extends KubeObject>(type: ResourceType, options?: { namespace?: string; labelSelector?: string }) {
        begin('list', type);
        const items = [...bucket(type).values()].filter(
          (object) =>
            (options?.namespace === undefined || object.metadata.namespace === options.namespace) &&
            matches(object, options?.labelSelector),
        );
        const list: KubeList = {
          apiVersion: 'v1',
          kind: `${type.kind}List`,
          metadata: { resourceVersion: String(version) },
          items,
        };
        return list as KubeList<T>;
      },
      async *watch<T extends KubeObject>(type: ResourceType, options: { signal?: AbortSignal }) {
        begin('watch', type);
        const queue: WatchEvent[] = [];
        let wake = (): void => {};
        const listener: Listener = (changed, event) => {
          if (collection(changed) !== collection(type)) return;
          queue.push(event);
          wake();
        };
        listeners.add(listener);
        options.signal?.addEventListener('abort', () => wake());
        try {
          while (options.signal?.aborted !== true) {
            const event = queue.shift();
            if (event !== undefined) yield event as WatchEvent<T>;
            else {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
            }
          }
        } finally {
          listeners.delete(listener);
        }
      },
      async create<T extends KubeObject>(type: ResourceType, object: object, options?: { namespace?: string }) {
        begin('create', type);
        const given = object as KubeObject;
        const namespace = options?.namespace ?? given.metadata.namespace;
        const { name } = given.metadata;
        if (bucket(type).has(keyOf(name, namespace))) {
          throw new ApiError(409, 'AlreadyExists', `${type.resource} "${name}" already exists`);
        }
        return save(type, {
          ...given,
          metadata: { ...given.metadata, ...(namespace === undefined ? {} : { namespace }) },
        }) as T;
      },
      async update<T extends KubeObject>(type: ResourceType, object: KubeObject) {
        begin('update', type);
        return save(type, object) as T;
      },
      async patch<T extends KubeObject>(
        type: ResourceType,
        name: string,
        kind: string,
        body: unknown,
        options?: { namespace?: string },
      ) {
        begin('patch', type);
        const old = bucket(type).get(keyOf(name, options?.namespace));
        if (old === undefined && kind !== 'apply') throw notFound(type, name);
        if (kind === 'json' || kind === 'strategic') throw new Error(`patch type ${kind} is not supported here`);
        return save(type, mergePatch(old ?? {}, body) as KubeObject) as T;
      },
      async delete(type, name, options) {
        begin('delete', type);
        const key = keyOf(name, options?.namespace);
        if (!bucket(type).has(key)) throw notFound(type, name);
        remove(type, key);
      },
      async deleteCollection(type) {
        begin('deletecollection', type);
        for (const key of [...bucket(type).keys()]) remove(type, key);
      },
      async raw(method, path) {
        begin(`${method} ${path}`, undefined);
        if (path === '/version') return { major: '1', minor: '37', gitVersion: 'v1.37.0' };
        throw new ApiError(404, 'NotFound', `${path} is not served here`);
      },
      close() {},
    },
  };
  function begin(verb: string, type: ResourceType | undefined): void {
    calls.push(type === undefined ? verb : `${verb} ${type.resource}`);
    const fault = cluster.fault?.(verb, type);
    if (fault !== undefined) throw fault;
  }
  return cluster;
}
