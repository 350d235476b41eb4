import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TYPES } from '@osm/kube';
import { at } from '../store/fields.ts';
import { isTrue } from './conditions.ts';
import { isActive, isReady } from './pod-facts.ts';
import { AUTOSCALERS, CRON_JOBS } from './resource-types.ts';
import { TestCluster } from './testing/cluster.ts';
import type { CronJob, HorizontalPodAutoscaler, Job, PodDisruptionBudget, StatefulSet } from './workload-objects.ts';

const template = (name: string, image: string, more: object = {}) => ({
  metadata: { labels: { app: name } },
  spec: { containers: [{ name: 'main', image }], ...more },
});

const set = (kind: 'StatefulSet' | 'DaemonSet', name: string, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace: 'default' },
  spec: { selector: { matchLabels: { app: name } }, template: template(name, 'one'), ...spec },
});

const job = (name: string, spec: object = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'default' },
  spec: { template: template(name, 'one', { restartPolicy: 'Never' }), ...spec },
});

describe('sets and jobs with a real API server', () => {
  const cluster = new TestCluster();
  before(() => cluster.start());
  after(() => cluster.remove());
  const podsOf = async (app: string) => (await cluster.pods()).filter(({ metadata }) => metadata.labels?.app === app);
  const images = async (app: string) => (await podsOf(app)).map((pod) => at(pod.spec.containers[0], 'image'));

  it('makes the pods of a StatefulSet one after the other, rolls out from the last, and undoes', async () => {
    cluster.kubelet.fate.ready = false;
    await cluster.create(TYPES.statefulSets, set('StatefulSet', 'db', { replicas: 3, serviceName: 'db' }));
    await cluster.until('the first pod runs', async () => (await podsOf('db'))[0]?.status?.phase === 'Running');
    assert.deepEqual(
      (await podsOf('db')).map(({ metadata }) => metadata.name),
      ['db-0'],
      'the second waits for the first',
    );
    cluster.kubelet.fate.ready = true;
    cluster.kubelet.replay();
    await cluster.kubectl('rollout', 'status', 'statefulset/db', '--timeout=15s');
    const [first] = await podsOf('db');
    assert.equal(first?.spec.hostname, 'db-0');
    assert.equal(first?.spec.subdomain, 'db');

    const partition = { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } } };
    await cluster.client.patch(TYPES.statefulSets, 'db', 'merge', partition, { namespace: 'default' });
    await cluster.kubectl('set', 'image', 'statefulset/db', 'main=two');
    await cluster.until('only the last is new', async () => String(await images('db')) === 'one,one,two');
    await cluster.until('the last is ready', async () => (await podsOf('db')).every(isReady));
    assert.equal(String(await images('db')), 'one,one,two', 'the partition holds');
    const all = { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } };
    await cluster.client.patch(TYPES.statefulSets, 'db', 'merge', all, { namespace: 'default' });
    await cluster.kubectl('rollout', 'status', 'statefulset/db', '--timeout=15s');
    assert.equal(String(await images('db')), 'two,two,two');
    await cluster.kubectl('rollout', 'undo', 'statefulset/db');
    await cluster.until('the old image is back', async () => String(await images('db')) === 'one,one,one');
    await cluster.kubectl('scale', 'statefulset/db', '--replicas=1');
    await cluster.until(
      'the first stays',
      async () => String((await podsOf('db')).map(({ metadata }) => metadata.name)) === 'db-0',
    );
  });

  it('refuses a StatefulSet with volume claims, and says so', async () => {
    const spec = { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }] };
    await cluster.create(TYPES.statefulSets, set('StatefulSet', 'claims', spec));
    await cluster.until('the condition', async () =>
      isTrue((await cluster.get<StatefulSet>(TYPES.statefulSets, 'claims')).status?.conditions, 'Unsupported'),
    );
    assert.deepEqual(await podsOf('claims'), []);
    await cluster.until('the event', async () =>
      (await cluster.kubectl('events', '--for', 'statefulset/claims')).includes(
        'volumeClaimTemplates is not supported',
      ),
    );
  });

  it('keeps a daemon on each node that allows it', async () => {
    await cluster.create(TYPES.daemonSets, set('DaemonSet', 'agent'));
    await cluster.kubectl('rollout', 'status', 'daemonset/agent', '--timeout=15s');
    assert.deepEqual((await podsOf('agent')).map(({ spec }) => spec.nodeName).sort(), ['node-1', 'node-2']);
    await cluster.addNode('node-3');
    await cluster.until('the new node has one', async () => (await podsOf('agent')).length === 3);
    await cluster.kubectl('set', 'image', 'daemonset/agent', 'main=two');
    await cluster.kubectl('rollout', 'status', 'daemonset/agent', '--timeout=15s');
    assert.equal(String(await images('agent')), 'two,two,two');
    await cluster.kubectl('rollout', 'undo', 'daemonset/agent');
    await cluster.kubectl('rollout', 'status', 'daemonset/agent', '--timeout=15s');
    assert.equal(String(await images('agent')), 'one,one,one');
    await cluster.kubectl('delete', 'daemonset', 'agent');
    await cluster.until('they go', async () => (await podsOf('agent')).length === 0);
  });

  it('runs Jobs to completion and counts every pod once', async () => {
    cluster.kubelet.fate.end = 'Succeeded';
    await cluster.create(TYPES.jobs, job('sum', { completions: 5, parallelism: 2 }));
    await cluster.kubectl('wait', '--for=condition=complete', 'job/sum', '--timeout=15s');
    const { status } = await cluster.get<Job>(TYPES.jobs, 'sum');
    assert.equal(status?.succeeded, 5);
    assert.equal(status?.active, undefined);
    assert.ok(
      (await podsOf('sum')).every(
        ({ metadata }) => metadata.finalizers === undefined || metadata.finalizers.length === 0,
      ),
    );

    await cluster.create(TYPES.jobs, job('parts', { completions: 4, parallelism: 4, completionMode: 'Indexed' }));
    await cluster.kubectl('wait', '--for=condition=complete', 'job/parts', '--timeout=15s');
    assert.equal((await cluster.get<Job>(TYPES.jobs, 'parts')).status?.completedIndexes, '0-3');

    cluster.kubelet.fate.end = 'Failed';
    await cluster.create(TYPES.jobs, job('bad', { backoffLimit: 0 }));
    await cluster.kubectl('wait', '--for=condition=failed', 'job/bad', '--timeout=15s');
    const failed = (await cluster.get<Job>(TYPES.jobs, 'bad')).status;
    assert.equal(failed?.failed, 1);
    assert.equal(failed?.conditions?.find(({ type }) => type === 'Failed')?.reason, 'BackoffLimitExceeded');
  });

  it('suspends and resumes a Job, and deletes it with its pods', async () => {
    cluster.kubelet.fate.end = 'Running';
    await cluster.create(TYPES.jobs, job('long', { parallelism: 2, completions: 2 }));
    const active = async () => (await podsOf('long')).filter(isActive).length;
    await cluster.until('two run', async () => (await active()) === 2);
    const suspend = (value: boolean) =>
      cluster.client.patch(TYPES.jobs, 'long', 'merge', { spec: { suspend: value } }, { namespace: 'default' });
    await suspend(true);
    await cluster.until('none runs', async () => (await podsOf('long')).length === 0);
    await cluster.until('it says so', async () =>
      isTrue((await cluster.get<Job>(TYPES.jobs, 'long')).status?.conditions, 'Suspended'),
    );
    assert.equal(
      (await cluster.get<Job>(TYPES.jobs, 'long')).status?.failed,
      undefined,
      'suspended pods have not failed',
    );
    await suspend(false);
    await cluster.until('two run again', async () => (await active()) === 2);
    await cluster.kubectl('delete', 'job', 'long');
    await cluster.until('its pods are gone, finalizers or not', async () => (await podsOf('long')).length === 0);
  });

  it('deletes a Job when its time is over', async () => {
    cluster.kubelet.fate.end = 'Succeeded';
    await cluster.create(TYPES.jobs, job('brief', { ttlSecondsAfterFinished: 0 }));
    await cluster.until(
      'the job is gone',
      async () => !(await cluster.exists(TYPES.jobs, 'brief')) && (await podsOf('brief')).length === 0,
    );
    cluster.kubelet.fate.end = 'Running';
  });

  it('makes a job for a time that has come', async () => {
    await cluster.create<CronJob>(CRON_JOBS, {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'tick', namespace: 'default' },
      spec: { schedule: '* * * * *', jobTemplate: { spec: job('tick').spec } },
    });
    const past = new Date(Date.now() - 90_000).toISOString();
    const body = { status: { lastScheduleTime: past } };
    await cluster.client.patch(CRON_JOBS, 'tick', 'merge', body, { namespace: 'default', subresource: 'status' });
    await cluster.until('a job', async () =>
      (await cluster.list<Job>(TYPES.jobs)).some(({ metadata }) => metadata.ownerReferences?.[0]?.name === 'tick'),
    );
    await cluster.until(
      'it is shown as active',
      async () => (await cluster.get<CronJob>(CRON_JOBS, 'tick')).status?.active?.length === 1,
    );
  });

  it('allows as many evictions as a budget says', async () => {
    await cluster.kubectl('scale', 'statefulset/db', '--replicas=2');
    await cluster.kubectl('rollout', 'status', 'statefulset/db', '--timeout=15s');
    await cluster.kubectl('create', 'poddisruptionbudget', 'db', '--selector=app=db', '--min-available=2');
    const budget = async () => (await cluster.get<PodDisruptionBudget>(TYPES.podDisruptionBudgets, 'db')).status;
    await cluster.until('its status', async () => (await budget())?.currentHealthy === 2);
    assert.equal((await budget())?.disruptionsAllowed, 0);
    await cluster.client.patch(
      TYPES.podDisruptionBudgets,
      'db',
      'merge',
      { spec: { minAvailable: 1 } },
      { namespace: 'default' },
    );
    await cluster.until('one may go', async () => (await budget())?.disruptionsAllowed === 1);
  });

  it('tells of an autoscaler that there are no metrics', async () => {
    await cluster.create(AUTOSCALERS, {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'db', namespace: 'default' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' }, maxReplicas: 3 },
    });
    await cluster.until('the condition', async () => {
      const { status } = await cluster.get<HorizontalPodAutoscaler>(AUTOSCALERS, 'db');
      return (
        status?.currentReplicas === 2 &&
        status.conditions?.find(({ type }) => type === 'ScalingActive')?.status === 'False'
      );
    });
  });

  it('wrote no warning', () => {
    assert.deepEqual(cluster.warnings, []);
  });
});
