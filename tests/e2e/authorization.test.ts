import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, succeeded } from './testing/cluster.ts';
import { MeshCluster } from './testing/mesh.ts';

/** An authorization service outside the mesh, asked by the proxies of everybody, of a namespace, of a workload. */
const cluster = new MeshCluster();
after(() => cluster.end());

const CLIENT = 'shop/client';
const HTTP = '[{name: http, port: 80, targetPort: 8080}]';
const ADDRESS = 'authorizer.tools.svc.cluster.local';
const [STORE, FREE] = ['http://web.store/', 'http://web.free/'];
const TOKEN = { 'x-token': 'good' };

const AUTHORIZER = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: authorizer, namespace: tools}
spec:
  selector: {matchLabels: {app: authorizer}}
  template:
    metadata: {labels: {app: authorizer}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: authorizer
        image: authorizer
        readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: authorizer, namespace: tools}
spec: {selector: {app: authorizer}, ports: [{name: grpc, port: 9191}, {name: http, port: 8000}]}
`;

const annotate = (...what: readonly string[]) =>
  cluster.ok(
    'annotate',
    '--overwrite',
    'namespace',
    ...what.slice(0, 1),
    `openservicemesh.io/external-authorization${what[1]}`,
  );
const byDefault = (authorization: object) =>
  cluster.config({ traffic: { inboundExternalAuthorization: authorization } });
const headersSeen = (body = '{}') => (JSON.parse(body) as { headers: Record<string, string> }).headers;

before(async () => {
  await cluster.start(['shop', 'store', 'free'], ['tools'], 'osm.enablePermissiveTrafficPolicy=true');
  const node = `/opt/osm/node_modules/node-linux-${process.arch}/bin/node`;
  const mounts = ['node_modules', 'packages/envoy', 'tests/e2e/testing/authorizer'].flatMap((path) => [
    '--mount',
    `${join(ROOT, path)}:/opt/osm/${path}`,
  ]);
  const program = [node, '--disable-warning=ExperimentalWarning', '/opt/osm/tests/e2e/testing/authorizer/main.ts'];
  succeeded(
    await cluster.osm(['local', 'image', 'add', 'authorizer', ...mounts, '--', ...program]),
    'osm local image add',
  );
  await cluster.apply(AUTHORIZER);
  await cluster.run(
    { name: 'client', namespace: 'shop' },
    { name: 'web', namespace: 'store', serve: 'http:8080', ports: HTTP },
    { name: 'web', namespace: 'free', serve: 'http:8080', ports: HTTP },
  );
  await cluster.ok('rollout', 'status', 'deploy/authorizer', '-n', 'tools', '--timeout=50s');
  await cluster.status(CLIENT, STORE, 200);
});

test('the mesh asks about every request, and tells the service who calls', async () => {
  await byDefault({ enable: true, address: ADDRESS, port: 9191, timeout: '2s' });
  const denied = await cluster.status(CLIENT, STORE, 401);
  assert.equal(denied.body, 'a token is needed');
  // A connection from before the change may carry one more request as it was, and is closed with its answer (ADR 040).
  await cluster.eventually(
    CLIENT,
    { call: 'http', url: STORE, headers: TOKEN },
    ({ status, body }) => status === 200 && headersSeen(body)['x-authorized'] === 'spiffe://cluster.local/client/shop',
    'the service is told who calls',
  );
});

test('a namespace asks nobody, or a service of its own over HTTP', async () => {
  await annotate('free', '=disabled');
  await cluster.status(CLIENT, FREE, 200);
  await cluster.config({
    traffic: {
      externalAuthorizers: [
        {
          name: 'sessions',
          address: ADDRESS,
          port: 8000,
          protocol: 'http',
          timeout: '2s',
          http: { requestHeaders: ['x-token'], upstreamHeaders: ['x-session'] },
        },
      ],
    },
  });
  await annotate('store', '=sessions');
  await cluster.status(CLIENT, STORE, 407);
  const allowed = await cluster.status(CLIENT, STORE, 200, TOKEN);
  assert.equal(headersSeen(allowed.body)['x-session'], 'of-token');
});

test('a pod asks a service of its own, and cannot turn off what its namespace asks', async () => {
  const patch = (name: string | null) =>
    cluster.ok(
      'patch',
      'deploy/web',
      '-n',
      'store',
      '--type=merge',
      '-p',
      JSON.stringify({
        spec: { template: { metadata: { annotations: { 'openservicemesh.io/external-authorization': name } } } },
      }),
    );
  await patch('disabled');
  await cluster.ok('rollout', 'status', 'deploy/web', '-n', 'store', '--timeout=50s');
  await cluster.status(CLIENT, STORE, 407);
  await annotate('store', '-');
  await patch('sessions');
  await cluster.ok('rollout', 'status', 'deploy/web', '-n', 'store', '--timeout=50s');
  await cluster.status(CLIENT, STORE, 407);
  await patch(null);
  await cluster.ok('rollout', 'status', 'deploy/web', '-n', 'store', '--timeout=50s');
  await cluster.status(CLIENT, STORE, 401);
});

test('a name that nobody knows denies everything, and an address that is missing is refused', async () => {
  await annotate('store', '=unknown');
  await cluster.status(CLIENT, STORE, 403, TOKEN);
  await annotate('store', '-');
  await cluster.status(CLIENT, STORE, 200, TOKEN);
  await assert.rejects(byDefault({ address: null }), /inboundExternalAuthorization\.address is missing/);
});

test('while the service is away requests are denied, or pass where that was asked for', async () => {
  await cluster.ok('scale', 'deploy/authorizer', '-n', 'tools', '--replicas=0');
  await cluster.status(CLIENT, STORE, 403, TOKEN);
  await byDefault({ failureModeAllow: true });
  await cluster.status(CLIENT, STORE, 200);
});
