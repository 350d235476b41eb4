import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench } from './testing/bench.ts';

let bench: Bench;

before(async () => {
  bench = await new Bench().start();
  await post('/api/v1/namespaces/default/serviceaccounts', {
    metadata: { name: 'default' },
    imagePullSecrets: [{ name: 'pull' }],
  });
});

after(() => bench.remove());

const PODS = '/api/v1/namespaces/default/pods';
const post = (path: string, body: object) => bench.ask(path, { method: 'POST', body });
const merge = (path: string, body: object) =>
  bench.ask(path, { method: 'PATCH', body, headers: { 'content-type': 'application/merge-patch+json' } });
const pod = (name: string, spec: object = {}, metadata: object = {}) =>
  post(PODS, { metadata: { name, ...metadata }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } });

test('a pod gets its service account, token, pull secrets, priority and tolerations', async () => {
  const { json, status } = await pod('plain', { initContainers: [{ name: 'i', image: 'i' }] });
  assert.equal(status, 201);
  const { spec } = json;
  assert.equal(spec.serviceAccountName, 'default');
  const volume = spec.volumes.find(({ name }: { name: string }) => name.startsWith('kube-api-access-'));
  const sources = volume.projected.sources.map((source: object) => Object.keys(source)[0]);
  assert.deepEqual(sources, ['serviceAccountToken', 'configMap', 'downwardAPI']);
  for (const container of [...spec.containers, ...spec.initContainers])
    assert.deepEqual(
      container.volumeMounts.map(({ name, mountPath, readOnly }: Record<string, unknown>) => [
        name,
        mountPath,
        readOnly,
      ]),
      [[volume.name, '/var/run/secrets/kubernetes.io/serviceaccount', true]],
    );
  assert.deepEqual(spec.imagePullSecrets, [{ name: 'pull' }]);
  assert.deepEqual([spec.priority, spec.preemptionPolicy], [0, 'PreemptLowerPriority']);
  assert.equal(spec.tolerations.length, 2);
  assert.deepEqual([json.status.phase, json.status.qosClass], ['Pending', 'BestEffort']);
});

test('automount can be refused by pod or account, and a mount of ones own stays', async () => {
  assert.equal((await pod('unmounted', { automountServiceAccountToken: false })).json.spec.volumes, undefined);
  await post('/api/v1/namespaces/default/serviceaccounts', {
    metadata: { name: 'bare' },
    automountServiceAccountToken: false,
  });
  assert.equal((await pod('bare', { serviceAccountName: 'bare' })).json.spec.volumes, undefined);
  const mount = { name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
  const own = await pod('own', {
    containers: [{ name: 'c', image: 'i', volumeMounts: [mount] }],
    volumes: [{ name: 'own', emptyDir: {} }],
  });
  assert.equal(own.json.spec.containers[0].volumeMounts.length, 1);
});

test('a pod of an unknown account, class or namespace is refused', async () => {
  const account = await pod('a', { serviceAccountName: 'nobody' });
  assert.deepEqual([account.status, account.json.reason], [403, 'Forbidden']);
  assert.match(
    account.json.message,
    /error looking up service account default\/nobody: serviceaccount "nobody" not found/,
  );
  assert.match(
    (await pod('b', { priorityClassName: 'none' })).json.message,
    /no PriorityClass with name none was found/,
  );
  const critical = await pod('c', { priorityClassName: 'system-cluster-critical' });
  assert.equal(critical.json.spec.priority, 2_000_000_000);
  assert.equal((await post('/api/v1/namespaces/none/pods', { metadata: { name: 'x' } })).status, 404);
});

test('a pod on a node is given its grace period; one that is on none goes at once', async () => {
  await pod('unbound');
  assert.equal((await bench.ask(`${PODS}/unbound`, { method: 'DELETE' })).json.status, 'Success');
  await pod('bound', { terminationGracePeriodSeconds: 20 });
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'bound' },
    target: { kind: 'Node', name: 'node-1' },
  };
  assert.equal((await post(`${PODS}/bound/binding`, binding)).status, 201);
  assert.equal((await post(`${PODS}/bound/binding`, binding)).status, 409);
  const scheduled = (await bench.ask(`${PODS}/bound`)).json;
  assert.equal(scheduled.spec.nodeName, 'node-1');
  assert.equal(scheduled.status.conditions[0].type, 'PodScheduled');
  const { json } = await bench.ask(`${PODS}/bound`, { method: 'DELETE' });
  assert.equal(json.metadata.deletionGracePeriodSeconds, 20);
  const remaining = Date.parse(json.metadata.deletionTimestamp) - Date.now();
  assert.ok(remaining > 15_000 && remaining <= 20_000, `${remaining} ms`);
  const shorter = (await bench.ask(`${PODS}/bound`, { method: 'DELETE', body: { gracePeriodSeconds: 5 } })).json;
  assert.equal(shorter.metadata.deletionGracePeriodSeconds, 5);
  const longer = (await bench.ask(`${PODS}/bound`, { method: 'DELETE', body: { gracePeriodSeconds: 50 } })).json;
  assert.equal(longer.metadata.deletionGracePeriodSeconds, 5);
  // The kubelet's own delete, once the processes have ended.
  assert.equal(
    (await bench.ask(`${PODS}/bound`, { method: 'DELETE', body: { gracePeriodSeconds: 0 } })).json.status,
    'Success',
  );
  assert.equal((await bench.ask(`${PODS}/bound`)).status, 404);
});

test('pods are selected by node and phase', async () => {
  await pod('here', { nodeName: 'node-7' });
  const names = async (selector: string) =>
    (await bench.ask(`${PODS}?fieldSelector=${encodeURIComponent(selector)}`)).json.items.map(
      (item: { metadata: { name: string } }) => item.metadata.name,
    );
  assert.deepEqual(await names('spec.nodeName=node-7'), ['here']);
  assert.deepEqual(await names('spec.nodeName=node-7,status.phase!=Pending'), []);
  assert.equal((await bench.ask(`${PODS}?fieldSelector=spec.image%3Dx`)).status, 400);
});

test('an eviction spends the budget and stops when it is spent', async () => {
  const labels = { app: 'guarded' };
  await pod('guarded-1', {}, { labels });
  await pod('guarded-2', {}, { labels });
  const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
  await post(budgets, { metadata: { name: 'guard' }, spec: { minAvailable: 1, selector: { matchLabels: labels } } });
  const evict = (name: string) =>
    post(`${PODS}/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } });
  const refused = await evict('guarded-1');
  assert.deepEqual(
    [refused.status, refused.json.reason, refused.json.details.causes[0].reason],
    [429, 'TooManyRequests', 'DisruptionBudget'],
  );
  await merge(`${budgets}/guard/status`, {
    status: { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 },
  });
  assert.equal((await evict('guarded-1')).status, 201);
  assert.equal((await bench.ask(`${PODS}/guarded-1`)).status, 404);
  assert.equal((await evict('guarded-2')).status, 429);
  assert.ok((await bench.ask(`${budgets}/guard`)).json.status.disruptedPods['guarded-1']);
});

const SERVICES = '/api/v1/namespaces/default/services';
const service = (name: string, spec: object) =>
  post(SERVICES, { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });

test('services get an address that nobody else has', async () => {
  const one = (await service('one', {})).json.spec;
  const two = (await service('two', {})).json.spec;
  assert.match(one.clusterIP, /^198\.18\.\d+\.\d+$/);
  assert.notEqual(one.clusterIP, two.clusterIP);
  assert.deepEqual([one.clusterIPs, one.ipFamilies, one.ipFamilyPolicy], [[one.clusterIP], ['IPv4'], 'SingleStack']);
  assert.deepEqual((await service('headless', { clusterIP: 'None' })).json.spec.clusterIPs, ['None']);
  const named = await service('dns', { clusterIP: '198.18.0.10' });
  assert.equal(named.json.spec.clusterIP, '198.18.0.10');
  assert.match((await service('again', { clusterIP: '198.18.0.10' })).json.message, /already allocated/);
  assert.match((await service('outside', { clusterIP: '10.0.0.1' })).json.message, /not in the valid range/);
  assert.equal(
    (await service('external', { type: 'ExternalName', externalName: 'example.com', ports: [] })).json.spec.clusterIP,
    undefined,
  );
  const kept = await merge(`${SERVICES}/one`, { spec: { clusterIP: null, clusterIPs: null, ports: [{ port: 81 }] } });
  assert.equal(kept.json.spec.clusterIP, one.clusterIP);
});

test('node ports are given where the type wants them, kept, and given back', async () => {
  const { nodePort } = (await service('ported', { type: 'NodePort' })).json.spec.ports[0];
  assert.ok(nodePort >= 30_000 && nodePort <= 32_767);
  assert.match(
    (await service('clash', { type: 'NodePort', ports: [{ port: 80, nodePort }] })).json.message,
    /already allocated/,
  );
  assert.match(
    (await service('far', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] })).json.message,
    /not in the valid range/,
  );
  const same = await merge(`${SERVICES}/ported`, {
    spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] },
  });
  assert.equal(same.json.spec.ports[0].nodePort, nodePort);
  const plain = await merge(`${SERVICES}/ported`, { spec: { type: 'ClusterIP' } });
  assert.equal(plain.json.spec.ports[0].nodePort, undefined);
});
