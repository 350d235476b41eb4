import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TYPES } from '@osm/kube';
import jsonPatch from 'fast-json-patch';
import { silentLog } from '../testing.ts';
import { createTestCluster, type TestCluster } from '../testing-cluster.ts';
import type { AdmissionRequest, AdmissionVerdict } from '../webhook/admission.ts';
import { createPodWebhook } from './admission.ts';
import { createClusterFacts } from './cluster-facts.ts';
import { formerBootstrapSecret } from './inject.ts';
import type { Pod } from './pod.ts';

const POD: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'cart' },
  spec: { serviceAccountName: 'cart', containers: [{ name: 'cart', image: 'cart' }] },
};

function setUp(): { cluster: TestCluster; handle: (request: AdmissionRequest) => Promise<AdmissionVerdict> } {
  const cluster = createTestCluster();
  const namespace = (name: string, labels: object, annotations: object): void => {
    cluster.put(TYPES.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations } });
  };
  namespace(
    'shop',
    { 'openservicemesh.io/monitored-by': 'osm' },
    { 'openservicemesh.io/sidecar-injection': 'enabled' },
  );
  namespace('plain', {}, { 'openservicemesh.io/sidecar-injection': 'enabled' });
  namespace('quiet', { 'openservicemesh.io/monitored-by': 'osm' }, {});
  namespace('other', { 'openservicemesh.io/monitored-by': 'another' }, {});
  namespace(
    'wrong',
    { 'openservicemesh.io/monitored-by': 'osm' },
    { 'openservicemesh.io/sidecar-injection': 'on please' },
  );
  cluster.put(TYPES.services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default' },
    spec: { clusterIP: '198.18.0.1' },
  });
  const handle = createPodWebhook({
    client: cluster.client,
    issuer: {
      name: 'test',
      trustBundle: () => 'roots',
      issue: async ({ commonName }) => ({
        chainPem: `chain of ${commonName}`,
        keyPem: 'key',
        trustPem: 'roots',
        serial: '1',
        notBefore: new Date(),
        notAfter: new Date(),
      }),
    },
    meshName: 'osm',
    osmNamespace: 'osm-system',
    osmVersion: '2.0.0',
    trustDomain: 'cluster.local',
    meshConfigName: 'osm-mesh-config',
    images: { envoy: 'envoy', init: 'init', healthcheck: 'healthcheck' },
    pullPolicy: 'IfNotPresent',
    infrastructureProfiles: ['kubernetes'],
    nativeSidecar: 'auto',
    concurrency: 2,
    bootstrapMade: () => {},
    facts: createClusterFacts(cluster.client, silentLog),
    log: silentLog,
  });
  return { cluster, handle };
}

const request = (pod: Pod, namespace = 'shop', more: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
  uid: 'r1',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  operation: 'CREATE',
  namespace,
  object: pod,
  ...more,
});

const patched = (pod: Pod, verdict: AdmissionVerdict): Pod =>
  jsonPatch.applyPatch(structuredClone(pod), structuredClone(verdict.patch ?? []) as jsonPatch.Operation[]).newDocument;

const secretsIn = (cluster: TestCluster): number => cluster.calls.filter((call) => call === 'create secrets').length;

describe('pod admission', () => {
  test('the patch makes the injected pod, and its bootstrap exists before the answer', async () => {
    const { cluster, handle } = setUp();
    const verdict = await handle(request(POD));
    assert.equal(verdict.allowed, true);
    const pod = patched(POD, verdict);
    assert.deepEqual(
      pod.spec.initContainers?.map((container) => container.name),
      ['osm-init', 'envoy'],
    );
    const uuid = pod.metadata.labels?.['osm-proxy-uuid'] ?? '';
    const secret = cluster.read(TYPES.secrets, formerBootstrapSecret(pod) ?? '', 'shop');
    const data = secret?.data as Record<string, string>;
    assert.deepEqual(Object.keys(data).sort(), [
      'bootstrap.yaml',
      'cacert.pem',
      'sds_cert.pem',
      'sds_key.pem',
      'tls_certificate_sds_secret.yaml',
      'validation_context_sds_secret.yaml',
    ]);
    const bootstrap = JSON.parse(Buffer.from(data['bootstrap.yaml'] ?? '', 'base64').toString()) as {
      node: { id: string };
    };
    assert.equal(bootstrap.node.id, `${uuid}.sidecar.cart.shop.cluster.local`);
    assert.match(JSON.stringify(pod.spec.initContainers?.[0]), /-A OSM_PROXY_OUTBOUND -d 198\.18\.0\.1\/32 -j RETURN/);
  });

  test('a dry run stores nothing', async () => {
    const { cluster, handle } = setUp();
    const verdict = await handle(request(POD, 'shop', { dryRun: true }));
    assert.ok((verdict.patch ?? []).length > 0);
    assert.equal(secretsIn(cluster), 0);
  });

  test('namespaces outside the mesh, or without injection, are left alone', async () => {
    const { cluster, handle } = setUp();
    const wish: Pod = {
      ...POD,
      metadata: { ...POD.metadata, annotations: { 'openservicemesh.io/sidecar-injection': 'enabled' } },
    };
    for (const [pod, namespace] of [
      [wish, 'plain'],
      [wish, 'other'],
      [POD, 'quiet'],
      [{ ...POD, spec: { ...POD.spec, hostNetwork: true } }, 'shop'],
    ] as [Pod, string][]) {
      assert.deepEqual(await handle(request(pod, namespace)), { allowed: true }, namespace);
    }
    assert.equal(secretsIn(cluster), 0);
    assert.ok((await handle(request(wish, 'quiet'))).patch !== undefined);
  });

  test('the pod beats its namespace', async () => {
    const { handle } = setUp();
    const annotations = { 'openservicemesh.io/sidecar-injection': 'No' };
    assert.deepEqual(await handle(request({ ...POD, metadata: { ...POD.metadata, annotations } })), { allowed: true });
  });

  test('a wrong annotation is refused by name', async () => {
    const { handle } = setUp();
    const verdict = await handle(request(POD, 'wrong'));
    assert.equal(verdict.allowed, false);
    assert.match(
      verdict.status?.message ?? '',
      /Namespace wrong: annotation openservicemesh\.io\/sidecar-injection="on please"/,
    );
  });

  test('a copied injected pod gets its own certificate and keeps its probes', async () => {
    const { cluster, handle } = setUp();
    const probed: Pod = {
      ...POD,
      spec: {
        ...POD.spec,
        containers: [{ name: 'cart', livenessProbe: { httpGet: { path: '/live', port: 8080 } } }],
      },
    };
    const first = patched(probed, await handle(request(probed)));
    const copy: Pod = { ...first, metadata: { name: 'copy' } };
    const second = patched(copy, await handle(request(copy)));
    const name = formerBootstrapSecret(second) ?? '';
    assert.notEqual(name, formerBootstrapSecret(first));
    const data = cluster.read(TYPES.secrets, name, 'shop')?.data as Record<string, string>;
    const bootstrap = Buffer.from(data['bootstrap.yaml'] ?? '', 'base64').toString();
    const uuid = second.metadata.labels?.['osm-proxy-uuid'] ?? 'none';
    assert.match(bootstrap, new RegExp(`"id": "${uuid}\\.sidecar\\.cart\\.shop`));
    assert.match(bootstrap, /"liveness_listener"/);
    assert.match(Buffer.from(data['sds_cert.pem'] ?? '', 'base64').toString(), new RegExp(uuid));
  });

  test('a copy whose original is gone is refused with the name of the Secret', async () => {
    const { cluster, handle } = setUp();
    const first = patched(POD, await handle(request(POD)));
    const name = formerBootstrapSecret(first) ?? '';
    cluster.remove(TYPES.secrets, name, 'shop');
    const verdict = await handle(request({ ...first, metadata: { name: 'copy' } }));
    assert.equal(verdict.allowed, false);
    assert.ok(verdict.status?.message.includes(`shop/${name}`));
  });

  test('two pods differ in identity', async () => {
    const { handle } = setUp();
    const [a, b] = await Promise.all([handle(request(POD)), handle(request(POD))]);
    assert.notEqual(formerBootstrapSecret(patched(POD, a)), formerBootstrapSecret(patched(POD, b)));
  });
});
