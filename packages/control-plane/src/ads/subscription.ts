/** What a stream asked for of one type. */
export interface Subscription {
  /** Asked for whatever there is. */
  wildcard: boolean;
  /** Asked for by name. */
  readonly names: Set<string>;
}

/** What one request changes in a subscription. */
export interface SubscriptionChange {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
}

const WILDCARD = '*';

/** The names whose subscription a request touched. */
export interface Touched {
  /** Named anew, or named again: the proxy is to get them even if it was given them before. */
  readonly subscribed: readonly string[];
  readonly unsubscribed: readonly string[];
  /** The wildcard was asked for or given up. */
  readonly wildcard: boolean;
}

/**
 * Takes a change into a subscription (xDS protocol, "How the client specifies what resources to return"): the name `*`
 * is the wildcard, and so is a first request without names for clusters and listeners.
 */
export function applyChange(
  subscription: Subscription,
  change: SubscriptionChange,
  first: { readonly isFirst: boolean; readonly wildcardType: boolean },
): Touched {
  const before = subscription.wildcard;
  if (first.isFirst && first.wildcardType && change.subscribe.length === 0) subscription.wildcard = true;
  for (const name of change.unsubscribe) {
    if (name === WILDCARD) subscription.wildcard = false;
    else subscription.names.delete(name);
  }
  for (const name of change.subscribe) {
    if (name === WILDCARD) subscription.wildcard = true;
    else subscription.names.add(name);
  }
  return {
    subscribed: change.subscribe.filter((name) => name !== WILDCARD),
    unsubscribed: change.unsubscribe.filter((name) => name !== WILDCARD),
    wildcard: before !== subscription.wildcard,
  };
}

/** Whether the subscription covers a name. */
export function covers(subscription: Subscription, name: string): boolean {
  return subscription.wildcard || subscription.names.has(name);
}

/**
 * A state-of-the-world request as a change: it names everything wanted each time. An empty list is the wildcard for
 * clusters and listeners until names were given.
 */
export function changeTo(subscription: Subscription | undefined, names: readonly string[]): SubscriptionChange {
  const wanted = new Set(names);
  const held = subscription?.names ?? new Set<string>();
  const gaveUpWildcard = subscription?.wildcard === true && names.length > 0 && !wanted.has(WILDCARD);
  return {
    subscribe: names.filter((name) => !held.has(name) && !(name === WILDCARD && subscription?.wildcard === true)),
    unsubscribe: [...[...held].filter((name) => !wanted.has(name)), ...(gaveUpWildcard ? [WILDCARD] : [])],
  };
}
