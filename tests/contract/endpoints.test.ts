import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type KubeObject, TYPES } from '@osm/kube';
import { at, find, until, untilGone } from './testing/expect.ts';
import { podTemplate } from './testing/objects.ts';
import { atEnd, client, ownNamespace, uniqueName } from './testing/server.ts';

/** What the controllers publish of Services. The tests are the kubelet of a node of their own. */
const namespace = ownNamespace('endpoints');
const node = uniqueName('contract-node');

before(async () => {
  await client.create(TYPES.nodes, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node },
    spec: { unschedulable: true },
  });
  await until('the default account', () => find(TYPES.serviceAccounts, 'default', namespace), Boolean);
});

atEnd(() => client.delete(TYPES.nodes, node));

/** A pod as it stands after its kubelet has told of it. */
async function pod(name: string, app: string, ip: string, ready: boolean, phase = 'Running'): Promise<KubeObject> {
  const spec = { ...at(podTemplate({}), 'spec'), nodeName: node, terminationGracePeriodSeconds: 600 };
  await client.create(
    TYPES.pods,
    { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app } }, spec },
    { namespace },
  );
  return tell(name, { phase, podIP: ip, podIPs: [{ ip }], conditions: [condition(ready)] });
}

const condition = (ready: boolean): object => ({ type: 'Ready', status: ready ? 'True' : 'False' });
const tell = (name: string, status: object): Promise<KubeObject> =>
  client.patch(TYPES.pods, name, 'strategic', { status }, { namespace, subresource: 'status' });
const service = (name: string, spec: object): Promise<KubeObject> =>
  client.create(TYPES.services, { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec }, { namespace });

const slicesOf = async (name: string): Promise<readonly KubeObject[]> =>
  (await client.list(TYPES.endpointSlices, { namespace, labelSelector: `kubernetes.io/service-name=${name}` })).items;

/** `address ready/serving/terminating` of each endpoint. */
const told = async (name: string): Promise<readonly string[]> =>
  (await slicesOf(name))
    .flatMap((slice) => (at(slice, 'endpoints') as readonly object[] | null) ?? [])
    .map((endpoint) => {
      const { ready, serving, terminating } = at(endpoint, 'conditions');
      return `${at(endpoint, 'addresses', 0)} ${ready}/${serving}/${terminating}`;
    })
    .sort();

const becomes = (name: string, expected: readonly string[]): Promise<readonly string[]> =>
  until(
    `endpoints of ${name}: ${expected.join(', ')}`,
    () => told(name),
    (found) => found.join() === expected.join(),
  );

test('pods of a Service: ready and not, with ports by name and the pod they are', async () => {
  const first = await pod('a1', 'a', '192.0.2.1', true);
  await pod('a2', 'a', '192.0.2.2', false);
  await pod('other', 'z', '192.0.2.9', true);
  await service('a', {
    selector: { app: 'a' },
    ports: [
      { name: 'web', port: 80, targetPort: 'http' },
      { name: 'raw', port: 81, targetPort: 9000 },
    ],
  });
  await becomes('a', ['192.0.2.1 true/true/false', '192.0.2.2 false/false/false']);
  const [slice] = await slicesOf('a');
  assert.equal(slice?.addressType, 'IPv4');
  assert.equal(slice?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'], 'endpointslice-controller.k8s.io');
  assert.deepEqual(
    slice?.metadata.ownerReferences?.map(({ kind, name, controller }) => [kind, name, controller]),
    [['Service', 'a', true]],
  );
  const ports = at(slice, 'ports').map((port: object) => [at(port, 'name'), at(port, 'port'), at(port, 'protocol')]);
  assert.deepEqual(ports.toSorted(), [
    ['raw', 9000, 'TCP'],
    ['web', 8080, 'TCP'],
  ]);
  const endpoint = at(slice, 'endpoints').find((each: object) => at(each, 'addresses', 0) === '192.0.2.1');
  assert.equal(at(endpoint, 'nodeName'), node);
  assert.deepEqual(at(endpoint, 'targetRef'), { kind: 'Pod', namespace, name: 'a1', uid: first.metadata.uid });
  const endpoints = await until(
    'Endpoints',
    () => find(TYPES.endpoints, 'a', namespace),
    (found) => at(found, 'subsets', 0) !== undefined,
  );
  assert.equal(at(endpoints, 'subsets', 0, 'addresses', 0, 'ip'), '192.0.2.1');
  assert.equal(at(endpoints, 'subsets', 0, 'notReadyAddresses', 0, 'ip'), '192.0.2.2');
  await tell('a2', { conditions: [condition(true)] });
  await becomes('a', ['192.0.2.1 true/true/false', '192.0.2.2 true/true/false']);
});

test('a pod that ends still serves for as long as it is ready', async () => {
  await pod('b1', 'b', '192.0.2.11', true);
  await service('b', { selector: { app: 'b' }, ports: [{ port: 80 }] });
  await becomes('b', ['192.0.2.11 true/true/false']);
  await client.delete(TYPES.pods, 'b1', { namespace });
  await becomes('b', ['192.0.2.11 false/true/true']);
  await tell('b1', { conditions: [condition(false)] });
  await becomes('b', ['192.0.2.11 false/false/true']);
  await client.delete(TYPES.pods, 'b1', { namespace, gracePeriodSeconds: 0 });
  await becomes('b', []);
});

test('a pod that has ended is none', async () => {
  await pod('c1', 'c', '192.0.2.21', true);
  await pod('c2', 'c', '192.0.2.22', true);
  await service('c', { selector: { app: 'c' }, ports: [{ port: 80 }] });
  await becomes('c', ['192.0.2.21 true/true/false', '192.0.2.22 true/true/false']);
  await tell('c1', { phase: 'Succeeded', conditions: [condition(false)] });
  await tell('c2', { phase: 'Failed', conditions: [condition(false)] });
  await becomes('c', []);
});

test('a Service may publish what is not ready', async () => {
  await pod('d1', 'd', '192.0.2.31', false);
  await service('d', {
    selector: { app: 'd' },
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    ports: [{ port: 80 }],
  });
  await becomes('d', ['192.0.2.31 true/false/false']);
  const [slice] = await slicesOf('d');
  assert.equal(slice?.metadata.labels?.['service.kubernetes.io/headless'], '');
});

test('a change of labels or of the selector changes the endpoints', async () => {
  await pod('e1', 'e', '192.0.2.41', true);
  await service('e', { selector: { app: 'e' }, ports: [{ port: 80 }] });
  await becomes('e', ['192.0.2.41 true/true/false']);
  await client.patch(TYPES.pods, 'e1', 'merge', { metadata: { labels: { app: 'f' } } }, { namespace });
  await becomes('e', []);
  await client.patch(TYPES.services, 'e', 'merge', { spec: { selector: { app: 'f' } } }, { namespace });
  await becomes('e', ['192.0.2.41 true/true/false']);
  await client.delete(TYPES.services, 'e', { namespace });
  await until(
    'the end of the slices',
    () => slicesOf('e'),
    (slices) => slices.length === 0,
  );
});

test('a Service without selector: its Endpoints are mirrored, its slices are left alone', async () => {
  await service('g', { ports: [{ name: 'web', port: 80 }] });
  await client.create(
    TYPES.endpoints,
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'g' },
      subsets: [
        {
          addresses: [{ ip: '192.0.2.51' }],
          notReadyAddresses: [{ ip: '192.0.2.52' }],
          ports: [{ name: 'web', port: 9000 }],
        },
      ],
    },
    { namespace },
  );
  const slices = await until(
    'the mirror',
    () => slicesOf('g'),
    (found) => at(found[0], 'endpoints')?.length === 2,
  );
  assert.equal(
    slices[0]?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'],
    'endpointslicemirroring-controller.k8s.io',
  );
  const addresses = (at(slices[0], 'endpoints') as readonly object[]).map((each) => [
    at(each, 'addresses', 0),
    at(each, 'conditions', 'ready'),
  ]);
  assert.deepEqual(addresses.toSorted(), [
    ['192.0.2.51', true],
    ['192.0.2.52', false],
  ]);
  await client.delete(TYPES.endpoints, 'g', { namespace });
  await until(
    'the end of the mirror',
    () => slicesOf('g'),
    (found) => found.length === 0,
  );
});

test('pods are selected by node and by phase', async () => {
  await pod('h1', 'h', '192.0.2.61', true);
  const select = async (fieldSelector: string): Promise<readonly string[]> =>
    (await client.list(TYPES.pods, { namespace, labelSelector: 'app=h', fieldSelector })).items.map(
      ({ metadata }) => metadata.name,
    );
  assert.deepEqual(await select(`spec.nodeName=${node}`), ['h1']);
  assert.deepEqual(await select('spec.nodeName='), []);
  assert.deepEqual(await select('status.phase=Running,status.podIP=192.0.2.61'), ['h1']);
  assert.deepEqual(await select('status.phase!=Running'), []);
});

test('a pod on a node has time to end; one without goes at once', async () => {
  await pod('i1', 'i', '192.0.2.71', true);
  await client.delete(TYPES.pods, 'i1', { namespace, gracePeriodSeconds: 30 });
  const ending = await find(TYPES.pods, 'i1', namespace);
  assert.equal(ending?.metadata.deletionGracePeriodSeconds, 30);
  await client.delete(TYPES.pods, 'i1', { namespace, gracePeriodSeconds: 0 });
  await untilGone(TYPES.pods, 'i1', namespace);
  await client.create(
    TYPES.pods,
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'i2' }, spec: at(podTemplate({}), 'spec') },
    { namespace },
  );
  await client.delete(TYPES.pods, 'i2', { namespace });
  assert.equal(await find(TYPES.pods, 'i2', namespace), undefined);
});
