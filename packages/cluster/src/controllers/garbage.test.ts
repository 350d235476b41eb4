import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import type { Namespace } from './objects.ts';
import { TestCluster } from './testing/cluster.ts';

const WIDGETS: ResourceType = {
  group: 'example.com',
  version: 'v1',
  resource: 'widgets',
  kind: 'Widget',
  namespaced: true,
};

const configMap = (name: string, owners: readonly KubeObject[], more: object = {}, namespace = 'default') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name,
    namespace,
    ownerReferences: owners.map(({ apiVersion, kind, metadata }) => ({
      apiVersion,
      kind,
      name: metadata.name,
      uid: metadata.uid,
      blockOwnerDeletion: true,
    })),
    ...more,
  },
});

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

describe('garbage and namespaces with a real API server', () => {
  const cluster = new TestCluster();
  before(() => cluster.start());
  after(() => cluster.remove());
  const gone = (name: string, type = TYPES.configMaps) =>
    cluster.until(`${name} is collected`, async () => !(await cluster.exists(type, name)));
  const remove = (name: string, type = TYPES.configMaps) => cluster.client.delete(type, name, { namespace: 'default' });

  it('collects what names an owner that does not exist, or another one of the same name', async () => {
    const owner = await cluster.create(TYPES.configMaps, configMap('owner', []));
    const stranger = { ...owner, metadata: { ...owner.metadata, uid: 'another' } };
    const missing = { ...owner, metadata: { ...owner.metadata, name: 'missing', uid: 'missing' } };
    await cluster.create(TYPES.configMaps, configMap('of-stranger', [stranger]));
    await cluster.create(TYPES.configMaps, configMap('of-missing', [missing]));
    await cluster.create(TYPES.configMaps, configMap('of-owner', [owner]));
    await gone('of-stranger');
    await gone('of-missing');
    assert.ok(await cluster.exists(TYPES.configMaps, 'of-owner'));
    await remove('owner');
    await gone('of-owner');
  });

  it('takes only the reference away while another owner remains', async () => {
    const [first, second] = [
      await cluster.create(TYPES.configMaps, configMap('first', [])),
      await cluster.create(TYPES.configMaps, configMap('second', [])),
    ];
    await cluster.create(TYPES.configMaps, configMap('shared', [first, second]));
    await remove('first');
    await cluster.until('one owner is left', async () => {
      const { metadata } = await cluster.get(TYPES.configMaps, 'shared');
      return metadata.ownerReferences?.length === 1 && metadata.ownerReferences[0]?.name === 'second';
    });
    await remove('second');
    await gone('shared');
  });

  it('follows chains, and waits for finalizers of dependents in a foreground deletion', async () => {
    const top = await cluster.create(TYPES.configMaps, configMap('top', []));
    const held = { finalizers: ['example.com/hold'] };
    const middle = await cluster.create(TYPES.configMaps, configMap('middle', [top], held));
    await cluster.create(TYPES.configMaps, configMap('bottom', [middle]));
    await cluster.client.delete(TYPES.configMaps, 'top', { namespace: 'default', propagationPolicy: 'Foreground' });
    await gone('bottom');
    await cluster.until(
      'the middle is being deleted',
      async () => (await cluster.get(TYPES.configMaps, 'middle')).metadata.deletionTimestamp !== undefined,
    );
    assert.ok(await cluster.exists(TYPES.configMaps, 'top'), 'it waits for what blocks it');
    const free = { metadata: { finalizers: null } };
    await cluster.client.patch(TYPES.configMaps, 'middle', 'merge', free, { namespace: 'default' });
    await gone('middle');
    await gone('top');
  });

  it('collects dependents of custom resources, and deletes custom resources with their namespace', async () => {
    await cluster.create(TYPES.customResourceDefinitions, definition);
    const widget = (name: string, namespace: string, more: object = {}) => ({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name, namespace, ...more },
    });
    const owner = await cluster.create(WIDGETS, widget('a', 'default'));
    await cluster.create(TYPES.configMaps, configMap('of-widget', [owner]));
    await remove('a', WIDGETS);
    await gone('of-widget');

    await cluster.kubectl('create', 'namespace', 'works');
    await cluster.create(WIDGETS, widget('b', 'works', { finalizers: ['example.com/hold'] }));
    await cluster.kubectl('delete', 'namespace', 'works', '--wait=false');
    await cluster.until('the widget holds the namespace', async () => {
      const { status } = await cluster.get<Namespace>(TYPES.namespaces, 'works');
      const remaining = status?.conditions?.find(({ type }) => type === 'NamespaceContentRemaining');
      return remaining?.message === 'Some resources are remaining: widgets.example.com has 1 resource instances';
    });
    const free = { metadata: { finalizers: null } };
    await cluster.client.patch(WIDGETS, 'b', 'merge', free, { namespace: 'works' });
    await cluster.until('the namespace is gone', async () => !(await cluster.exists(TYPES.namespaces, 'works')));
    await cluster.kubectl('delete', 'crd', 'widgets.example.com');
  });

  it('goes on after the API server has been away', async () => {
    const owner = await cluster.create(TYPES.configMaps, configMap('before', []));
    await cluster.create(TYPES.configMaps, configMap('dependent', [owner]));
    await cluster.restartApi();
    await cluster.until('the API answers', () => cluster.exists(TYPES.configMaps, 'before'));
    await remove('before');
    await gone('dependent');
  });
});

describe('pods that a webhook refuses', () => {
  const cluster = new TestCluster();
  before(() => cluster.start());
  after(() => cluster.remove());

  it('are made at once when the webhook is no longer in the way', async () => {
    await cluster.create(TYPES.mutatingWebhooks, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'away' },
      webhooks: [
        {
          name: 'away.example.com',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          clientConfig: { service: { namespace: 'default', name: 'nobody' } },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        },
      ],
    });
    await cluster.create(TYPES.replicaSets, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'patient', namespace: 'default' },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'patient' } },
        template: { metadata: { labels: { app: 'patient' } }, spec: { containers: [{ name: 'main', image: 'one' }] } },
      },
    });
    const failure = async () =>
      (await cluster.get(TYPES.replicaSets, 'patient')).status as
        | { conditions?: { type: string; message: string }[] }
        | undefined;
    await cluster.until(
      'the failure is shown',
      async () =>
        (await failure())?.conditions?.some(
          ({ type, message }) => type === 'ReplicaFailure' && /webhook/.test(message),
        ) === true,
    );
    const events = await cluster.kubectl('events', '--for', 'replicaset/patient');
    assert.match(events, /FailedCreate.*away\.example\.com/);
    await cluster.client.delete(TYPES.mutatingWebhooks, 'away');
    await cluster.until('the pods are there', async () => (await cluster.pods()).length === 3);
    await cluster.until('the failure is forgotten', async () => (await failure())?.conditions === undefined);
  });
});
