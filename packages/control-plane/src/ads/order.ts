import { type EncodedResource, TYPE_URL } from '@osm/envoy';

/**
 * The order of types within an update, make before break (Envoy: "xDS protocol, eventual consistency
 * considerations"): what is referred to comes before what refers to it. Types that are not listed come last.
 */
export const PUSH_ORDER: readonly string[] = [
  TYPE_URL.cluster,
  TYPE_URL.endpoint,
  TYPE_URL.secret,
  TYPE_URL.listener,
  TYPE_URL.route,
];

/** Types to which a proxy subscribes as a whole by naming nothing in its first request. */
export const WILDCARD_TYPES: ReadonlySet<string> = new Set([TYPE_URL.cluster, TYPE_URL.listener]);

/** Types whose resources may refer to resources of the type, so that these must not go before them. */
export const USERS: Readonly<Record<string, readonly string[]>> = {
  [TYPE_URL.cluster]: [TYPE_URL.listener, TYPE_URL.route],
  [TYPE_URL.endpoint]: [TYPE_URL.cluster],
  [TYPE_URL.secret]: [TYPE_URL.cluster, TYPE_URL.listener],
  [TYPE_URL.route]: [TYPE_URL.listener],
};

/**
 * Whether a resource may refer to a name. Any reference carries the name as text in its bytes, so what does not hold
 * the text does not refer; the opposite error only keeps something a little longer.
 */
export function mentions(resource: EncodedResource, name: string): boolean {
  return Buffer.from(resource.bytes.buffer, resource.bytes.byteOffset, resource.bytes.byteLength).includes(name);
}
