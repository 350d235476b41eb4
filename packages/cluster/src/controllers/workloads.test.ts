import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TYPES } from '@osm/kube';
import type { Deployment } from './objects.ts';
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
});
