import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESH_TYPES } from '@osm/control-plane';
import { type KubeObject, type ResourceType, TYPES } from '@osm/kube';
import { readCounts } from '../proxy-counts.ts';
import { runCommandLine } from '../testing/command-line.ts';
import { createMemoryClient } from '../testing/memory-client.ts';
import { mesh } from '../testing/objects.ts';

type Stored = readonly [type: ResourceType, object: KubeObject];

const object = (type: ResourceType, metadata: KubeObject['metadata'], fields: object = {}): Stored => [
  type,
  { apiVersion: `${type.group}/${type.version}`, kind: type.kind, metadata, ...fields },
];
const shop = (annotations: Readonly<Record<string, string>>): Stored =>
  object(TYPES.namespaces, { name: 'shop', labels: { 'openservicemesh.io/monitored-by': 'osm' }, annotations });
const pod = (name: string, ip: string, sidecar = true): Stored =>
  object(
    TYPES.pods,
    { name, namespace: 'shop', labels: { app: 'store', ...(sidecar && { 'osm-proxy-uuid': `uuid-${name}` }) } },
    { spec: { serviceAccountName: 'store' }, status: { phase: 'Running', podIP: ip } },
  );
const WORLD: readonly Stored[] = [
  mesh('osm', 'osm-system'),
  pod('store-0', '10.0.0.1'),
  pod('store-1', '10.0.0.2'),
  pod('bare', '10.0.0.3', false),
  object(
    TYPES.services,
    { name: 'store', namespace: 'shop' },
    {
      spec: {
        clusterIP: '10.96.0.1',
        selector: { app: 'store' },
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
    },
  ),
  object(
    TYPES.endpointSlices,
    { name: 'store-x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'store' } },
    { addressType: 'IPv4', ports: [{ name: 'http', port: 8080 }], endpoints: [] },
  ),
  object(MESH_TYPES.meshConfigs, { name: 'osm-mesh-config', namespace: 'osm-system' }, { spec: {} }),
];
const HTTP = 'http.mesh-http-conn-manager.rds-inbound';

const run = (words: string, annotations: Readonly<Record<string, string>>, proxies: Readonly<Record<string, string>>) =>
  runCommandLine(words, { cluster: createMemoryClient({ objects: [...WORLD, shop(annotations)] }), proxies });
const AUDIT = { 'openservicemesh.io/permissive-traffic-policy-mode': 'audit' };

test('counts are read from the names of statistics', () => {
  const text = [
    `${HTTP}.shop/store.8080.rbac.audit.shadow_denied: 2`,
    `${HTTP}.shop/store.8080.rbac.audit.shadow_allowed: 3`,
    `${HTTP}.shop/store.8080.downstream_rq_total: 5`,
    `${HTTP}-plaintext.shop/store.8080.downstream_rq_total: 7`,
    'network-inbound_shop/my_db_3306_tcp-server-first.rbac.audit.shadow_denied: 11',
    'tcp.inbound-mesh-tcp-proxy.shop/my_db|3306|local.downstream_cx_total: 13',
    'tcp.inbound-plaintext-tcp-proxy.shop/my_db|3306|local.downstream_cx_total: 17',
    'http.mesh-http-conn-manager.rds-outbound.shop/store.80.downstream_rq_total: 19',
    'cluster.x.upstream_rq_time: No recorded values',
  ];
  assert.deepEqual(readCounts(text.join('\n')), [
    { service: 'shop/my_db', port: 3306, wouldAllow: 0, wouldDeny: 11, mtls: 13, plaintext: 17 },
    { service: 'shop/store', port: 8080, wouldAllow: 3, wouldDeny: 2, mtls: 5, plaintext: 7 },
  ]);
});

test('audit: a line for each port of each pod that is audited', async () => {
  const { output, notes } = await run('policy audit -n shop', AUDIT, {
    'shop/store-0': `${HTTP}.shop/store.8080.rbac.audit.shadow_denied: 2\n${HTTP}.shop/store.8080.rbac.audit.shadow_allowed: 1\n`,
    'shop/store-1': '',
  });
  assert.equal(notes, '');
  assert.equal(
    output,
    `POD            SERVICE      PORT   WOULD ALLOW   WOULD DENY
shop/store-0   shop/store   8080   1             2
shop/store-1   shop/store   8080   0             0

of what came since the sidecars started, 2 would be refused once the audit ends
`,
  );
});

test('audit: a sidecar that does not answer is named; without any there is no answer', async () => {
  const { output, notes } = await run('policy audit', AUDIT, { 'shop/store-1': '' });
  assert.match(notes, /^shop\/store-0 is left out: /);
  assert.match(output, /nothing so far would be refused/);
  assert.equal((await run('policy audit', AUDIT, {})).error, 'no sidecar could be asked');
});

test('audit: nothing is audited, and no sidecar is asked', async () => {
  const { output, notes } = await run('policy audit', {}, {});
  assert.equal(output, 'nothing is audited\n');
  assert.equal(notes, '');
  assert.match((await run('policy audit -n elsewhere', AUDIT, {})).error ?? '', /elsewhere takes no part/);
});

test('plaintext: what came with and without mutual TLS', async () => {
  const stats = `${HTTP}.shop/store.8080.downstream_rq_total: 5\n${HTTP}-plaintext.shop/store.8080.downstream_rq_total: 7\n`;
  const permissive = { 'openservicemesh.io/mtls-mode': 'permissive' };
  const { output } = await run('policy plaintext', permissive, { 'shop/store-0': stats, 'shop/store-1': stats });
  assert.equal(
    output,
    `POD            SERVICE      PORT   PLAINTEXT   MTLS
shop/store-0   shop/store   8080   7           5
shop/store-1   shop/store   8080   7           5

since the sidecars started, 14 came in plaintext
`,
  );
  assert.equal((await run('policy plaintext', {}, {})).output, 'plaintext is let in nowhere\n');
});
