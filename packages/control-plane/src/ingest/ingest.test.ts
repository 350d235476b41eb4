import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type KubeObject, TYPES } from '@osm/kube';
import { createMetrics } from '../admin/metrics.ts';
import { LABEL } from '../surface.ts';
import { createTestCluster } from '../testing-cluster.ts';
import { startIngest } from './ingest.ts';
import { createPodCache } from './pods.ts';
import { MESH_TYPES } from './types.ts';

const object = (kind: string, name: string, namespace?: string, rest: object = {}, labels = {}): object => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, labels, ...(namespace !== undefined && { namespace }) },
  ...rest,
});

async function setUp(t: TestContext) {
  const cluster = createTestCluster();
  cluster.put(TYPES.namespaces, object('Namespace', 'shop', undefined, {}, { [LABEL.monitoredBy]: 'osm' }));
  cluster.put(TYPES.namespaces, object('Namespace', 'other'));
  const seen = { changes: 0, pods: [] as string[], configs: [] as (KubeObject | undefined)[] };
  const waiting: (() => void)[] = [];
  const ingest = startIngest({
    client: cluster.client,
    meshName: 'osm',
    osmNamespace: 'osm-system',
    trustDomain: 'cluster.local',
    meshConfigName: 'osm-mesh-config',
    pods: createPodCache(),
    metrics: createMetrics(),
    changed() {
      seen.changes++;
      for (const wake of waiting.splice(0)) wake();
    },
    podSeen: (pod) => seen.pods.push(pod.metadata.name),
    meshConfigChanged: (config) => seen.configs.push(config),
  });
  t.after(() => ingest.stop());
  await ingest.synced;
  /** Does something that is news and waits for it; gives the number of changes told of until then. */
  const changesAfter = async (...acts: readonly (() => void)[]): Promise<number> => {
    const before = seen.changes;
    for (const act of acts) act();
    // What comes later on the watch of one kind is told later, so this is the last word on what was done before.
    const told = new Promise<void>((resolve) => waiting.push(resolve));
    await told;
    return seen.changes - before;
  };
  return { cluster, seen, ingest, changesAfter };
}

const SETTING = MESH_TYPES.upstreamTrafficSettings;
const setting = (namespace: string, spec: object, status?: object): object =>
  object('UpstreamTrafficSetting', 'web', namespace, { spec, ...(status && { status }) });

test('the first state is whole', async (t) => {
  const { ingest } = await setUp(t);
  assert.deepEqual([...ingest.objects().namespaces.keys()].sort(), ['other', 'shop']);
});

test('what changes in the mesh is news; statuses, and namespaces outside, are none', async (t) => {
  const { cluster, changesAfter } = await setUp(t);
  assert.equal(await changesAfter(() => cluster.put(SETTING, setting('shop', { host: 'a' }))), 1);
  const count = await changesAfter(
    () => cluster.put(SETTING, setting('shop', { host: 'a' }, { currentStatus: 'committed' })),
    () => cluster.put(SETTING, setting('other', { host: 'b' })),
    () => cluster.put(SETTING, setting('shop', { host: 'c' })),
  );
  assert.equal(count, 1);
});

test('a kind that did not change is the same map', async (t) => {
  const { cluster, ingest, changesAfter } = await setUp(t);
  const before = ingest.objects();
  await changesAfter(() => cluster.put(TYPES.services, object('Service', 'web', 'shop')));
  const after = ingest.objects();
  assert.notEqual(after.services, before.services);
  assert.equal(after.namespaces, before.namespaces);
  assert.deepEqual([...before.services.keys()], []);
});

test('a namespace that joins brings what it had', async (t) => {
  const { cluster, ingest, changesAfter } = await setUp(t);
  await changesAfter(
    () => cluster.put(TYPES.services, object('Service', 'web', 'other')),
    () => cluster.put(TYPES.namespaces, object('Namespace', 'other', undefined, {}, { [LABEL.monitoredBy]: 'osm' })),
  );
  const joined = ingest.objects();
  assert.ok(joined.services.has('other/web'));
  assert.equal(joined.namespaces.get('other')?.metadata.labels?.[LABEL.monitoredBy], 'osm');
});

test('pods are told of as they are seen, when they differ in what matters', async (t) => {
  const { cluster, seen, ingest, changesAfter } = await setUp(t);
  const pod = (phase: string, ip: string): object =>
    object('Pod', 'web-1', 'shop', { spec: { serviceAccountName: 'web' }, status: { phase, podIP: ip, message: ip } });
  await changesAfter(() => cluster.put(TYPES.pods, pod('Running', '10.0.0.1')));
  const noisy = { ...pod('Running', '10.0.0.1'), status: { phase: 'Running', podIP: '10.0.0.1', conditions: [{}] } };
  const count = await changesAfter(
    () => cluster.put(TYPES.pods, noisy),
    () => cluster.put(TYPES.pods, pod('Running', '10.0.0.2')),
  );
  assert.deepEqual([count, seen.pods], [1, ['web-1', 'web-1']]);
  await changesAfter(() => cluster.remove(TYPES.pods, 'web-1', 'shop'));
  assert.equal(ingest.objects().pods.size, 0);
});

test('one MeshConfig counts, and its end is told', async (t) => {
  const { cluster, seen, ingest, changesAfter } = await setUp(t);
  const config = (name: string): object => object('MeshConfig', name, 'osm-system', { spec: {} });
  await changesAfter(
    () => cluster.put(MESH_TYPES.meshConfigs, config('another')),
    () => cluster.put(MESH_TYPES.meshConfigs, config('osm-mesh-config')),
  );
  assert.equal(ingest.objects().meshConfig?.metadata.name, 'osm-mesh-config');
  await changesAfter(() => cluster.remove(MESH_TYPES.meshConfigs, 'osm-mesh-config', 'osm-system'));
  assert.equal(ingest.objects().meshConfig, undefined);
  assert.deepEqual(
    seen.configs.map((each) => each?.metadata.name),
    ['osm-mesh-config', undefined],
  );
});
