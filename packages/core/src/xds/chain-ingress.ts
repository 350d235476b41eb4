import type { FilterChainJson } from '@osm/envoy';
import type { Identity, IngressService, ProxySettings } from '../plan/types.ts';
import { addressRanges } from './address.ts';
import { externalAuthorization } from './external-authorization.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { restrictsPath } from './http-match.ts';
import { ingressChainName, ingressRoutesName } from './names.ts';
import { remember } from './remember.ts';
import { ingressDownstreamTls } from './tls.ts';

/**
 * The inbound chain of a backend for callers outside the mesh, chosen by port, address of the caller, and for https by
 * server name. Undefined when the policy names sources of which none is an address: not everybody is meant then.
 */
export const ingressChain = remember(
  (
    ingress: IngressService,
    settings: ProxySettings,
    namespace: Identity['namespace'],
    serviceAccount: Identity['serviceAccount'],
  ): FilterChainJson | undefined => {
    const { targetPort, sourceRanges, tls } = ingress;
    const sourcePrefixRanges = addressRanges(sourceRanges);
    if (sourceRanges.length > 0 && sourcePrefixRanges.length === 0) return undefined;
    const serverNames = tls?.sniHosts.map((host) => host.toLowerCase()) ?? [];
    const { externalAuthorization: authorization } = settings;
    return {
      name: ingressChainName(ingress),
      filterChainMatch: {
        destinationPort: targetPort,
        ...(serverNames.length === 0 ? {} : { serverNames }),
        // TLS must not end up in a chain that would read it as plain HTTP, nor the other way round.
        transportProtocol: tls === undefined ? 'raw_buffer' : 'tls',
        ...(sourcePrefixRanges.length === 0 ? {} : { sourcePrefixRanges }),
      },
      filters: [
        httpConnectionManager({
          routes: ingressRoutesName(ingress),
          filters: {
            rbac: true,
            externalAuthorization: authorization && externalAuthorization(authorization, 'http'),
          },
          tracing: settings.tracing,
          pathsMatter: ingress.matches?.some(restrictsPath) ?? false,
          anyClient: true,
        }),
      ],
      ...(tls === undefined
        ? {}
        : {
            transportSocket: ingressDownstreamTls(
              { namespace, serviceAccount },
              settings.tls,
              tls.principals !== undefined,
            ),
            transportSocketConnectTimeout: '15s',
          }),
    };
  },
);
