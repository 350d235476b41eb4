import type { RbacPolicyJson, Resource } from '@osm/envoy';
import type { HttpMatch, IngressService } from '../plan/types.ts';
import { matchKey, routeMatch } from './http-match.ts';
import { fullName, ingressRoutesName, localClusterName } from './names.ts';
import { httpRbac } from './rbac-http.ts';
import { remember } from './remember.ts';
import { routeResource } from './resource.ts';
import { NO_TIMEOUT } from './routes-outbound.ts';

/** Names in certificates that are let in; for nobody there is no policy, which denies. */
function namedPolicies(names: readonly string[]): Readonly<Record<string, RbacPolicyJson>> {
  if (names.length === 0) return {};
  const principals = names.map((name) => ({ authenticated: { principalName: { exact: name } } }));
  return { principals: { permissions: [{ any: true }], principals } };
}

/** What is let in, each once; a single undefined for everything. */
const distinct = (matches: readonly HttpMatch[] | undefined): readonly (HttpMatch | undefined)[] =>
  matches === undefined ? [undefined] : [...new Map(matches.map((match) => [matchKey(match), match])).values()];

/** The requests that a backend takes from outside the mesh: all, or those that match, of those whom the policy names. */
export const ingressRoutes = remember((ingress: IngressService): Resource => {
  const { service, targetPort, tls, matches, origins } = ingress;
  return routeResource({
    name: ingressRoutesName(ingress),
    validateClusters: false,
    virtualHosts: [
      {
        name: `ingress_virtual-host|${fullName(service)}_from_${origins[0]?.name ?? 'policy'}`,
        domains: ['*'],
        routes: distinct(matches).map((match) => ({
          match: routeMatch(match),
          route: {
            cluster: localClusterName(service, targetPort),
            timeout: NO_TIMEOUT,
            retryPolicy: { retryOn: 'reset-before-request', numRetries: 2 },
          },
        })),
        ...(tls?.principals === undefined
          ? {}
          : { typedPerFilterConfig: { 'envoy.filters.http.rbac': httpRbac(namedPolicies(tls.principals)) } }),
      },
    ],
  });
});
