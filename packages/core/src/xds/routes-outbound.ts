import type { Resource, RouteJson } from '@osm/envoy';
import type { Affinity, Destination, OutboundRoute, OutboundService } from '../plan/types.ts';
import { hashPolicy } from './balancing.ts';
import { milliseconds } from './duration.ts';
import { routeMatch } from './http-match.ts';
import { fullName, outboundRoutesName } from './names.ts';
import { remember } from './remember.ts';
import { routeResource } from './resource.ts';
import { retryPolicy } from './retry.ts';

/** Requests take as long as they take, unless a policy says otherwise: time-outs are the application's. */
export const NO_TIMEOUT = '0s';

function clusters(
  destinations: readonly Destination[],
  affinity: Affinity | undefined,
): RouteJson['route'] | undefined {
  const [first, ...others] = destinations.filter(({ weight }) => weight > 0);
  if (first === undefined) return undefined;
  if (others.length === 0) return { cluster: first.upstream };
  return {
    weightedClusters: {
      clusters: [first, ...others].map(({ upstream, weight }) => ({ name: upstream, weight })),
      // What belongs together goes to one destination, too.
      ...(affinity && { useHashPolicy: true }),
    },
  };
}

function route({ match, destinations, retry, timeouts, affinity }: OutboundRoute): RouteJson {
  const action = clusters(destinations, affinity);
  if (action === undefined) {
    return { match: routeMatch(match), directResponse: { status: 503, body: { inlineString: 'no destination' } } };
  }
  return {
    match: routeMatch(match),
    route: {
      ...action,
      timeout: timeouts?.requestMs === undefined ? NO_TIMEOUT : milliseconds(timeouts.requestMs),
      ...(timeouts?.idleMs === undefined ? {} : { idleTimeout: milliseconds(timeouts.idleMs) }),
      ...(affinity && { hashPolicy: [hashPolicy(affinity)] }),
      ...(retry === undefined ? {} : { retryPolicy: retryPolicy(retry) }),
    },
  };
}

/**
 * Where requests to a port of a service go. The chain that leads here was chosen by the address that the client
 * dialled, so the Host header does not matter.
 */
export const outboundRoutes = remember((outbound: OutboundService): Resource => {
  return routeResource({
    name: outboundRoutesName(outbound),
    validateClusters: false,
    virtualHosts: [
      {
        name: `outbound_virtual-host|${fullName(outbound.service)}`,
        domains: ['*'],
        routes: outbound.routes.map(route),
      },
    ],
  });
});
