import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type KubeObject, type OwnerReference, TYPES } from '@osm/kube';
import { defineThings, thing } from './testing/definitions.ts';
import { at, find, refused, until, untilGone } from './testing/expect.ts';
import { configMap, deployment } from './testing/objects.ts';
import { client, ownNamespace, uniqueName } from './testing/server.ts';

/** What goes with what: owners, finalizers of deletion, namespaces; and the controllers that make owned objects. */
const namespace = ownNamespace('garbage');
before(() => until('the default account', () => find(TYPES.serviceAccounts, 'default', namespace), Boolean));

const make = (name: string, owners: readonly object[] = [], fields: object = {}): Promise<KubeObject> =>
  client.create(
    TYPES.configMaps,
    { ...configMap(name), metadata: { name, ownerReferences: owners, ...fields } },
    { namespace },
  );
const owner = ({ apiVersion, kind, metadata }: KubeObject, more: object = {}): object => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid ?? '',
  ...more,
});
const stored = (name: string): Promise<KubeObject | undefined> => find(TYPES.configMaps, name, namespace);
const ownersOf = (object: KubeObject | undefined): readonly string[] =>
  (object?.metadata.ownerReferences ?? []).map(({ name }: OwnerReference) => name);

test('what was owned goes after its owner, over several steps', async () => {
  const top = await make('top');
  const middle = await make('middle', [owner(top)]);
  await make('bottom', [owner(middle)]);
  await make('beside');
  await client.delete(TYPES.configMaps, 'top', { namespace, propagationPolicy: 'Background' });
  assert.equal(await stored('top'), undefined);
  for (const name of ['middle', 'bottom']) await untilGone(TYPES.configMaps, name, namespace);
  assert.ok(await stored('beside'));
});

test('in the foreground the owner stays until what blocks it is gone', async () => {
  const top = await make('front');
  await make('held', [owner(top, { blockOwnerDeletion: true })], { finalizers: ['example.com/hold'] });
  await client.delete(TYPES.configMaps, 'front', { namespace, propagationPolicy: 'Foreground' });
  const waiting = await stored('front');
  assert.deepEqual(waiting?.metadata.finalizers, ['foregroundDeletion']);
  assert.ok(waiting.metadata.deletionTimestamp);
  await until(
    'the dependent to be deleted',
    () => stored('held'),
    (found) => found?.metadata.deletionTimestamp !== undefined,
  );
  assert.ok(await stored('front'));
  await client.patch(TYPES.configMaps, 'held', 'merge', { metadata: { finalizers: null } }, { namespace });
  await untilGone(TYPES.configMaps, 'front', namespace);
});

test('orphans stay, and belong to nobody', async () => {
  const top = await make('leaves');
  await make('orphan', [owner(top)]);
  await client.delete(TYPES.configMaps, 'leaves', { namespace, propagationPolicy: 'Orphan' });
  await untilGone(TYPES.configMaps, 'leaves', namespace);
  assert.deepEqual(ownersOf(await stored('orphan')), []);
});

test('of two owners the last one counts', async () => {
  const [one, two] = [await make('one'), await make('two')];
  await make('shared', [owner(one), owner(two)]);
  await client.delete(TYPES.configMaps, 'one', { namespace, propagationPolicy: 'Background' });
  await until(
    'one owner',
    () => stored('shared'),
    (found) => ownersOf(found).join() === 'two',
  );
  await client.delete(TYPES.configMaps, 'two', { namespace, propagationPolicy: 'Background' });
  await untilGone(TYPES.configMaps, 'shared', namespace);
});

test('an owner that is not there is none: by its uid, and in its namespace', async () => {
  const real = await make('real');
  await make('wrong-uid', [{ ...owner(real), uid: '00000000-0000-4000-8000-000000000000' }]);
  await untilGone(TYPES.configMaps, 'wrong-uid', namespace);
  assert.ok(await stored('real'));
});

test('custom resources own, and are owned', async () => {
  const type = await defineThings('garbage');
  const top = await client.create(type, thing(type, 'owner'), { namespace });
  await make('of-custom', [owner(top)]);
  const below = thing(type, 'below');
  await client.create(type, { ...below, metadata: { name: 'below', ownerReferences: [owner(top)] } }, { namespace });
  await client.delete(type, 'owner', { namespace, propagationPolicy: 'Background' });
  await untilGone(TYPES.configMaps, 'of-custom', namespace);
  await untilGone(type, 'below', namespace);
});

test('a Deployment makes a ReplicaSet, and that pods; all go with it', async () => {
  const labelSelector = 'app=deployed';
  await client.create(TYPES.deployments, deployment('deployed', 2), { namespace });
  const pods = await until(
    'two pods',
    async () => (await client.list(TYPES.pods, { namespace, labelSelector })).items,
    (items) => items.length === 2,
  );
  const [set] = (await client.list(TYPES.replicaSets, { namespace, labelSelector })).items;
  const hash = set?.metadata.labels?.['pod-template-hash'] ?? '';
  assert.equal(set?.metadata.name, `deployed-${hash}`);
  assert.equal(at(set?.metadata.ownerReferences, 0, 'kind'), 'Deployment');
  for (const { metadata } of pods) {
    assert.match(metadata.name, new RegExp(`^deployed-${hash}-.{5}$`));
    assert.equal(metadata.generateName, `deployed-${hash}-`);
    assert.equal(metadata.labels?.['pod-template-hash'], hash);
    const [reference] = metadata.ownerReferences ?? [];
    assert.equal(
      `${reference?.kind} ${reference?.name} ${reference?.controller}`,
      `ReplicaSet ${set?.metadata.name} true`,
    );
  }
  await until(
    'the status',
    () => client.get(TYPES.deployments, 'deployed', { namespace }),
    ({ metadata, status }) => at(status, 'observedGeneration') === metadata.generation && at(status, 'replicas') === 2,
  );
  await client.delete(TYPES.deployments, 'deployed', { namespace });
  await until(
    'the end of all',
    async () =>
      (
        await Promise.all(
          [TYPES.replicaSets, TYPES.pods].map((type) => client.list(type, { namespace, labelSelector })),
        )
      ).flatMap(({ items }) => items),
    (items) => items.length === 0,
  );
});

test('every namespace has a default account, and the authority of the API server', async () => {
  const ca = await until('the authority', () => find(TYPES.configMaps, 'kube-root-ca.crt', namespace), Boolean);
  assert.match(at(ca, 'data', 'ca.crt'), /^-----BEGIN CERTIFICATE-----/);
  await client.delete(TYPES.serviceAccounts, 'default', { namespace });
  await until('a new one', () => find(TYPES.serviceAccounts, 'default', namespace), Boolean);
});

test('a namespace goes with all that is in it, and takes nothing new', async () => {
  const name = uniqueName('contract-ends');
  await client.create(TYPES.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const held = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'held', finalizers: ['example.com/hold'] } };
  await client.create(TYPES.configMaps, held, { namespace: name });
  await client.create(TYPES.configMaps, configMap('plain'), { namespace: name });
  await client.delete(TYPES.namespaces, name);
  const ending = await client.get(TYPES.namespaces, name);
  assert.equal(at(ending, 'status', 'phase'), 'Terminating');
  assert.deepEqual(at(ending, 'spec', 'finalizers'), ['kubernetes']);
  const error = await refused(
    client.create(TYPES.configMaps, configMap('late'), { namespace: name }),
    403,
    'Forbidden',
  );
  assert.equal(at(error.body, 'details', 'causes', 0, 'reason'), 'NamespaceTerminating');
  await untilGone(TYPES.configMaps, 'plain', name);
  await client.patch(TYPES.configMaps, 'held', 'merge', { metadata: { finalizers: null } }, { namespace: name });
  await untilGone(TYPES.namespaces, name);
});
