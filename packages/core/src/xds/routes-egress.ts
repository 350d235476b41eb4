import type { RbacPolicyJson, Resource, RouteJson, VirtualHostJson } from '@osm/envoy';
import type { EgressPort, HttpMatch } from '../plan/types.ts';
import { coversHost, isWildcard, namesOf, rangesOf, tlsOf } from './egress-port.ts';
import { matchKey, permission, routeMatch } from './http-match.ts';
import { egressHostCluster, egressPortCluster, egressRoutesName, NAME } from './names.ts';
import { httpRbac } from './rbac-http.ts';
import { policyNames } from './rbac-principals.ts';
import { routeResource } from './resource.ts';
import { NO_TIMEOUT } from './routes-outbound.ts';

const ANY_HOST = '*';

const DEFAULT_PORT = 80;

function domains(host: string, port: number): readonly string[] {
  if (host === ANY_HOST) return [host];
  // The forward proxy takes the port of a host that names none to be 80.
  if (isWildcard(host) && port !== DEFAULT_PORT) return [`${host}:${port}`];
  return [host, `${host}:${port}`];
}

function cluster(host: string, port: number, policies: readonly EgressPort[]): string {
  if (host === ANY_HOST) return egressPortCluster(port);
  return isWildcard(host)
    ? NAME.forwardProxyCluster
    : egressHostCluster(host, port, tlsOf(host, policies) !== undefined);
}

/** The policies that say where requests may go; none is needed where all of them say anywhere. */
function addressPolicies(policies: readonly EgressPort[]): Readonly<Record<string, RbacPolicyJson>> | undefined {
  if (policies.every(({ ranges }) => ranges.length === 0)) return undefined;
  const names = policyNames(policies);
  return Object.fromEntries(
    policies.flatMap((policy, i): [string, RbacPolicyJson][] => {
      const ranges = rangesOf(policy) ?? [];
      if (ranges.length === 0 || policy.matches.length === 0) return [];
      const matches = { orRules: { rules: policy.matches.map(permission) } };
      const addresses = { orRules: { rules: ranges.map((destinationIp) => ({ destinationIp })) } };
      const permissions = [{ andRules: { rules: [matches, addresses] } }];
      return [[names[i]!, { permissions, principals: [{ any: true }] }]];
    }),
  );
}

function virtualHost(host: string, port: number, policies: readonly EgressPort[]): VirtualHostJson {
  const matches = new Map<string, HttpMatch>();
  for (const match of policies.flatMap((policy) => policy.matches)) {
    if (!matches.has(matchKey(match))) matches.set(matchKey(match), match);
  }
  const addresses = addressPolicies(policies);
  return {
    name: `egress_virtual-host|${host}`,
    domains: domains(host, port),
    routes: [...matches.values()].map(
      (match): RouteJson => ({
        match: routeMatch(match),
        route: { cluster: cluster(host, port, policies), timeout: NO_TIMEOUT },
      }),
    ),
    ...(addresses === undefined ? {} : { typedPerFilterConfig: { 'envoy.filters.http.rbac': httpRbac(addresses) } }),
  };
}

/**
 * The HTTP requests that may leave the mesh on a port: by host, then by what the policies let through. A host gets the
 * policies that name it, those whose wildcard covers it, and those that name no host; requests go to where the host's
 * name leads rather than to the address the client chose, wherever there is a name.
 */
export function egressRoutes(port: number, policies: readonly EgressPort[]): Resource {
  const http = policies.filter(({ protocol }) => protocol === 'http');
  const hosts = [...new Set(http.flatMap(namesOf))];
  const open = http.filter((policy) => policy.hosts.length === 0);
  return routeResource({
    name: egressRoutesName(port),
    validateClusters: false,
    virtualHosts: [
      ...hosts.map((host) =>
        virtualHost(
          host,
          port,
          http.filter((policy) => coversHost(policy, host)),
        ),
      ),
      ...(open.length === 0 ? [] : [virtualHost(ANY_HOST, port, open)]),
    ],
  });
}
