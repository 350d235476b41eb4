import type { RbacPolicyJson, Resource } from '@osm/envoy';
import type { IngressService } from '../plan/types.ts';
import { routeMatch } from './http-match.ts';
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

/** The requests that a backend takes from outside the mesh: all, of those whom the policy names. */
export const ingressRoutes = remember((ingress: IngressService): Resource => {
  const { service, targetPort, tls, origins } = ingress;
  return routeResource({
    name: ingressRoutesName(ingress),
    validateClusters: false,
    virtualHosts: [
      {
        name: `ingress_virtual-host|${fullName(service)}_from_${origins[0]?.name ?? 'policy'}`,
        domains: ['*'],
        routes: [
          {
            match: routeMatch(undefined),
            route: {
              cluster: localClusterName(service, targetPort),
              timeout: NO_TIMEOUT,
              retryPolicy: { retryOn: 'reset-before-request', numRetries: 2 },
            },
          },
        ],
        ...(tls?.principals === undefined
          ? {}
          : { typedPerFilterConfig: { 'envoy.filters.http.rbac': httpRbac(namedPolicies(tls.principals)) } }),
      },
    ],
  });
});
