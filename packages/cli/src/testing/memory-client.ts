import { ApiError, type KubeClient, type KubeList, type KubeObject, objectKey, type ResourceType } from '@osm/kube';

/** A Kubernetes API in memory: the verbs that commands use, with the API's own errors. */
export interface MemoryClient {
  readonly client: KubeClient;
  /** Writes so far, such as `patch namespaces shop {"metadata":…}`. */
  readonly writes: readonly string[];
  /** Whether the client was closed. */
  closed(): boolean;
  read(type: ResourceType, name: string, namespace?: string): KubeObject | undefined;
  /** Fails every request from now on, as an API server that has gone. */
  breakDown(error: ApiError): void;
}

/** What is there at the beginning; `raw` are answers by path. */
export interface MemoryWorld {
  readonly objects?: readonly (readonly [type: ResourceType, object: KubeObject])[];
  readonly raw?: Readonly<Record<string, unknown>>;
}

const collection = ({ group, resource }: ResourceType): string => `${group}/${resource}`;
const key = (name: string, namespace: string | undefined): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

/** Equality and existence terms of a label selector, all of which must hold. */
function selects(selector: string | undefined, { metadata }: KubeObject): boolean {
  return (selector ?? '')
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [name = '', value] = term.split('=');
      const found = metadata.labels?.[name];
      return value === undefined ? found !== undefined : found === value;
    });
}

/** JSON merge patch (RFC 7386). */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field];
    else result[field] = merge(result[field], value);
  }
  return result;
}

const unused = (verb: string): never => {
  throw new Error(`no command uses ${verb}`);
};

/** Creates an API that holds the given objects. */
export function createMemoryClient({ objects = [], raw = {} }: MemoryWorld = {}): MemoryClient {
  const store = new Map<string, Map<string, KubeObject>>();
  const writes: string[] = [];
  let fault: ApiError | undefined;
  let closed = false;
  const bucket = (type: ResourceType): Map<string, KubeObject> => {
    const found = store.get(collection(type)) ?? new Map<string, KubeObject>();
    store.set(collection(type), found);
    return found;
  };
  for (const [type, object] of objects) bucket(type).set(objectKey(object), Object.freeze(object));

  const begin = (): void => {
    if (closed) throw new ApiError(0, 'Closed', 'the client is closed');
    if (fault !== undefined) throw fault;
  };
  const find = (type: ResourceType, name: string, namespace: string | undefined): KubeObject => {
    if (type.namespaced && namespace === undefined) throw new RangeError(`${type.resource} are namespaced`);
    const found = bucket(type).get(key(name, namespace));
    if (found === undefined) throw new ApiError(404, 'NotFound', `${type.resource} "${name}" not found`);
    return found;
  };

  const client: KubeClient = {
    async get<T extends KubeObject>(type: ResourceType, name: string, options?: { namespace?: string }) {
      begin();
      return find(type, name, options?.namespace) as T;
    },
    async list<T extends KubeObject>(type: ResourceType, options?: { namespace?: string; labelSelector?: string }) {
      begin();
      const items = [...bucket(type).values()].filter(
        (object) =>
          (options?.namespace === undefined || object.metadata.namespace === options.namespace) &&
          selects(options?.labelSelector, object),
      );
      const list: KubeList = {
        apiVersion: 'v1',
        kind: `${type.kind}List`,
        metadata: { resourceVersion: '1' },
        items,
      };
      return list as KubeList<T>;
    },
    async patch<T extends KubeObject>(
      type: ResourceType,
      name: string,
      kind: string,
      body: unknown,
      options?: { namespace?: string },
    ) {
      begin();
      if (kind !== 'merge') unused(`patch of kind ${kind}`);
      const patched = merge(find(type, name, options?.namespace), body) as T;
      bucket(type).set(key(name, options?.namespace), Object.freeze(patched));
      writes.push(`patch ${type.resource} ${name} ${JSON.stringify(body)}`);
      return patched;
    },
    async delete(type, name, options) {
      begin();
      find(type, name, options?.namespace);
      bucket(type).delete(key(name, options?.namespace));
      writes.push(`delete ${type.resource} ${key(name, options?.namespace)}`);
    },
    async raw(method, path) {
      begin();
      if (method === 'GET' && path in raw) return raw[path];
      throw new ApiError(404, 'NotFound', `${path} is not served`);
    },
    watch: () => unused('watch'),
    create: () => unused('create'),
    update: () => unused('update'),
    deleteCollection: () => unused('deleteCollection'),
    close() {
      closed = true;
    },
  };
  return {
    client,
    writes,
    closed: () => closed,
    read: (type, name, namespace) => bucket(type).get(key(name, namespace)),
    breakDown(error) {
      fault = error;
    },
  };
}
