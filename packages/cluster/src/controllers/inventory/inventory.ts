import { setTimeout } from 'node:timers/promises';
import { type Change, type KubeObject, objectKey, type ResourceType, TYPES } from '@osm/kube';
import { sameJson } from '../../store/fields.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { startLoop } from '../loop.ts';
import type { Mirror } from '../mirror.ts';
import { apiVersionOf } from '../resource-types.ts';
import { type Discovered, discover, type FoundType } from './discovery.ts';

/** One object, whatever its type. */
export interface Item {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/** What an inventory tells its listeners. */
export interface ItemChange {
  readonly change: Change<KubeObject>;
  readonly type: ResourceType;
}

interface Followed {
  readonly type: FoundType;
  readonly mirror: Mirror;
  readonly unsubscribe: () => void;
}

/** Longest wait for the first lists of newly found types. */
const LIST_MS = 10_000;

const nameOf = ({ group, resource }: ResourceType): string => `${resource}.${group}`;

/** Events own nothing and are owned by nobody; there are many of them. */
const isFollowed = (type: ResourceType): boolean => type.resource !== 'events';

/**
 * Every object of the cluster by uid, with who depends on whom: what the garbage collector and the deletion of namespaces need.
 * Follows all types that the API serves, custom ones as they come and go.
 */
export class Inventory implements Controller {
  readonly #context: ControllerContext;
  readonly #items = new Map<string, Item>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #perNamespace = new Map<string, number>();
  readonly #followed = new Map<string, Followed>();
  readonly #listeners = new Set<(change: ItemChange) => void>();
  readonly #loop;
  readonly #unsubscribe: () => void;
  /** Resolves when every type found at first has been listed. */
  readonly ready: Promise<void>;
  #found: Discovered = { types: [], failed: [] };

  constructor(context: ControllerContext) {
    this.#context = context;
    let markReady = (): void => {};
    this.ready = new Promise((resolve) => {
      markReady = resolve;
    });
    this.#loop = startLoop(context, {
      name: 'inventory',
      reconcile: async () => {
        await this.refresh();
        const listed = [...this.#followed.values()].map(({ mirror }) => mirror.synced);
        // A type may go again before it has been listed.
        await Promise.race([Promise.all(listed), setTimeout(LIST_MS, undefined, { ref: false })]);
        markReady();
        // A group that did not answer may do so later.
        return this.#found.failed.length > 0 ? 5_000 : undefined;
      },
    });
    this.#unsubscribe = context.mirrors.of(TYPES.customResourceDefinitions).subscribe((change) => {
      if (change.type === 'updated' && sameJson(change.old.spec, change.object.spec)) return;
      this.#loop.add('discovery');
    });
    this.#loop.add('discovery');
  }

  /** Types as last discovered. */
  get found(): Discovered {
    return this.#found;
  }

  get(uid: string): Item | undefined {
    return this.#items.get(uid);
  }

  /** Objects that name `uid` as an owner. */
  dependents(uid: string): readonly Item[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#items.get(dependent) ?? []);
  }

  /** Objects in a namespace, events apart. */
  count(namespace: string): number {
    return this.#perNamespace.get(namespace) ?? 0;
  }

  /** The type of an owner reference; undefined when it is not served. */
  typeOf(apiVersion: string, kind: string): FoundType | undefined {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    return this.#found.types.find((type) => type.kind === kind && type.group === group);
  }

  mirrorOf(type: ResourceType): Mirror {
    return this.#context.mirrors.of(type);
  }

  /** Calls back for every change. Returns the unsubscribe function. */
  subscribe(listener: (change: ItemChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Discovers anew, follows what has come, drops what has gone. Rejects with ApiError. */
  async refresh(): Promise<Discovered> {
    const found = await discover(this.#context.client);
    this.#found = found;
    const wanted = new Map(found.types.filter(isFollowed).map((type) => [nameOf(type), type]));
    for (const [name, followed] of this.#followed) {
      const silent = found.failed.some((group) => group.startsWith(`${followed.type.group}/`));
      if (wanted.get(name)?.version !== followed.type.version && !silent) this.#drop(name, followed);
    }
    for (const [name, type] of wanted) if (!this.#followed.has(name)) this.#follow(name, type);
    return found;
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    for (const { unsubscribe } of this.#followed.values()) unsubscribe();
    this.#followed.clear();
    await this.#loop.stop();
  }

  #follow(name: string, type: FoundType): void {
    const mirror = this.#context.mirrors.of(type);
    const unsubscribe = mirror.subscribe((change) => this.#observe(type, change));
    this.#followed.set(name, { type, mirror, unsubscribe });
  }

  #drop(name: string, { type, mirror, unsubscribe }: Followed): void {
    unsubscribe();
    this.#followed.delete(name);
    for (const object of [...mirror.objects.values()]) this.#observe(type, { type: 'deleted', object });
    this.#context.mirrors.drop(type);
  }

  #observe(type: ResourceType, change: Change<KubeObject>): void {
    const uid = change.object.metadata.uid ?? `${apiVersionOf(type)} ${type.kind} ${objectKey(change.object)}`;
    const old = this.#items.get(uid)?.object;
    const next = change.type === 'deleted' ? undefined : change.object;
    this.#relink(uid, old, next);
    if (next === undefined) this.#items.delete(uid);
    else this.#items.set(uid, { type, object: next });
    const namespace = change.object.metadata.namespace ?? '';
    const difference = Number(next !== undefined) - Number(old !== undefined);
    if (difference !== 0) this.#count(namespace, difference);
    for (const listener of this.#listeners) listener({ change, type });
  }

  #relink(uid: string, old: KubeObject | undefined, next: KubeObject | undefined): void {
    if (old?.metadata.ownerReferences === next?.metadata.ownerReferences) return;
    for (const { uid: owner } of old?.metadata.ownerReferences ?? []) {
      const set = this.#dependents.get(owner);
      set?.delete(uid);
      if (set?.size === 0) this.#dependents.delete(owner);
    }
    for (const { uid: owner } of next?.metadata.ownerReferences ?? []) {
      const set = this.#dependents.get(owner) ?? new Set<string>();
      this.#dependents.set(owner, set);
      set.add(uid);
    }
  }

  #count(namespace: string, difference: number): void {
    const next = this.count(namespace) + difference;
    if (next > 0) this.#perNamespace.set(namespace, next);
    else this.#perNamespace.delete(namespace);
  }
}
