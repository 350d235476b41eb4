import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { MESH_TYPES } from '@osm/control-plane';
import { type KubeObject, TYPES } from '@osm/kube';
import { runCommandLine } from '../testing/command-line.ts';
import { assertGolden } from '../testing/golden.ts';
import { createMemoryClient } from '../testing/memory-client.ts';
import { mesh } from '../testing/objects.ts';

const RULES = `iptables-restore --noflush <<EOF
*nat
-A OSM_PROXY_IN_REDIRECT -p tcp -j REDIRECT --to-port 15003
-A PREROUTING -p tcp -j OSM_PROXY_INBOUND
-A OSM_PROXY_INBOUND -i eth1 -j RETURN
-A OSM_PROXY_INBOUND -p tcp -m multiport --dports 15010,15905,15910 -j RETURN
-A OSM_PROXY_INBOUND -p tcp -j OSM_PROXY_IN_REDIRECT
-A OSM_PROXY_OUTBOUND -m owner --uid-owner 1500 -j RETURN
-A OSM_PROXY_OUTBOUND -d 127.0.0.1/32 -j RETURN
-A OSM_PROXY_OUTBOUND -o eth1 -j RETURN
-A OSM_PROXY_OUTBOUND -d 192.0.2.10/32 -p tcp --dport 6443 -j RETURN
-A OSM_PROXY_OUTBOUND -p tcp -m multiport --dports 3306,25 -j RETURN
-A OSM_PROXY_OUTBOUND -d 10.1.0.0/16 -j OSM_PROXY_OUT_REDIRECT
-A OSM_PROXY_OUTBOUND -j RETURN
COMMIT
EOF
`;
const pod = (name: string, annotations: Readonly<Record<string, string>>, spec: object) => {
  const object: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop', annotations } };
  return [TYPES.pods, { ...object, spec } as KubeObject] as const;
};
const meshConfig = {
  apiVersion: 'config.openservicemesh.io/v1alpha2',
  kind: 'MeshConfig',
  metadata: { name: 'osm-mesh-config', namespace: 'osm-system' },
  spec: {
    traffic: {
      networkInterfaceExclusionList: ['eth1'],
      outboundPortExclusionList: [3306],
      inboundPortExclusionList: [9100],
    },
  },
};

const cluster = () =>
  createMemoryClient({
    objects: [
      mesh('osm', 'osm-system'),
      pod('bare', {}, { containers: [] }),
      pod(
        'cart',
        {
          'openservicemesh.io/infrastructure-exclusions': 'kubernetes=192.0.2.10/32:6443',
          'openservicemesh.io/outbound-port-exclusion-list': '3306',
          'openservicemesh.io/outbound-ip-range-inclusion-list': '10.1.0.0/16',
        },
        { initContainers: [{ name: 'osm-init', args: ['-c', RULES] }], containers: [] },
      ),
      [MESH_TYPES.meshConfigs, meshConfig as KubeObject],
    ],
  });

test('what passes by the proxy of a pod, who asks for it, and what is not in force yet', async () => {
  const { output } = await runCommandLine('explain exclusions cart -n shop', { cluster: cluster() });
  assertGolden(join(import.meta.dirname, '../testdata/explain-exclusions.txt'), output);
});

test('a pod without a sidecar, and one that is not there', async () => {
  const bare = await runCommandLine('explain exclusions bare --namespace shop', { cluster: cluster() });
  assert.equal(bare.output, 'pod shop/bare has no sidecar: none of its traffic is captured\n');
  const gone = await runCommandLine('explain exclusions gone -n shop', { cluster: cluster() });
  assert.equal(gone.error, 'there is no pod shop/gone');
});
