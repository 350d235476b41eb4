import type { EncodedResource } from '@osm/envoy';
import { splitRefused } from './blame.ts';
import { changedNames, NO_RESOURCES, type Resources } from './difference.ts';
import { createPossession, type Possession } from './possession.ts';
import { applyChange, covers, type Subscription, type SubscriptionChange } from './subscription.ts';

/** A response of one type that is to be sent. */
export interface Batch {
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** A proxy's answer to a response. */
export type Answer =
  | { readonly kind: 'acked'; readonly versions: ReadonlyMap<string, string> }
  | { readonly kind: 'nacked'; readonly versions: ReadonlyMap<string, string>; readonly error: string };

/** How far a removal has come: users of the name not settled yet; settled, waiting a moment; may go. */
export type RemovalStage = 'new' | 'cooling' | 'due';

/** Bytes of resources in one response, unless a single one is larger; the rest follows after the ACK. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

interface InFlight {
  readonly nonce: string;
  readonly resources: Map<string, EncodedResource>;
  readonly removed: Set<string>;
}

/** One type on one stream: what is wanted, what the proxy holds, and what is under way. No I/O, no time. */
export interface TypeState {
  readonly subscription: Subscription;
  readonly possession: Possession;
  /** Versions that the proxy refused, by name. */
  readonly quarantined: ReadonlyMap<string, string>;
  /** Names of which the proxy refused a version, and does not have what it should have. */
  readonly refused: readonly string[];
  readonly wanted: Resources | undefined;
  readonly removals: Map<string, RemovalStage>;
  /** Resources that are still to be sent. */
  readonly pending: number;
  /** Resources are to be sent, or are sent and not answered. */
  readonly unsettled: boolean;
  /** Removals are sent and not answered. */
  readonly removing: boolean;
  want(resources: Resources): void;
  change(change: SubscriptionChange, initialVersions: ReadonlyMap<string, string>): void;
  /** Sends a resource again although the proxy holds it. */
  repeat(name: string): void;
  /**
   * The next response, which is under way from then on; undefined while another one is, or when there is nothing to
   * say. `resources` false holds new resources back; `removable` says which removals may go.
   */
  take(nonce: string, resources: boolean, removable: (name: string) => boolean): Batch | undefined;
  /** Undefined when the nonce is not that of the response under way, or when the culprit is still to be found. */
  answer(nonce: string, error: string | undefined): Answer | undefined;
}

/** What a type's rules are. */
export interface TypeRules {
  readonly wildcardType: boolean;
  /** State of the world: names that are gone cannot be told, they are only left out. */
  readonly silentRemovals: boolean;
}

/** Creates the state of a type at its first request. */
export function createTypeState(rules: TypeRules): TypeState {
  const subscription: Subscription = { wildcard: false, names: new Set() };
  const possession = createPossession();
  const quarantined = new Map<string, string>();
  const toSend = new Set<string>();
  const removals = new Map<string, RemovalStage>();
  /** Asked for by name and not there: the proxy is told once, so that it does not wait. */
  const toDeny = new Set<string>();
  const denied = new Set<string>();
  /** Groups of names that were refused together; the last one is tried next. */
  const suspects: (readonly string[])[] = [];
  let wanted: Resources | undefined;
  let inFlight: InFlight | undefined;
  let isFirst = true;
  /** A wildcard subscriber is owed one response even if it is empty: Envoy's start waits for it. */
  let owesGreeting = false;

  /** The version a proxy will hold once it has taken the response under way. */
  function expected(name: string): string | undefined {
    const sent = inFlight?.resources.get(name);
    if (sent !== undefined) return sent.version;
    return inFlight?.removed.has(name) === true ? undefined : possession.version(name);
  }

  /** Puts a name where it belongs: to be sent, removed, denied, or nothing to do. */
  function mark(name: string): void {
    toSend.delete(name);
    toDeny.delete(name);
    const stage = removals.get(name);
    removals.delete(name);
    if (wanted === undefined || !covers(subscription, name)) return;
    const want = wanted.get(name);
    const has = expected(name);
    if (want !== undefined) {
      denied.delete(name);
      if (has === undefined || has !== want.version) {
        if (quarantined.get(name) !== want.version) toSend.add(name);
        return;
      }
      // The proxy told this version when it reconnected; only now is it known what it is.
      if (possession.held.get(name)?.resource === undefined && inFlight?.resources.has(name) !== true) {
        possession.gain(want);
      }
    } else if (has !== undefined) removals.set(name, stage ?? 'new');
    else if (subscription.names.has(name) && !denied.has(name)) toDeny.add(name);
  }

  /** The proxy no longer has the name, or must get it again. */
  function forget(name: string): void {
    possession.lose(name);
    denied.delete(name);
    inFlight?.resources.delete(name);
  }

  function markAll(): void {
    for (const name of subscription.names) mark(name);
    if (!subscription.wildcard) return;
    for (const name of wanted?.keys() ?? []) mark(name);
    for (const name of possession.held.keys()) mark(name);
  }

  function chooseResources(): readonly EncodedResource[] {
    let names: Iterable<string> = toSend;
    for (let group = suspects.at(-1); group !== undefined; group = suspects.at(-1)) {
      const left = group.filter((name) => toSend.has(name));
      if (left.length > 0) {
        names = left;
        break;
      }
      suspects.pop();
    }
    const chosen: EncodedResource[] = [];
    let bytes = 0;
    for (const name of names) {
      const resource = wanted?.get(name);
      if (resource === undefined) continue;
      bytes += resource.bytes.length;
      if (chosen.length > 0 && bytes > MAX_BATCH_BYTES) break;
      chosen.push(resource);
    }
    return chosen;
  }

  function acked(sent: InFlight): Answer {
    const versions = new Map<string, string>();
    for (const [name, resource] of sent.resources) {
      possession.gain(resource);
      quarantined.delete(name);
      versions.set(name, resource.version);
      mark(name);
    }
    for (const name of sent.removed) {
      possession.lose(name);
      mark(name);
    }
    return { kind: 'acked', versions };
  }

  function nacked(sent: InFlight, error: string): Answer | undefined {
    const names = [...sent.resources.keys()];
    const [only] = sent.resources.values();
    const versions = new Map<string, string>();
    // A removal cannot be said better; alone, it counts as done.
    for (const name of sent.removed) {
      if (only === undefined) possession.lose(name);
      else possession.doubtPresence(name);
    }
    if (names.length > 1) {
      for (const resource of sent.resources.values()) possession.doubt(resource);
      suspects.push(...[...splitRefused(error, names)].reverse());
    } else if (only !== undefined) {
      quarantined.set(only.name, only.version);
      versions.set(only.name, only.version);
      // Refused alone, so it never was in force.
      possession.exclude(only);
    }
    for (const name of [...names, ...sent.removed]) mark(name);
    return names.length > 1 ? undefined : { kind: 'nacked', versions, error };
  }

  return {
    subscription,
    possession,
    quarantined,
    get refused() {
      return [...quarantined.keys()].filter((name) => {
        const want = wanted?.get(name);
        return want !== undefined && possession.version(name) !== want.version;
      });
    },
    removals,
    get wanted() {
      return wanted;
    },
    get pending() {
      return toSend.size;
    },
    get unsettled() {
      return toSend.size > 0 || (inFlight?.resources.size ?? 0) > 0;
    },
    get removing() {
      return (inFlight?.removed.size ?? 0) > 0;
    },
    want(resources) {
      const before = wanted;
      wanted = resources;
      if (before === undefined) markAll();
      else for (const name of changedNames(before, resources)) mark(name);
      for (const name of quarantined.keys()) if (!resources.has(name)) quarantined.delete(name);
    },
    change(change, initialVersions) {
      const first = isFirst;
      isFirst = false;
      const touched = applyChange(subscription, change, { isFirst: first, wildcardType: rules.wildcardType });
      if (first) {
        for (const [name, version] of initialVersions) {
          if (covers(subscription, name)) possession.learn(name, version);
        }
        owesGreeting = subscription.wildcard && initialVersions.size === 0;
        markAll();
        return;
      }
      for (const name of [...touched.subscribed, ...touched.unsubscribed]) forget(name);
      if (touched.wildcard) {
        owesGreeting = subscription.wildcard;
        const all = new Set([
          ...possession.held.keys(),
          ...(wanted ?? NO_RESOURCES).keys(),
          ...toDeny,
          ...removals.keys(),
        ]);
        for (const name of all) {
          if (!covers(subscription, name)) forget(name);
          mark(name);
        }
      }
      for (const name of [...touched.subscribed, ...touched.unsubscribed]) mark(name);
    },
    repeat(name) {
      if (!covers(subscription, name) || wanted?.has(name) !== true) return;
      forget(name);
      mark(name);
    },
    take(nonce, sendResources, removable) {
      if (inFlight !== undefined || wanted === undefined) return undefined;
      const resources = sendResources ? chooseResources() : [];
      const gone = [...removals.keys()].filter(removable);
      const missing = [...toDeny];
      const greets = owesGreeting && (resources.length > 0 || toSend.size === 0);
      for (const name of missing) denied.add(name);
      toDeny.clear();
      if (rules.silentRemovals && !subscription.wildcard) {
        for (const name of gone) {
          possession.lose(name);
          removals.delete(name);
          denied.add(name);
        }
        if (resources.length === 0) return undefined;
        gone.length = 0;
        missing.length = 0;
      }
      if (rules.silentRemovals && gone.length === 0 && resources.length === 0 && !greets) return undefined;
      if (resources.length + gone.length + missing.length === 0 && !greets) return undefined;
      owesGreeting = owesGreeting && !greets;
      inFlight = {
        nonce,
        resources: new Map(resources.map((resource) => [resource.name, resource])),
        removed: new Set(gone),
      };
      for (const { name } of resources) toSend.delete(name);
      for (const name of gone) {
        removals.delete(name);
        // Told now; asked for by name, it need not be denied on top.
        denied.add(name);
      }
      return { resources, removed: [...gone, ...missing] };
    },
    answer(nonce, error) {
      if (inFlight === undefined || inFlight.nonce !== nonce) return undefined;
      const sent = inFlight;
      inFlight = undefined;
      return error === undefined ? acked(sent) : nacked(sent, error);
    },
  };
}
