import assert from 'node:assert/strict';
import { get } from 'node:http';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { TYPE_URL } from '@osm/envoy';
import { type KubeObject, TYPES } from '@osm/kube';
import { createLogger } from '../admin/log.ts';
import { openStream, readDeltaResponse, type TestRequest, type TestStream, writeDeltaRequest } from '../ads/testing.ts';
import { openAuthority } from '../identity/embedded-authority.ts';
import { MESH_TYPES } from '../ingest/types.ts';
import { adsServerName } from '../injector/envoy-bootstrap.ts';
import { LABEL } from '../surface.ts';
import { createTestCluster, type TestCluster } from '../testing-cluster.ts';
import { type ControllerOptions, startController } from './controller.ts';

const OPTIONS: ControllerOptions = {
  verbosity: 'disabled',
  meshName: 'osm',
  osmNamespace: 'osm-system',
  osmServiceAccount: 'osm-controller',
  osmVersion: 'v2',
  osmConfigName: 'osm-mesh-config',
  enableReconciler: false,
  certificateManager: 'tresor',
  caBundleSecretName: 'osm-ca-bundle',
  trustDomain: 'cluster.local',
  validatorWebhookConfig: 'osm-validator',
  validateTrafficTarget: true,
};
const UUID = '6f1f0f5e-0000-4000-8000-000000000001';

const object = (kind: string, name: string, namespace: string | undefined, rest: object, labels = {}): object => ({
  apiVersion: kind === 'IngressBackend' ? 'policy.openservicemesh.io/v1alpha1' : 'v1',
  kind,
  metadata: { name, labels, ...(namespace !== undefined && { namespace }) },
  ...rest,
});
const slice = (ip: string): object =>
  object(
    'EndpointSlice',
    'web-1',
    'shop',
    { addressType: 'IPv4', ports: [{ name: 'http', port: 80 }], endpoints: [{ addresses: [ip] }] },
    { 'kubernetes.io/service-name': 'web' },
  );
const config = (spec: object): object => object('MeshConfig', 'osm-mesh-config', 'osm-system', { spec });
const PERMISSIVE = { traffic: { enablePermissiveTrafficPolicyMode: true } };

/** A mesh of one service and one meshed pod. */
function fill(cluster: TestCluster): void {
  cluster.put(MESH_TYPES.meshConfigs, config(PERMISSIVE));
  cluster.put(TYPES.namespaces, object('Namespace', 'shop', undefined, {}, { [LABEL.monitoredBy]: 'osm' }));
  const ports = [{ name: 'http', port: 80 }];
  cluster.put(
    TYPES.services,
    object('Service', 'web', 'shop', { spec: { clusterIP: '10.96.0.1', selector: { app: 'web' }, ports } }),
  );
  cluster.put(TYPES.endpointSlices, slice('10.0.0.1'));
  cluster.put(
    TYPES.pods,
    object(
      'Pod',
      'web-1',
      'shop',
      { spec: { serviceAccountName: 'web' }, status: { phase: 'Running', podIP: '10.0.0.1' } },
      { app: 'web', [LABEL.proxyUuid]: UUID },
    ),
  );
}

async function setUp(t: TestContext) {
  const cluster = createTestCluster();
  fill(cluster);
  const started = performance.now();
  const ports = { ads: 0, health: 0, debug: 0, validator: 0 };
  const controller = await startController(OPTIONS, cluster.client, createLogger('test', 'disabled'), ports);
  const startMs = performance.now() - started;
  let open = true;
  const close = async (): Promise<void> => {
    if (open) await controller.close();
    open = false;
  };
  t.after(close);
  const issuer = await openAuthority(cluster.client, OPTIONS, 'osm-system');
  const proxy = async (serviceAccount = 'web'): Promise<TestStream> => {
    const commonName = `${UUID}.sidecar.${serviceAccount}.shop.cluster.local`;
    const identity = await issuer.issue({
      commonName,
      dnsNames: [commonName],
      validitySeconds: 600,
      usages: ['client'],
    });
    const name = adsServerName('cluster.local');
    const stream = openStream(controller.adsPort, identity, 'DeltaAggregatedResources', name);
    t.after(() => stream.close());
    return stream;
  };
  return { cluster, controller, close, startMs, issuer, proxy };
}

const ask = (stream: TestStream, request: TestRequest): void =>
  stream.send(writeDeltaRequest({ nodeId: 'n', ...request }));
/** The next response, acknowledged. */
async function take(stream: TestStream) {
  const response = readDeltaResponse(await stream.receive());
  ask(stream, { typeUrl: response.typeUrl, nonce: response.nonce });
  return response;
}

function fetchStatus(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
}

/** Waits until something holds; the test's own time limit ends the wait. */
async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a controller starts, and serves what is asked of it', { timeout: 30_000 }, async (t) => {
  const { controller, cluster, issuer, startMs } = await setUp(t);
  t.diagnostic(`ready after ${startMs.toFixed(0)} ms`);
  assert.equal(await fetchStatus(controller.healthPort, '/health/ready'), 200);
  assert.equal(await fetchStatus(controller.healthPort, '/health/alive'), 200);
  assert.equal(await fetchStatus(controller.healthPort, '/metrics'), 200);
  const registered = cluster.read(TYPES.validatingWebhooks, 'osm-validator') as unknown as {
    webhooks: readonly { clientConfig: { caBundle: string } }[];
  };
  const bundle = Buffer.from(registered.webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString();
  assert.equal(bundle, issuer.trustBundle());
  await new Promise<void>((resolve, reject) => {
    const servername = 'osm-validator.osm-system.svc';
    const socket = connect({ host: '127.0.0.1', port: controller.validatorPort, ca: bundle, servername }, () => {
      socket.end();
      resolve();
    });
    socket.on('error', reject);
  });
});

test('a proxy gets its configuration, and what changes in it', { timeout: 30_000 }, async (t) => {
  const { cluster, proxy } = await setUp(t);
  const stream = await proxy();
  ask(stream, { typeUrl: TYPE_URL.cluster });
  const clusters = await take(stream);
  assert.deepEqual([...clusters.resources.keys()].sort(), ['shop/web|80', 'shop/web|80|local']);
  ask(stream, { typeUrl: TYPE_URL.endpoint, subscribe: ['shop/web|80'] });
  const before = (await take(stream)).resources.get('shop/web|80')?.text ?? '';
  assert.ok(before.includes('10.0.0.1'));
  ask(stream, { typeUrl: TYPE_URL.secret, subscribe: ['service-cert', 'root-cert-for-mtls-outbound:shop/web'] });
  const secrets = await take(stream);
  assert.deepEqual([...secrets.resources.keys()].sort(), ['root-cert-for-mtls-outbound:shop/web', 'service-cert']);
  cluster.put(TYPES.endpointSlices, slice('10.0.0.9'));
  const moved = await take(stream);
  assert.equal(moved.typeUrl, TYPE_URL.endpoint);
  assert.ok(moved.resources.get('shop/web|80')?.text.includes('10.0.0.9'));
});

test('a proxy that is not who its pod is gets nothing', { timeout: 30_000 }, async (t) => {
  const { proxy } = await setUp(t);
  const stream = await proxy('thief');
  ask(stream, { typeUrl: TYPE_URL.cluster });
  await assert.rejects(stream.receive(), /PERMISSION_DENIED.*shop\/thief/);
});

test('what a proxy refuses is told on its pod', { timeout: 30_000 }, async (t) => {
  const { cluster, proxy } = await setUp(t);
  const stream = await proxy();
  ask(stream, { typeUrl: TYPE_URL.endpoint, subscribe: ['shop/web|80'] });
  const { typeUrl, nonce } = readDeltaResponse(await stream.receive());
  const created = (): number => cluster.calls.filter((call) => call === 'create events').length;
  ask(stream, { typeUrl, nonce, error: 'no such place' });
  await until(() => (created() === 1 ? true : undefined));
  const event = (await cluster.client.list(TYPES.coreEvents)).items[0] as KubeObject;
  assert.match(String(event.message), /Envoy refused ClusterLoadAssignment shop\/web\|80.*no such place/);
  assert.equal((event.involvedObject as { name: string }).name, 'web-1');
});

test('a policy that is wrong says so, and MeshConfig is followed live', { timeout: 30_000 }, async (t) => {
  const { cluster, controller } = await setUp(t);
  const backend = object('IngressBackend', 'web', 'shop', {
    spec: {
      backends: [{ name: 'web', port: { number: 9999, protocol: 'http' } }],
      sources: [{ kind: 'IPRange', name: '10.0.0.0/8' }],
    },
  });
  cluster.put(MESH_TYPES.ingressBackends, backend);
  const status = await until(
    () => cluster.read(MESH_TYPES.ingressBackends, 'web', 'shop')?.status as { currentStatus: string } | undefined,
  );
  assert.equal(status.currentStatus, 'error');
  assert.equal(controller.debugPort(), undefined);
  cluster.put(MESH_TYPES.meshConfigs, config({ ...PERMISSIVE, observability: { enableDebugServer: true } }));
  const port = await until(() => controller.debugPort());
  assert.equal(await fetchStatus(port, '/debug/proxy'), 200);
});

test('a controller that ends ends its streams, so that proxies go elsewhere', { timeout: 30_000 }, async (t) => {
  const { proxy, close } = await setUp(t);
  const stream = await proxy();
  ask(stream, { typeUrl: TYPE_URL.cluster });
  await take(stream);
  const over = assert.rejects(stream.receive(), /ended|UNAVAILABLE|CANCELLED/);
  await close();
  await over;
});

test('a certificate provider that is not there is refused by name', async () => {
  const options = { ...OPTIONS, certificateManager: 'vault' };
  const { client } = createTestCluster();
  await assert.rejects(startController(options, client, createLogger('test', 'disabled')), /"vault" is not available/);
});
