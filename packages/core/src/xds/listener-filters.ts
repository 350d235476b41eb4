import { any, type ListenerFilterJson } from '@osm/envoy';

/** Restores the address that the client dialled, which redirection replaced by the proxy's own. */
export const ORIGINAL_DESTINATION: ListenerFilterJson = Object.freeze({
  name: 'envoy.filters.listener.original_dst',
  typedConfig: any('envoy.extensions.filters.listener.original_dst.v3.OriginalDst', {}),
});

type Predicate = NonNullable<ListenerFilterJson['filterDisabled']>;

const isPort = (port: number): Predicate => ({ destinationPortRange: { start: port, end: port + 1 } });

function isOneOf(ports: readonly number[]): Predicate {
  // Envoy takes no alternative of fewer than two.
  return ports.length === 1 ? isPort(ports[0]!) : { orMatch: { rules: ports.map(isPort) } };
}

/**
 * A filter that runs on connections to the given ports only; undefined for none. All other connections get through
 * without a look at their first bytes, for which a protocol whose server speaks first would have to wait.
 */
export function onlyOn(ports: readonly number[], filter: ListenerFilterJson): ListenerFilterJson | undefined {
  const sorted = [...new Set(ports)].sort((a, b) => a - b);
  return sorted.length === 0 ? undefined : { ...filter, filterDisabled: { notMatch: isOneOf(sorted) } };
}
