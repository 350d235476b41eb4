import { any, type FilterChainJson, type NetworkFilterJson } from '@osm/envoy';
import { addressRanges } from './address.ts';
import { NAME } from './names.ts';
import { remember } from './remember.ts';
import { tcpProxyTo } from './tcp-proxy.ts';

/** Closes connections to the given addresses before a byte of them is passed on. */
function refuse(addresses: readonly string[]): readonly NetworkFilterJson[] {
  const permissions = addressRanges(addresses).map((range) => ({ destinationIp: range }));
  if (permissions.length === 0) return [];
  return [
    {
      name: 'mesh_addresses',
      typedConfig: any('envoy.extensions.filters.network.rbac.v3.RBAC', {
        statPrefix: 'passthrough-',
        rules: {
          action: 'DENY',
          policies: {
            'mesh-addresses': { permissions: [{ orRules: { rules: permissions } }], principals: [{ any: true }] },
          },
        },
      }),
    },
  ];
}

/**
 * Takes what no other chain does, and passes it on to where it was going, but not to a service of the mesh: that would be
 * a call which policies do not allow, made in plaintext.
 */
export const passthroughChain = remember(
  (meshAddresses: readonly string[]): FilterChainJson => ({
    name: NAME.passthroughChain,
    filters: [
      ...refuse(meshAddresses),
      tcpProxyTo(`egress-tcp-proxy.${NAME.passthroughCluster}`, NAME.passthroughCluster),
    ],
  }),
);
