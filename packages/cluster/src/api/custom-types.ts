import type { KubeObject } from '@osm/kube';
import { bucketOf } from '../kinds/index.ts';
import { deleteEach } from './delete.ts';
import { CUSTOM_RESOURCE_CLEANUP, established } from './kind-hooks.ts';
import { isAccepted, readCrd } from './rules.ts';
import type { ApiState, RequestContext } from './state.ts';

const BUCKET = 'customresourcedefinitions.apiextensions.k8s.io';

/** The API server itself, deleting the custom resources of a definition that goes. */
const SYSTEM: RequestContext = Object.freeze({
  user: Object.freeze({ username: 'system:apiserver', groups: Object.freeze(['system:masters']) }),
  query: new URLSearchParams(),
  signal: new AbortController().signal,
  userAgent: 'apiserver',
  warn: () => undefined,
});

const DELETE_AT_ONCE = Object.freeze({
  dryRun: false,
  gracePeriodSeconds: 0,
  propagation: undefined,
  uid: '',
  resourceVersion: '',
});

/**
 * Keeps the served types in step with the CustomResourceDefinitions in the store: a new definition is served in the same
 * turn in which it is stored; one that is deleted takes its objects with it first, and stays until the last is gone.
 */
export class CustomTypes {
  readonly #api: ApiState;
  readonly #served = new Map<string, string>();
  readonly #watched = new Map<string, () => void>();
  readonly #onRemoved: () => void;
  readonly #onError: (error: unknown) => void;
  readonly #unsubscribe: () => void;

  /** `onRemoved` is called when types are served no more. */
  constructor(api: ApiState, onRemoved: () => void, onError: (error: unknown) => void) {
    this.#api = api;
    this.#onRemoved = onRemoved;
    this.#onError = onError;
    this.#unsubscribe = api.store.subscribe(BUCKET, () => this.#refresh());
    this.#refresh();
  }

  close(): void {
    this.#unsubscribe();
    for (const unsubscribe of this.#watched.values()) unsubscribe();
    this.#watched.clear();
  }

  #refresh(): void {
    const present = new Map(this.#api.store.list(BUCKET).map((stored) => [stored.key, stored]));
    for (const name of [...this.#served.keys()].filter((key) => !present.has(key))) this.#forget(name);
    for (const { key, object, revision } of present.values()) {
      if (this.#served.get(key) === String(revision)) continue;
      this.#served.set(key, String(revision));
      const types = isAccepted(object) ? readCrd(object).types : [];
      this.#api.registry.setCustom(key, types);
      for (const type of types) this.#api.store.begin(bucketOf(type));
      if (object.metadata.deletionTimestamp !== undefined) this.#empty(key);
    }
  }

  #forget(name: string): void {
    this.#served.delete(name);
    this.#watched.get(name)?.();
    this.#watched.delete(name);
    this.#api.registry.setCustom(name, []);
    this.#onRemoved();
    setImmediate(() => this.#acceptWaiting());
  }

  /** Serves definitions that waited for names which have become free. */
  #acceptWaiting(): void {
    for (const { key, object, revision } of this.#api.store.list(BUCKET)) {
      if (isAccepted(object) || object.metadata.deletionTimestamp !== undefined) continue;
      const next = established(this.#api, object).object;
      if (!isAccepted(next)) continue;
      try {
        this.#api.store.replace(BUCKET, key, next, revision);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  /** Deletes the objects of a definition and lets it go when none is left. */
  #empty(name: string): void {
    if (this.#watched.has(name)) return;
    const [type] = this.#api.registry.custom(name);
    if (type === undefined) {
      setImmediate(() => this.#release(name));
      return;
    }
    const bucket = bucketOf(type);
    const whenEmpty = () => {
      if (this.#api.store.count(bucket) === 0) setImmediate(() => this.#release(name));
    };
    this.#watched.set(name, this.#api.store.subscribe(bucket, whenEmpty));
    const objects = this.#api.store.list(bucket).map(({ object }) => object);
    const target = { type, namespace: '', name: '', subresource: '' };
    deleteEach(this.#api, target, SYSTEM, DELETE_AT_ONCE, objects).then(whenEmpty, this.#onError);
  }

  /** Takes the finalizer away, which removes the definition. */
  #release(name: string): void {
    const stored = this.#api.store.get(BUCKET, name);
    if (stored?.object.metadata.deletionTimestamp === undefined) return;
    const { finalizers = [], ...metadata } = stored.object.metadata;
    const others = finalizers.filter((finalizer) => finalizer !== CUSTOM_RESOURCE_CLEANUP);
    const next = {
      ...stored.object,
      metadata: { ...metadata, ...(others.length === 0 ? {} : { finalizers: others }) },
    } as KubeObject;
    try {
      if (others.length === 0) this.#api.store.remove(BUCKET, name, stored.revision, next);
      else if (others.length < finalizers.length) this.#api.store.replace(BUCKET, name, next, stored.revision);
    } catch (error) {
      this.#onError(error);
    }
  }
}
