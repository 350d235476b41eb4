/**
 * The contract of the Kubernetes client: what every caller (controllers, node, control plane, CLI) may rely on.
 * Shapes follow the Kubernetes API conventions
 * (https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md).
 */

/** `metadata` of an object; only what code reads is named, the rest is kept as is. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly generateName?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly unknown[];
}

/** One entry of `metadata.ownerReferences`. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Any Kubernetes object. Callers that know the kind narrow it with their own interface: `client.get<Pod>(…)`. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** A page or a whole list as the API server returns it. */
export interface KubeList<T extends KubeObject = KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly T[];
}

/** Names one resource collection: `{ group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true }`. */
export interface ResourceType {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower-case plural, as in the URL. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Selectors and paging of a list or watch. */
export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  /** Ends the request; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** One watch event. BOOKMARK carries only `metadata.resourceVersion`. */
export interface WatchEvent<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/** Content types of PATCH (RFC 6902, RFC 7386, Kubernetes strategic merge, server-side apply). */
export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/** Options of a write. */
export interface WriteOptions {
  readonly namespace?: string;
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  /** Only for `apply`. */
  readonly force?: boolean;
  readonly subresource?: 'status' | 'scale' | 'eviction' | 'token' | 'binding';
  readonly signal?: AbortSignal;
}

/** Options of a delete. */
export interface DeleteOptions {
  readonly namespace?: string;
  /** Seconds; 0 deletes at once. */
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly signal?: AbortSignal;
}

/** The body of every failed request: a `metav1.Status`. */
export interface StatusBody {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly status: 'Failure' | 'Success';
  readonly message: string;
  readonly reason?: string;
  readonly code: number;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
    readonly retryAfterSeconds?: number;
  };
}

/**
 * A failed API call. `reason` is the Status reason (`NotFound`, `AlreadyExists`, `Conflict`, `Expired`, `Invalid`,
 * `Forbidden`, …), or with code 0 when no answer came: `Unreachable`, or `Closed` when it
 * was the client that had been closed.
 */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly body: StatusBody | undefined;
  constructor(code: number, reason: string, message: string, body?: StatusBody) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.reason = reason;
    this.body = body;
  }
}

/** The typed verbs of the API. All reject with {@link ApiError}. */
export interface KubeClient {
  get<T extends KubeObject = KubeObject>(
    type: ResourceType,
    name: string,
    options?: { namespace?: string; subresource?: string; signal?: AbortSignal },
  ): Promise<T>;
  list<T extends KubeObject = KubeObject>(type: ResourceType, options?: ListOptions): Promise<KubeList<T>>;
  /** Ends when the server closes the watch, `signal` fires, or throws ApiError (410 `Expired` included). */
  watch<T extends KubeObject = KubeObject>(
    type: ResourceType,
    options: ListOptions & { resourceVersion: string; signal?: AbortSignal },
  ): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject = KubeObject>(
    type: ResourceType,
    object: object,
    options?: WriteOptions & { name?: string },
  ): Promise<T>;
  update<T extends KubeObject = KubeObject>(type: ResourceType, object: KubeObject, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject = KubeObject>(
    type: ResourceType,
    name: string,
    kind: PatchType,
    body: unknown,
    options?: WriteOptions,
  ): Promise<T>;
  delete(type: ResourceType, name: string, options?: DeleteOptions): Promise<void>;
  deleteCollection(type: ResourceType, options?: ListOptions & DeleteOptions): Promise<void>;
  /** Any other path (`/version`, `/apis`, `/healthz`): parsed JSON, or text when the answer is not JSON. */
  raw(method: string, path: string, body?: unknown): Promise<unknown>;
  close(): void;
}

/** What an {@link Informer} tells its subscriber; `old` is the object it replaces. */
export type Change<T extends KubeObject = KubeObject> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'updated'; readonly object: T; readonly old: T }
  | { readonly type: 'deleted'; readonly object: T };

/**
 * A list+watch cache of one resource type. Survives disconnects (relists on 410, jittered back-off otherwise) and
 * reports the difference as changes, so that a subscriber never misses one.
 */
export interface Informer<T extends KubeObject = KubeObject> {
  readonly type: ResourceType;
  /** Resolves when the first list has been delivered. */
  readonly synced: Promise<void>;
  /** Key is `namespace/name`, or `name` for cluster-scoped objects. */
  get(key: string): T | undefined;
  /** A live view of the cache, by key. */
  readonly objects: ReadonlyMap<string, T>;
  /** Calls back for every present object (as added), then for each change. Returns the unsubscribe function. */
  subscribe(listener: (change: Change<T>) => void): () => void;
  stop(): void;
}
