import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MeshCluster } from './testing/mesh.ts';

/** Every protocol that a Service's port can have, between two meshed workloads. */
const cluster = new MeshCluster();
after(() => cluster.end());

const CLIENT = 'shop/client';
const PORTS = `[
  {name: web, port: 80, targetPort: 8080},
  {name: h2, port: 81, targetPort: 8081, appProtocol: kubernetes.io/h2c},
  {name: grpc-echo, port: 82, targetPort: 8082},
  {name: bytes, port: 90, targetPort: 9000, appProtocol: tcp},
  {name: tcp-other, port: 91, targetPort: 9001},
  {name: greeting, port: 92, targetPort: 9002, appProtocol: tcp-server-first},
  {name: tcp-server-first-too, port: 93, targetPort: 9003},
  {name: mysql, port: 94, targetPort: 9004},
  {name: https, port: 443, targetPort: 8443},
  {name: tls, port: 444, targetPort: 8444, appProtocol: tls}]`;
const SERVE =
  'http:8080,h2c:8081,grpc:8082,tcp:9000,tcp:9001,tcp-server-first:9002,tcp-server-first:9003,tcp-server-first:9004,https:8443,tls:8444,http:8090';
const URL = 'http://server.store';

before(async () => {
  await cluster.start(['shop', 'store']);
  await cluster.tlsSecret('server-tls', 'store', 'server.store');
  await cluster.apply(`
apiVersion: v1
kind: Service
metadata: {name: second, namespace: store}
spec: {selector: {app: server}, ports: [{port: 80, targetPort: 8090}]}
---
apiVersion: v1
kind: Service
metadata: {name: nodes, namespace: store}
spec: {selector: {app: nodes}, clusterIP: None, ports: [{name: http, port: 8080}, {name: tcp, port: 9000}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: nodes, namespace: store}
spec:
  serviceName: nodes
  replicas: 2
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: nodes}}
  template:
    metadata: {labels: {app: nodes}}
    spec:
      terminationGracePeriodSeconds: 3
      containers:
      - name: app
        image: test-app
        env:
        - {name: SERVE, value: "http:8080,tcp:9000"}
`);
  await cluster.run(
    { name: 'client', namespace: 'shop' },
    {
      name: 'server',
      namespace: 'store',
      serve: SERVE,
      ports: PORTS,
      pod: 'volumes: [{name: tls, secret: {secretName: server-tls}}]',
      container: 'volumeMounts: [{name: tls, mountPath: /etc/tls}]',
    },
  );
  await cluster.ok('rollout', 'status', 'sts/nodes', '-n', 'store', '--timeout=50s');
  await cluster.status(CLIENT, `${URL}/`, 200);
});

test('HTTP/1.1 arrives as such, from a client of the mesh', async () => {
  const { body = '' } = await cluster.get(CLIENT, `${URL}/path?a=1`);
  const seen = JSON.parse(body);
  assert.deepEqual([seen.name, seen.port, seen.path, seen.version], ['server', 8080, '/path?a=1', '1.1']);
});

test('HTTP/2 without TLS stays HTTP/2', async () => {
  const { status, body = '' } = await cluster.call(CLIENT, { call: 'h2c', url: `${URL}:81/` });
  assert.equal(status, 200);
  assert.equal(JSON.parse(body).version, '2.0');
});

test('gRPC: calls, and a stream in both directions', async () => {
  const words = ['a', 'b', 'c'];
  const expected = words.map((word) => `server: ${word}`);
  for (const stream of [false, true]) {
    const { answers, error } = await cluster.call(CLIENT, { call: 'grpc', target: 'server.store:82', words, stream });
    assert.deepEqual(answers, expected, error);
  }
});

test('WebSocket', async () => {
  const { answers, error } = await cluster.call(CLIENT, {
    call: 'websocket',
    url: 'ws://server.store/',
    words: ['x', 'y'],
  });
  assert.deepEqual(answers, ['server: x', 'server: y'], error);
});

for (const [how, port] of [
  ['appProtocol', 90],
  ['the name of the port', 91],
] as const) {
  test(`TCP by ${how}`, async () => {
    const { body, error } = await cluster.call(CLIENT, { call: 'tcp', host: 'server.store', port, say: 'hi' });
    assert.equal(body, 'server: hi', error);
  });
}

for (const [how, port] of [
  ['appProtocol', 92],
  ['the name of the port', 93],
  ['what mysql is known for', 94],
] as const) {
  test(`TCP in which the server speaks first, by ${how}: without a wait`, async () => {
    const began = performance.now();
    const { body, error } = await cluster.call(CLIENT, { call: 'tcp', host: 'server.store', port });
    assert.equal(body, 'welcome to server\n', error);
    assert.ok(performance.now() - began < 3000, 'the greeting waited for the client to speak');
  });
}

test('TLS of the application itself passes through as bytes', async () => {
  const { status, body = '{}', error } = await cluster.get(CLIENT, 'https://server.store/');
  assert.equal(status, 200, error);
  assert.equal(JSON.parse(body).encrypted, true);
  const raw = await cluster.call(CLIENT, {
    call: 'tcp',
    host: 'server.store',
    port: 444,
    tls: 'server.store',
    say: 'hi',
  });
  assert.equal(raw.body, 'server: hi', raw.error);
});

test('a second service of the same pod', async () => {
  const { body = '{}' } = await cluster.status(CLIENT, 'http://second.store/', 200);
  assert.equal(JSON.parse(body).port, 8090);
});

test('headless: the service by its name, its pods by theirs', async () => {
  await cluster.status(CLIENT, 'http://nodes.store:8080/', 200);
  for (const pod of ['nodes-0', 'nodes-1']) {
    const { body = '{}' } = await cluster.status(CLIENT, `http://${pod}.nodes.store:8080/`, 200);
    assert.equal(JSON.parse(body).name, pod);
    const tcp = await cluster.call(CLIENT, { call: 'tcp', host: `${pod}.nodes.store`, port: 9000, say: 'hi' });
    assert.equal(tcp.body, `${pod}: hi`, tcp.error);
  }
});

test('a pod of a StatefulSet calls its sibling, and itself', async () => {
  for (const pod of ['nodes-0', 'nodes-1']) {
    const { body = '{}' } = await cluster.status('store/pod/nodes-0', `http://${pod}.nodes.store:8080/`, 200);
    assert.equal(JSON.parse(body).name, pod);
  }
});

test('PodIP mode: applications that listen on the address of their pod only', async () => {
  await cluster.config({ sidecar: { localProxyMode: 'PodIP' } });
  await cluster.run({
    name: 'bound',
    namespace: 'store',
    serve: 'http:8080@pod,tcp:9000@pod',
    ports: '[{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 90, targetPort: 9000}]',
  });
  await cluster.status(CLIENT, 'http://bound.store/', 200);
  const tcp = await cluster.call(CLIENT, { call: 'tcp', host: 'bound.store', port: 90, say: 'hi' });
  assert.equal(tcp.body, 'bound: hi', tcp.error);
  // Its own calls, to others and to itself by its service.
  await cluster.status('store/bound', `${URL}/`, 200);
  await cluster.status('store/bound', 'http://bound.store/', 200);
});
