import type { Resource, RouteJson } from '@osm/envoy';
import type { Destination, OutboundRoute, OutboundService } from '../plan/types.ts';
import { routeMatch } from './http-match.ts';
import { fullName, outboundRoutesName } from './names.ts';
import { remember } from './remember.ts';
import { routeResource } from './resource.ts';
import { retryPolicy } from './retry.ts';

/** Requests take as long as they take: time-outs are the application's. */
export const NO_TIMEOUT = '0s';

function clusters(destinations: readonly Destination[]): RouteJson['route'] | undefined {
  const [first, ...others] = destinations.filter(({ weight }) => weight > 0);
  if (first === undefined) return undefined;
  if (others.length === 0) return { cluster: first.upstream };
  return {
    weightedClusters: { clusters: [first, ...others].map(({ upstream, weight }) => ({ name: upstream, weight })) },
  };
}

function route({ match, destinations, retry }: OutboundRoute): RouteJson {
  const action = clusters(destinations);
  if (action === undefined) {
    return { match: routeMatch(match), directResponse: { status: 503, body: { inlineString: 'no destination' } } };
  }
  return {
    match: routeMatch(match),
    route: {
      ...action,
      timeout: NO_TIMEOUT,
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
