import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  ApiError,
  createInformer,
  createKubeClient,
  createLeaseElection,
  type KubeClient,
  type KubeObject,
  TYPES,
} from '@osm/kube';
import { Bench } from '../api/testing/bench.ts';

// The client of the kube package and the API of this one, each tested apart against its documentation, meet here.
const bench = new Bench();
await bench.start();
const trusted = { caPem: bench.authority.certPem };
const clients: KubeClient[] = [];
const connect = (config: Parameters<typeof createKubeClient>[0]): KubeClient => {
  const client = createKubeClient(config);
  clients.push(client);
  return client;
};
const client = connect({ server: bench.url, ...trusted, ...bench.admin });
after(async () => {
  for (const made of clients) made.close();
  await bench.remove();
});

const NAMESPACE = { namespace: 'default' };
const configMap = (name: string, data: object = {}) => ({ metadata: { name }, data });
const reason = (wanted: string) => (error: unknown) => error instanceof ApiError && error.reason === wanted;
/** Resolves when it holds; the test's own time limit ends what never does. */
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
};

test('every verb is understood, over TCP and the unix socket', { timeout: 20_000 }, async () => {
  const socketPath = join(bench.directory, 'api.sock');
  for (const one of [client, connect({ socketPath, ...trusted, ...bench.admin, serverName: 'kubernetes' })]) {
    const made = await one.create(TYPES.configMaps, configMap('a', { x: '1' }), NAMESPACE);
    assert.equal((await one.get(TYPES.configMaps, 'a', NAMESPACE)).metadata.uid, made.metadata.uid);
    const updated = await one.update(TYPES.configMaps, { ...made, data: { x: '2' } });
    await assert.rejects(one.update(TYPES.configMaps, made), reason('Conflict'));
    assert.equal((await one.patch(TYPES.configMaps, 'a', 'merge', { data: { y: '3' } }, NAMESPACE)).kind, 'ConfigMap');
    await one.patch(TYPES.configMaps, 'a', 'strategic', { data: { z: '4' } }, NAMESPACE);
    await one.patch(TYPES.configMaps, 'a', 'json', [{ op: 'remove', path: '/data/x' }], NAMESPACE);
    const applied = await one.patch(
      TYPES.configMaps,
      'a',
      'apply',
      { apiVersion: 'v1', kind: 'ConfigMap', ...configMap('a', { w: '5' }) },
      { ...NAMESPACE, fieldManager: 'test', force: true },
    );
    assert.deepEqual(applied.data, { y: '3', z: '4', w: '5' });
    assert.equal(updated.metadata.uid, applied.metadata.uid);
    await assert.rejects(one.create(TYPES.configMaps, configMap('a'), NAMESPACE), reason('AlreadyExists'));
    await assert.rejects(
      one.delete(TYPES.configMaps, 'a', { ...NAMESPACE, preconditions: { uid: 'other' } }),
      reason('Conflict'),
    );
    await one.delete(TYPES.configMaps, 'a', { ...NAMESPACE, propagationPolicy: 'Background' });
    await assert.rejects(one.get(TYPES.configMaps, 'a', NAMESPACE), reason('NotFound'));
    await one.create(TYPES.configMaps, { metadata: { name: 'b', labels: { gone: 'soon' } } }, NAMESPACE);
    await one.deleteCollection(TYPES.configMaps, { ...NAMESPACE, labelSelector: 'gone=soon' });
    await assert.rejects(one.get(TYPES.configMaps, 'b', NAMESPACE), reason('NotFound'));
    assert.equal(((await one.raw('GET', '/version')) as { major: string }).major, '1');
    assert.equal(await one.raw('GET', '/readyz'), 'ok');
  }
});

test('an informer pages through what is there and follows what happens', { timeout: 30_000 }, async () => {
  await Promise.all(
    Array.from({ length: 60 }, (_, i) => client.create(TYPES.configMaps, configMap(`p${i}`), NAMESPACE)),
  );
  const errors: unknown[] = [];
  const options = { ...NAMESPACE, fieldSelector: 'metadata.name!=p0', pageSize: 20 };
  const informer = createInformer(client, TYPES.configMaps, { ...options, onError: (error) => errors.push(error) });
  const log: string[] = [];
  await informer.synced;
  const names = [...informer.objects.values()]
    .map(({ metadata }) => metadata.name)
    .filter((name) => /^p\d+$/.test(name));
  assert.equal(names.length, 59);
  assert.ok(
    [...informer.objects.values()].every(({ kind, apiVersion }) => kind === 'ConfigMap' && apiVersion === 'v1'),
  );
  let telling = false;
  informer.subscribe(({ type, object }) => {
    if (telling) log.push(`${type} ${object.metadata.name}`);
  });
  telling = true;
  await client.create(TYPES.configMaps, configMap('q'), NAMESPACE);
  await client.patch(TYPES.configMaps, 'p0', 'merge', { data: { unseen: 'x' } }, NAMESPACE);
  await client.patch(TYPES.configMaps, 'q', 'merge', { data: { x: '1' } }, NAMESPACE);
  await client.delete(TYPES.configMaps, 'q', NAMESPACE);
  await until(() => log.length === 3);
  assert.deepEqual(log, ['added q', 'updated q', 'deleted q']);
  assert.deepEqual(errors, []);
  informer.stop();
});

test('a watch from a version the server does not have is Expired', { timeout: 20_000 }, async () => {
  const watch = client.watch(TYPES.configMaps, { resourceVersion: '999999999' });
  await assert.rejects(async () => {
    for await (const _ of watch) assert.fail('an event');
  }, reason('Expired'));
});

test('a service account token is a credential, with the rights of its account', { timeout: 20_000 }, async () => {
  await client.create(TYPES.serviceAccounts, { metadata: { name: 'robot' } }, NAMESPACE);
  const answer = await client.create<KubeObject & { status: { token: string } }>(
    TYPES.serviceAccounts,
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } },
    { ...NAMESPACE, name: 'robot', subresource: 'token' },
  );
  const robot = connect({ server: bench.url, ...trusted, token: answer.status.token });
  await assert.rejects(robot.list(TYPES.secrets), reason('Forbidden'));
  const forged = connect({ server: bench.url, ...trusted, token: 'forged' });
  await assert.rejects(forged.list(TYPES.secrets), reason('Unauthorized'));
});

test('one of two candidates holds the lease and hands it over', { timeout: 30_000 }, async () => {
  const errors: unknown[] = [];
  const elect = (identity: string) =>
    createLeaseElection(client, {
      namespace: 'default',
      name: 'office',
      identity,
      durationSeconds: 3,
      lead: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      onError: (error) => errors.push(error),
    });
  const first = elect('first');
  await until(() => first.leading);
  const second = elect('second');
  await first.stop();
  await until(() => second.leading);
  const lease = await client.get(TYPES.leases, 'office', NAMESPACE);
  assert.equal((lease.spec as { holderIdentity?: string }).holderIdentity, 'second');
  await second.stop();
  assert.deepEqual(errors, []);
});

test('an informer survives a restart of the API server and finds what it has missed', { timeout: 30_000 }, async () => {
  const socketPath = join(bench.directory, 'api.sock');
  const local = connect({ socketPath, ...trusted, ...bench.admin });
  await local.create(TYPES.configMaps, configMap('kept'), NAMESPACE);
  await local.create(TYPES.configMaps, configMap('dropped'), NAMESPACE);
  const errors: unknown[] = [];
  const informer = createInformer(local, TYPES.configMaps, {
    ...NAMESPACE,
    backoff: { baseMs: 10, capMs: 100 },
    onError: (error) => errors.push(error),
  });
  await informer.synced;
  const log: string[] = [];
  const before = informer.objects.size;
  informer.subscribe(({ type, object }) => log.push(`${type} ${object.metadata.name}`));
  log.length = 0;
  await bench.stop();
  await until(() => errors.length > 2);
  await bench.start();
  await local.delete(TYPES.configMaps, 'dropped', NAMESPACE);
  await local.create(TYPES.configMaps, configMap('made'), NAMESPACE);
  await until(() => log.length === 2);
  assert.deepEqual([...log].sort(), ['added made', 'deleted dropped']);
  assert.equal(informer.objects.size, before);
  assert.ok(errors.every((error) => error instanceof ApiError && (error.code === 0 || error.code === 410)));
  informer.stop();
});
