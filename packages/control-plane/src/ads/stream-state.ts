import { type EncodedResource, TYPE_URL } from '@osm/envoy';
import { NO_RESOURCES, type Resources } from './difference.ts';
import { mentions, PUSH_ORDER, USERS, WILDCARD_TYPES } from './order.ts';
import type { Held } from './possession.ts';
import { changeTo, type SubscriptionChange } from './subscription.ts';
import { type Answer, createTypeState, type TypeState } from './type-state.ts';

/** The two forms of the xDS protocol: differences, or the state of the world each time. */
export type Protocol = 'delta' | 'world';

/** A request of either protocol, as far as the state needs it. */
export interface StreamRequest {
  readonly typeUrl: string;
  /** `delta`: what changes. `world`: all names wanted. */
  readonly change: SubscriptionChange | readonly string[];
  /** What the proxy holds from a former stream; empty for `world`. */
  readonly initialVersions: ReadonlyMap<string, string>;
  /** Empty when no response is answered. */
  readonly nonce: string;
  readonly error: string | undefined;
}

/** A response to send. */
export interface Push {
  readonly typeUrl: string;
  readonly nonce: string;
  /** `delta` and explicit types: what is new. `world` and wildcard types: everything. */
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** More types than Envoy has; bounds what a stream may cost. */
const MAX_TYPES = 32;

/** A stream that asks for more types than there are. */
export class TooManyTypes extends Error {
  override readonly name = 'TooManyTypes';
}

/**
 * The whole state of one stream: decides what to send next. No I/O and no clock; whoever drives it calls `lapse` and
 * `ripen` a while after `gated` and `cooling` became true.
 */
export interface StreamState {
  /** Replaces what the proxy should have. */
  want(resources: ReadonlyMap<string, Resources>): void;
  /** Takes a request; returns the versions it says are in force, or the answer it is. Throws {@link TooManyTypes}. */
  hear(request: StreamRequest): Answer | undefined;
  /** The next response, which counts as sent; undefined when there is nothing to send now. */
  next(): Push | undefined;
  /** Something waits for the ACK of what it refers to. */
  readonly gated: boolean;
  /** Lets what is gated go, since the proxy does not answer. */
  lapse(): void;
  /** Removals wait for the proxy to have finished changing over. */
  readonly cooling: boolean;
  /** Lets the removals go that were cooling. */
  ripen(): void;
  /** What the proxy holds of a type, for tests and inspection. */
  held(typeUrl: string): ReadonlyMap<string, Held>;
  /** Versions of a type that the proxy refused. */
  quarantined(typeUrl: string): ReadonlyMap<string, string>;
  /** Names of a type of which the proxy refused a version, and does not have what it should have. */
  refused(typeUrl: string): readonly string[];
}

const NOTHING_HELD: ReadonlyMap<string, Held> = new Map();
const NONE: ReadonlyMap<string, string> = new Map();

/** Creates the state of a stream. Nothing is sent before `want` was called. */
export function createStreamState(protocol: Protocol): StreamState {
  const types = new Map<string, TypeState>();
  /** Nonce last sent for each type: the state-of-the-world protocol ignores requests with an older one. */
  const nonces = new Map<string, string>();
  let wanted: ReadonlyMap<string, Resources> | undefined;
  let count = 0;
  let gated = false;
  let lapsed = false;

  const settling = (typeUrl: string): boolean => types.get(typeUrl)?.unsettled === true;

  /** New resources of a type must wait for what they may refer to. */
  function closed(typeUrl: string): boolean {
    if (lapsed || (typeUrl !== TYPE_URL.listener && typeUrl !== TYPE_URL.route)) return false;
    // Envoy holds the ACK of clusters back until all of them are warm, so this ACK says that they can take traffic.
    if (settling(TYPE_URL.cluster) || (types.get(TYPE_URL.endpoint)?.pending ?? 0) > 0) return true;
    return typeUrl === TYPE_URL.route && settling(TYPE_URL.listener);
  }

  /** A refused listener, route or cluster leaves its former version in force, which may still refer to the name. */
  function inUse(typeUrl: string, name: string): boolean {
    for (const user of USERS[typeUrl] ?? []) {
      const state = types.get(user);
      for (const refused of state?.quarantined.keys() ?? []) {
        for (const former of state?.possession.inForce(refused) ?? []) {
          if (former === undefined || mentions(former, name)) return true;
        }
      }
    }
    return false;
  }

  /** Listeners, routes and clusters are as wanted, as far as the proxy takes them. */
  function settled(): boolean {
    for (const typeUrl of [TYPE_URL.cluster, TYPE_URL.listener, TYPE_URL.route]) if (settling(typeUrl)) return false;
    const listeners = types.get(TYPE_URL.listener);
    return listeners === undefined || (listeners.removals.size === 0 && !listeners.removing);
  }

  function coolDown(): void {
    if (!settled()) return;
    for (const { removals } of types.values()) {
      for (const [name, stage] of removals) if (stage === 'new') removals.set(name, 'cooling');
    }
  }

  function take(typeUrl: string, state: TypeState): Push | undefined {
    const open = !closed(typeUrl);
    if (!open && (state.pending > 0 || (typeUrl === TYPE_URL.listener && state.removals.size > 0))) gated = true;
    const nonce = String(count + 1);
    // A listener that takes over another's address must come in the very response that removes the other.
    const removable = (name: string): boolean =>
      typeUrl === TYPE_URL.listener ? open : state.removals.get(name) === 'due' && !inUse(typeUrl, name);
    const batch = state.take(nonce, open, removable);
    if (batch === undefined) return undefined;
    count++;
    nonces.set(typeUrl, nonce);
    // A cluster that is updated warms up anew and waits for its endpoints, which Envoy does not ask for again.
    const endpoints = types.get(TYPE_URL.endpoint);
    if (typeUrl === TYPE_URL.cluster)
      for (const { name } of batch.resources) if (state.possession.mayHold(name)) endpoints?.repeat(name);
    if (protocol === 'delta' || !state.subscription.wildcard) return { typeUrl, nonce, ...batch };
    return { typeUrl, nonce, resources: world(state, batch.resources, batch.removed), removed: [] };
  }

  function world(
    state: TypeState,
    sent: readonly EncodedResource[],
    removed: readonly string[],
  ): readonly EncodedResource[] {
    const all = new Map<string, EncodedResource>();
    for (const [name, { resource }] of state.possession.held) if (resource !== undefined) all.set(name, resource);
    for (const resource of sent) all.set(resource.name, resource);
    for (const name of removed) all.delete(name);
    return [...all.values()];
  }

  function stateOf(typeUrl: string): TypeState {
    const known = types.get(typeUrl);
    if (known !== undefined) return known;
    if (types.size >= MAX_TYPES) throw new TooManyTypes(`more than ${MAX_TYPES} types on one stream`);
    const state = createTypeState({
      wildcardType: WILDCARD_TYPES.has(typeUrl),
      silentRemovals: protocol === 'world',
    });
    if (wanted !== undefined) state.want(wanted.get(typeUrl) ?? NO_RESOURCES);
    types.set(typeUrl, state);
    return state;
  }

  return {
    want(resources) {
      wanted = resources;
      for (const [typeUrl, state] of types) state.want(resources.get(typeUrl) ?? NO_RESOURCES);
    },
    hear(request) {
      const { typeUrl, nonce, change } = request;
      const isFirst = !types.has(typeUrl);
      const state = stateOf(typeUrl);
      if ('subscribe' in change) {
        const answer = nonce === '' ? undefined : state.answer(nonce, request.error);
        state.change(change, request.initialVersions);
        if (!isFirst || state.possession.held.size === 0) return answer;
        return {
          kind: 'acked',
          versions: new Map([...state.possession.held].map(([name, { version }]) => [name, version])),
        };
      }
      // After a reconnection the first request may carry the nonce of another stream.
      if (!isFirst && nonce !== (nonces.get(typeUrl) ?? '')) return undefined;
      const answer = state.answer(nonce, request.error);
      state.change(changeTo(isFirst ? undefined : state.subscription, change), NONE);
      return answer;
    },
    next() {
      gated = false;
      if (!settling(TYPE_URL.cluster) && !settling(TYPE_URL.listener)) lapsed = false;
      coolDown();
      const order = [...PUSH_ORDER, ...[...types.keys()].filter((typeUrl) => !PUSH_ORDER.includes(typeUrl))];
      for (const typeUrl of order) {
        const state = types.get(typeUrl);
        const push = state === undefined ? undefined : take(typeUrl, state);
        if (push !== undefined) return push;
      }
      return undefined;
    },
    get gated() {
      return gated;
    },
    lapse() {
      lapsed = true;
    },
    get cooling() {
      for (const { removals } of types.values())
        for (const stage of removals.values()) if (stage === 'cooling') return true;
      return false;
    },
    ripen() {
      for (const { removals } of types.values()) {
        for (const [name, stage] of removals) if (stage === 'cooling') removals.set(name, 'due');
      }
    },
    held: (typeUrl) => types.get(typeUrl)?.possession.held ?? NOTHING_HELD,
    quarantined: (typeUrl) => types.get(typeUrl)?.quarantined ?? NONE,
    refused: (typeUrl) => types.get(typeUrl)?.refused ?? [],
  };
}
