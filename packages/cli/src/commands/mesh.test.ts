import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommandLine } from '../testing/command-line.ts';
import { createMemoryClient } from '../testing/memory-client.ts';
import { mesh, namespace } from '../testing/objects.ts';

test('the list tells of every mesh, its namespaces, and the SMI kinds that the API server serves', async () => {
  const cluster = createMemoryClient({
    objects: [
      mesh('osm', 'osm-system'),
      mesh('blue', 'osm-blue', { version: '1.2.4' }),
      namespace('shop', { mesh: 'osm' }),
      namespace('bank', { mesh: 'osm' }),
    ],
    raw: {
      '/apis/specs.smi-spec.io': { versions: [{ version: 'v1alpha4' }] },
      '/apis/split.smi-spec.io': { versions: [{ version: 'v1alpha2' }, { version: 'v1alpha4' }] },
    },
  });
  const { output } = await runCommandLine('mesh list --local-port 9091', { cluster });
  const smi = 'HTTPRouteGroup:v1alpha4,TCPRoute:v1alpha4,TrafficSplit:v1alpha2,TrafficSplit:v1alpha4';
  assert.equal(
    output,
    `MESH NAME   MESH NAMESPACE   VERSION   ADDED NAMESPACES
blue        osm-blue         1.2.4     -
osm         osm-system       2.0.0     bank,shop

MESH NAME   MESH NAMESPACE   SMI SUPPORTED
blue        osm-blue         ${smi}
osm         osm-system       ${smi}
`,
  );
  assert.ok(cluster.closed());
});

test('without a mesh the list says so', async () => {
  assert.equal((await runCommandLine('mesh list')).output, 'no mesh is installed in this cluster\n');
});

test('a mesh without SMI kinds is listed all the same', async () => {
  const cluster = createMemoryClient({ objects: [mesh('osm', 'osm-system')] });
  assert.match((await runCommandLine('mesh list', { cluster })).output, /osm {9}osm-system {7}-\n$/);
});
