import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createInformer, TYPES } from '@osm/kube';
import { at } from '../store/fields.ts';
import type { Deployment, EndpointSlice, Endpoints, Namespace, Pod, ReplicaSet } from './objects.ts';
import { isActive, isReady, isTerminating } from './pod-facts.ts';
import { TestCluster } from './testing/cluster.ts';

const deployment = (name: string, replicas: number, image = 'one') => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image, ports: [{ name: 'http', containerPort: 8080 }] }] },
    },
  },
});

describe('controllers with a real API server', () => {
  const cluster = new TestCluster();
  before(() => cluster.start());
  after(() => cluster.remove());

  it('brings a Deployment up and spreads its pods over nodes', async () => {
    await cluster.create(TYPES.deployments, deployment('web', 4));
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=15s');
    const pods = await cluster.pods();
    const nodes = pods.map((pod) => pod.spec.nodeName).sort();
    assert.deepEqual(nodes, ['node-1', 'node-1', 'node-2', 'node-2']);
    const { status } = await cluster.get<Deployment>(TYPES.deployments, 'web');
    assert.equal(status?.availableReplicas, 4);
    assert.equal(status?.conditions?.find(({ type }) => type === 'Progressing')?.reason, 'NewReplicaSetAvailable');
  });

  it('never falls below maxUnavailable nor above maxSurge while it rolls out, and can undo', async () => {
    const seen: { pods: number; ready: number }[] = [];
    const watch = createInformer<Pod>(cluster.client, TYPES.pods, { labelSelector: 'app=web' });
    await watch.synced;
    watch.subscribe(() => {
      const active = [...watch.objects.values()].filter(isActive);
      seen.push({ pods: active.length, ready: active.filter(isReady).length });
    });
    await cluster.kubectl('set', 'image', 'deployment/web', 'main=two');
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=15s');
    watch.stop();
    assert.equal(Math.min(...seen.map(({ ready }) => ready)), 3, 'maxUnavailable 25% of 4 is 1');
    assert.equal(Math.max(...seen.map(({ pods }) => pods)), 5, 'maxSurge 25% of 4 is 1');
    const images = async () =>
      new Set((await cluster.pods()).filter(isActive).map((pod) => at(pod.spec.containers[0], 'image')));
    await cluster.until('only the new image runs', async () => JSON.stringify([...(await images())]) === '["two"]');

    await cluster.kubectl('rollout', 'undo', 'deployment/web');
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=15s');
    await cluster.until('only the old image runs', async () => JSON.stringify([...(await images())]) === '["one"]');
    assert.match(await cluster.kubectl('rollout', 'history', 'deployment/web'), /2 +<none>\n3 +<none>/);
  });

  it('scales, pauses and resumes', async () => {
    await cluster.kubectl('scale', 'deployment/web', '--replicas=6');
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=15s');
    assert.equal((await cluster.pods()).filter(isActive).length, 6);
    await cluster.kubectl('rollout', 'pause', 'deployment/web');
    await cluster.kubectl('set', 'image', 'deployment/web', 'main=three');
    await cluster.kubectl('scale', 'deployment/web', '--replicas=2');
    await cluster.until('two pods', async () => (await cluster.pods()).filter(isActive).length === 2);
    const images = (await cluster.pods()).filter(isActive).map((pod) => at(pod.spec.containers[0], 'image'));
    assert.deepEqual(images, ['one', 'one']);
    await cluster.kubectl('rollout', 'resume', 'deployment/web');
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=15s');
    await cluster.until('the third image runs', async () =>
      (await cluster.pods()).every((pod) => at(pod.spec.containers[0], 'image') === 'three'),
    );
  });

  it('replaces all pods at once with Recreate', async () => {
    const { spec, ...rest } = deployment('whole', 2);
    await cluster.create(TYPES.deployments, { ...rest, spec: { ...spec, strategy: { type: 'Recreate' } } });
    await cluster.kubectl('rollout', 'status', 'deployment/whole', '--timeout=15s');
    cluster.kubelet.fate.letGo = false;
    await cluster.kubectl('set', 'image', 'deployment/whole', 'main=two');
    const mine = async () => (await cluster.pods()).filter((pod) => pod.metadata.labels?.app === 'whole');
    await cluster.until('the old pods end', async () => (await mine()).every(isTerminating));
    assert.equal((await mine()).length, 2);
    cluster.kubelet.fate.letGo = true;
    cluster.kubelet.replay();
    await cluster.kubectl('rollout', 'status', 'deployment/whole', '--timeout=15s');
    assert.deepEqual(
      (await mine()).map((pod) => at(pod.spec.containers[0], 'image')),
      ['two', 'two'],
    );
  });

  it('deletes ReplicaSets and pods with their Deployment, or leaves them', async () => {
    await cluster.kubectl('delete', 'deployment', 'whole', '--cascade=foreground', '--wait');
    const left = async () => [
      ...(await cluster.list(TYPES.replicaSets)).filter(({ metadata }) => metadata.labels?.app === 'whole'),
      ...(await cluster.pods()).filter(({ metadata }) => metadata.labels?.app === 'whole'),
    ];
    assert.deepEqual(await left(), [], 'foreground deletion leaves nothing behind');

    await cluster.kubectl('delete', 'deployment', 'web', '--cascade=orphan');
    const sets = await cluster.list<ReplicaSet>(TYPES.replicaSets);
    assert.ok(sets.length > 0 && sets.every(({ metadata }) => metadata.ownerReferences === undefined));
    for (const { metadata } of sets)
      await cluster.client.delete(TYPES.replicaSets, metadata.name, { namespace: 'default' });
    await cluster.until('the pods are collected', async () => (await cluster.pods()).length === 0);
  });

  it('keeps ready, serving and terminating of endpoints', async () => {
    await cluster.create(TYPES.deployments, deployment('shop', 2));
    await cluster.create(TYPES.services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'shop', namespace: 'default' },
      spec: { selector: { app: 'shop' }, ports: [{ name: 'web', port: 80, targetPort: 'http' }] },
    });
    const endpoints = async () => {
      const slices = await cluster.list<EndpointSlice>(TYPES.endpointSlices);
      return slices
        .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'shop')
        .flatMap((slice) => (slice.endpoints ?? []).map((each) => ({ ...each, port: slice.ports?.[0]?.port })));
    };
    const all = async (of: 'ready' | 'serving' | 'terminating') =>
      (await endpoints()).filter(({ conditions }) => conditions?.[of]).length;
    await cluster.until('two ready endpoints', async () => (await all('ready')) === 2);
    assert.deepEqual(
      (await endpoints()).map(({ port }) => port),
      [8080, 8080],
    );
    const [pod] = (await cluster.pods()).filter(({ metadata }) => metadata.labels?.app === 'shop');
    assert.ok(pod);

    cluster.kubelet.fate.ready = false;
    await cluster.kubelet.set(pod, 'Running', false);
    await cluster.until('one is not ready', async () => (await all('ready')) === 1);
    const { subsets } = await cluster.get<Endpoints>(TYPES.endpoints, 'shop');
    assert.deepEqual(
      subsets?.map(({ addresses = [], notReadyAddresses = [] }) => [addresses.length, notReadyAddresses.length]),
      [[1, 1]],
    );
    cluster.kubelet.fate.ready = true;
    cluster.kubelet.replay();
    await cluster.until('both are ready', async () => (await all('ready')) === 2);

    cluster.kubelet.fate.letGo = false;
    await cluster.kubectl('delete', 'pod', pod.metadata.name, '--wait=false');
    await cluster.until('one is terminating', async () => (await all('terminating')) === 1);
    const going = (await endpoints()).find(({ conditions }) => conditions?.terminating);
    assert.deepEqual(going?.conditions, { ready: false, serving: true, terminating: true });
    cluster.kubelet.fate.letGo = true;
    cluster.kubelet.replay();
    await cluster.until('it is gone', async () => (await all('terminating')) === 0 && (await all('ready')) === 2);
    await cluster.kubectl('delete', 'service', 'shop');
    await cluster.until(
      'slices and endpoints go with the service',
      async () => (await endpoints()).length === 0 && !(await cluster.exists(TYPES.endpoints, 'shop')),
    );
  });

  it('empties a namespace and lets it go', async () => {
    await cluster.kubectl('create', 'namespace', 'brief');
    await cluster.until('its account', () => cluster.exists(TYPES.serviceAccounts, 'default', 'brief'));
    const { metadata, ...rest } = deployment('inner', 2);
    await cluster.create(TYPES.deployments, { ...rest, metadata: { ...metadata, namespace: 'brief' } });
    await cluster.kubectl('-n', 'brief', 'rollout', 'status', 'deployment/inner', '--timeout=15s');
    await cluster.kubectl('-n', 'brief', 'create', 'configmap', 'held');
    const held = { metadata: { finalizers: ['example.com/hold'] } };
    await cluster.client.patch(TYPES.configMaps, 'held', 'merge', held, { namespace: 'brief' });
    await cluster.kubectl('delete', 'namespace', 'brief', '--wait=false');
    await cluster.until('only what is held remains', async () => {
      const { status } = await cluster.get<Namespace>(TYPES.namespaces, 'brief');
      const remaining = status?.conditions?.find(({ type }) => type === 'NamespaceFinalizersRemaining');
      return (
        remaining?.message ===
        'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances'
      );
    });
    assert.deepEqual(await cluster.pods('brief'), []);
    const free = { metadata: { finalizers: null } };
    await cluster.client.patch(TYPES.configMaps, 'held', 'merge', free, { namespace: 'brief' });
    await cluster.until('the namespace is gone', async () => !(await cluster.exists(TYPES.namespaces, 'brief')));
  });

  it('writes nothing when nothing of concern has changed', async () => {
    const { store } = cluster.bench.server;
    const buckets = ['deployments.apps', 'replicasets.apps', 'endpoints', 'endpointslices.discovery.k8s.io'];
    const service = (name: string, app: string) =>
      cluster.create(TYPES.services, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: 'default' },
        spec: { selector: { app }, ports: [{ port: 80 }] },
      });
    const hasSlice = (name: string) => async () =>
      (await cluster.list<EndpointSlice>(TYPES.endpointSlices)).some(
        ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name,
      );
    await service('steady', 'shop');
    await cluster.until('its slice', hasSlice('steady'));
    await cluster.kubectl('rollout', 'status', 'deployment/shop', '--timeout=15s');
    const before = buckets.map((bucket) => store.changedAt(bucket));
    await cluster.kubectl('annotate', 'pods', '--all', 'note=seen');
    await cluster.kubectl('annotate', 'service', 'steady', 'note=seen');
    await cluster.kubectl('annotate', 'node', '--all', 'note=seen');
    // What comes later is dealt with later: when this account is there, the others have been looked at.
    await cluster.kubectl('create', 'namespace', 'marker');
    await cluster.until('its account', () => cluster.exists(TYPES.serviceAccounts, 'default', 'marker'));
    assert.deepEqual(
      buckets.map((bucket) => store.changedAt(bucket)),
      before,
    );
  });

  it('wrote no warning', () => {
    assert.deepEqual(cluster.warnings, []);
  });
});
