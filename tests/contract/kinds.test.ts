import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, TYPES } from '@osm/kube';
import { defineThings, thing } from './testing/definitions.ts';
import { at, fieldsOf, refused, until } from './testing/expect.ts';
import { deployment, EVENTS } from './testing/objects.ts';
import { client, ownNamespace, uniqueName } from './testing/server.ts';

/** What single kinds do: Secrets, Leases, Events, Services, Namespaces, and the subresource scale. */
const namespace = ownNamespace('kinds');
const options = { namespace };

const secret = (name: string, fields: object): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  ...fields,
});

test('a Secret: plain strings are written as data, and never read back', async () => {
  const made = await client.create(
    TYPES.secrets,
    secret('plain', { data: { a: 'QQ==', b: 'Qg==' }, stringData: { b: 'bee', c: 'sea' } }),
    options,
  );
  assert.deepEqual(made.data, { a: 'QQ==', b: 'YmVl', c: 'c2Vh' });
  assert.equal(made.stringData, undefined);
  assert.equal(made.type, 'Opaque');
  const patched = await client.patch(TYPES.secrets, 'plain', 'merge', { stringData: { a: 'ay' } }, options);
  assert.deepEqual(patched.data, { a: 'YXk=', b: 'YmVl', c: 'c2Vh' });
});

test('a Secret: what a type asks for, and what does not change', async () => {
  const tls = await refused(
    client.create(TYPES.secrets, secret('tls', { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }), options),
    422,
    'Invalid',
  );
  assert.deepEqual(fieldsOf(tls), ['data[tls.key]']);
  await refused(
    client.create(TYPES.secrets, secret('bad', { data: { a: 'not base64!' } }), options),
    400,
    'BadRequest',
  );
  await refused(client.create(TYPES.secrets, secret('key', { data: { 'a/b': '' } }), options), 422, 'Invalid');
  await client.create(TYPES.secrets, secret('fixed', { immutable: true, data: { a: 'QQ==' } }), options);
  const change = client.patch(TYPES.secrets, 'fixed', 'merge', { data: { a: 'Qg==' } }, options);
  assert.deepEqual(fieldsOf(await refused(change, 422, 'Invalid')), ['data']);
  const type = client.patch(TYPES.secrets, 'plain', 'merge', { type: 'example.com/other' }, options);
  assert.deepEqual(fieldsOf(await refused(type, 422, 'Invalid')), ['type']);
});

test('a Lease is taken by one of two', async () => {
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'one' },
    spec: {
      holderIdentity: 'first',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-02T03:04:05.678900Z',
      renewTime: '2026-01-02T03:04:05.678900Z',
      leaseTransitions: 0,
    },
  };
  const made = await client.create(TYPES.leases, lease, options);
  assert.deepEqual(made.spec, lease.spec);
  const take = (holderIdentity: string): Promise<KubeObject> =>
    client.update(TYPES.leases, { ...made, spec: { ...lease.spec, holderIdentity } }, options);
  const outcomes = await Promise.allSettled([take('second'), take('third')]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const wrong = client.create(
    TYPES.leases,
    { ...lease, metadata: { name: 'two' }, spec: { leaseDurationSeconds: 0 } },
    options,
  );
  assert.deepEqual(fieldsOf(await refused(wrong, 422, 'Invalid')), ['spec.leaseDurationSeconds']);
});

test('an Event is one in both its groups', async () => {
  const name = uniqueName('event');
  const made = await client.create(
    TYPES.coreEvents,
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name },
      involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', name: 'none', namespace },
      reason: 'Tested',
      message: 'told',
      type: 'Normal',
      source: { component: 'contract' },
      firstTimestamp: '2026-01-02T03:04:05Z',
      lastTimestamp: '2026-01-02T03:04:05Z',
      count: 1,
    },
    options,
  );
  const event = await client.get(EVENTS, name, options);
  assert.equal(event.metadata.uid, made.metadata.uid);
  assert.equal(`${event.note} ${at(event, 'regarding', 'kind')} ${event.deprecatedCount}`, 'told ConfigMap 1');
  const again = await client.patch(TYPES.coreEvents, name, 'merge', { count: 2 }, options);
  assert.equal(again.count, 2);
  const { items } = await client.list(TYPES.coreEvents, {
    namespace,
    fieldSelector: 'involvedObject.kind=ConfigMap,involvedObject.name=none,reason=Tested,type=Normal',
  });
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    [name],
  );
  const elsewhere = { apiVersion: 'v1', kind: 'ConfigMap', name: 'none', namespace: 'default' };
  await refused(
    client.create(TYPES.coreEvents, { ...made, metadata: { name: `${name}-2` }, involvedObject: elsewhere }, options),
    422,
    'Invalid',
  );
});

const service = (name: string, spec: object): Promise<KubeObject> =>
  client.create(TYPES.services, { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec }, options);

test('a Service has an address of its own, and keeps it', async () => {
  const made = await service('own', { selector: { app: 'x' }, ports: [{ port: 80 }] });
  const address: string = at(made, 'spec', 'clusterIP');
  assert.match(address, /^\d+\.\d+\.\d+\.\d+$/);
  assert.deepEqual(at(made, 'spec', 'clusterIPs'), [address]);
  assert.equal(at(made, 'spec', 'type'), 'ClusterIP');
  assert.equal(at(made, 'spec', 'sessionAffinity'), 'None');
  assert.deepEqual(at(made, 'spec', 'ports'), [{ port: 80, targetPort: 80, protocol: 'TCP' }]);
  const taken = await refused(service('same', { clusterIP: address, ports: [{ port: 80 }] }), 422, 'Invalid');
  assert.deepEqual(fieldsOf(taken), ['spec.clusterIPs']);
  const { metadata, spec } = made;
  const replaced = await client.update(
    TYPES.services,
    { apiVersion: 'v1', kind: 'Service', metadata: { name: metadata.name }, spec: { ports: [{ port: 81 }] } },
    options,
  );
  assert.equal(at(replaced, 'spec', 'clusterIP'), at(spec, 'clusterIP'));
  await client.delete(TYPES.services, 'own', options);
  assert.equal(at(await service('next', { clusterIP: address, ports: [{ port: 80 }] }), 'spec', 'clusterIP'), address);
});

test('Services of other types, and what none may be', async () => {
  const headless = await service('headless', { clusterIP: 'None', selector: { app: 'x' } });
  assert.deepEqual(at(headless, 'spec', 'clusterIPs'), ['None']);
  const nodePort = await service('node-port', { type: 'NodePort', ports: [{ port: 80 }] });
  const port: number = at(nodePort, 'spec', 'ports', 0, 'nodePort');
  assert.ok(port >= 30_000 && port <= 32_767, String(port));
  const external = await service('external', { type: 'ExternalName', externalName: 'example.com' });
  assert.equal(at(external, 'spec', 'clusterIP'), undefined);
  const fields = async (spec: object): Promise<readonly string[]> =>
    fieldsOf(await refused(service('wrong', spec), 422, 'Invalid'));
  assert.deepEqual(await fields({}), ['spec.ports']);
  assert.deepEqual(await fields({ ports: [{ port: 80 }, { port: 81 }] }), ['spec.ports[0].name', 'spec.ports[1].name']);
  assert.deepEqual(await fields({ ports: [{ port: 0 }] }), ['spec.ports[0].port', 'spec.ports[0].targetPort']);
  assert.deepEqual(await fields({ clusterIP: '192.0.2.1', ports: [{ port: 80 }] }), ['spec.clusterIPs']);
  assert.deepEqual(
    await fields({
      ports: [
        { name: 'a', port: 80 },
        { name: 'a', port: 81 },
      ],
    }),
    ['spec.ports[1].name'],
  );
});

test('a Namespace is labelled with its name', async () => {
  const { metadata, spec, status } = await client.get(TYPES.namespaces, namespace);
  assert.equal(metadata.labels?.['kubernetes.io/metadata.name'], namespace);
  assert.deepEqual(at(spec, 'finalizers'), ['kubernetes']);
  assert.equal(at(status, 'phase'), 'Active');
  const removed = { metadata: { labels: { 'kubernetes.io/metadata.name': 'other' } } };
  const kept = await client.patch(TYPES.namespaces, namespace, 'merge', removed);
  assert.equal(kept.metadata.labels?.['kubernetes.io/metadata.name'], namespace);
});

test('a Deployment is scaled', async () => {
  await client.create(TYPES.deployments, deployment('scaled'), options);
  const scale = { namespace, subresource: 'scale' } as const;
  const seen = await client.get(TYPES.deployments, 'scaled', scale);
  assert.equal(`${seen.apiVersion} ${seen.kind}`, 'autoscaling/v1 Scale');
  assert.deepEqual(seen.spec ?? {}, {});
  assert.equal(at(seen, 'status', 'selector'), 'app=scaled');
  const patched = await client.patch(TYPES.deployments, 'scaled', 'merge', { spec: { replicas: 3 } }, scale);
  assert.deepEqual(patched.spec, { replicas: 3 });
  // Its controller writes the same object, whose version is that of the scale.
  const updated = await until(
    'an update of the newest version',
    async () => {
      const { metadata, ...rest } = await client.get(TYPES.deployments, 'scaled', scale);
      const attempt = client.update(
        TYPES.deployments,
        { ...rest, metadata, spec: { replicas: 2 } } as KubeObject,
        scale,
      );
      return attempt.catch((error) => (at(error, 'code') === 409 ? undefined : Promise.reject(error)));
    },
    (answer) => answer !== undefined,
  );
  assert.deepEqual(updated?.spec, { replicas: 2 });
  await refused(client.update(TYPES.deployments, { ...patched, spec: { replicas: 1 } }, scale), 409, 'Conflict');
  await refused(client.patch(TYPES.deployments, 'scaled', 'merge', { spec: { replicas: -1 } }, scale), 422, 'Invalid');
  const object = await client.get(TYPES.deployments, 'scaled', options);
  assert.equal(at(object, 'spec', 'replicas'), 2);
  assert.equal(object.metadata.generation, 3);
});

test('a custom resource is scaled by the paths of its definition', async () => {
  const number = { type: 'integer' };
  const type = await defineThings('kinds', {
    properties: {
      spec: { type: 'object', properties: { size: number } },
      status: { type: 'object', properties: { size: number, selector: { type: 'string' } } },
    },
    version: {
      subresources: {
        status: {},
        scale: {
          specReplicasPath: '.spec.size',
          statusReplicasPath: '.status.size',
          labelSelectorPath: '.status.selector',
        },
      },
    },
  });
  await client.create(type, thing(type, 'one', { spec: { size: 1 } }), options);
  await client.patch(
    type,
    'one',
    'merge',
    { status: { size: 1, selector: 'a=b' } },
    { namespace, subresource: 'status' },
  );
  const scale = { namespace, subresource: 'scale' } as const;
  const seen = await client.get(type, 'one', scale);
  assert.deepEqual([seen.kind, seen.spec, seen.status], ['Scale', { replicas: 1 }, { replicas: 1, selector: 'a=b' }]);
  await client.patch(type, 'one', 'merge', { spec: { replicas: 5 } }, scale);
  assert.deepEqual((await client.get(type, 'one', options)).spec, { size: 5 });
});

test('a pod is filled in', async () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'filled' },
    spec: { serviceAccountName: 'own', containers: [{ name: 'a', image: 'x:latest' }] },
  };
  await refused(client.create(TYPES.pods, pod, options), 403, 'Forbidden');
  await client.create(
    TYPES.serviceAccounts,
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'own' } },
    options,
  );
  const { spec, status } = await client.create(TYPES.pods, pod, options);
  assert.equal(
    `${at(spec, 'restartPolicy')} ${at(spec, 'dnsPolicy')} ${at(spec, 'terminationGracePeriodSeconds')}`,
    'Always ClusterFirst 30',
  );
  assert.equal(at(spec, 'containers', 0, 'imagePullPolicy'), 'Always');
  assert.equal(`${at(status, 'phase')} ${at(status, 'qosClass')}`, 'Pending BestEffort');
  const [volume] = at(spec, 'volumes');
  assert.match(volume.name, /^kube-api-access-.{5}$/);
  assert.deepEqual(
    volume.projected.sources.map((source: object) => Object.keys(source)[0]),
    ['serviceAccountToken', 'configMap', 'downwardAPI'],
  );
  assert.equal(
    at(spec, 'containers', 0, 'volumeMounts', 0, 'mountPath'),
    '/var/run/secrets/kubernetes.io/serviceaccount',
  );
  const wrong = client.patch(TYPES.pods, 'filled', 'merge', { spec: { restartPolicy: 'Never' } }, options);
  assert.deepEqual(fieldsOf(await refused(wrong, 422, 'Invalid')), ['spec']);
});
