import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MeshCluster } from './testing/mesh.ts';

/** Calls to outside the mesh: to pods of a namespace that takes no part in it. */
const cluster = new MeshCluster();
after(() => cluster.end());

const CLIENT = 'shop/client';
const OTHER = 'shop/other';
const OUTSIDE = 'http://api.outside';
const PORTS = `[
  {name: http, port: 80, targetPort: 8080}, {name: more, port: 8080}, {name: tls, port: 443, targetPort: 8443},
  {name: tcp, port: 9000}, {name: greeting, port: 9001}]`;

const egress = (name: string, spec: string): string => `---
apiVersion: policy.openservicemesh.io/v1alpha1
kind: Egress
metadata: {name: ${name}, namespace: shop}
spec:
  sources: [{kind: ServiceAccount, name: client, namespace: shop}]
  ${spec}
`;
const remove = (name: string): Promise<string> => cluster.ok('delete', 'egress', '-n', 'shop', name);
const refused = (url: string) =>
  cluster.eventually(
    CLIENT,
    { call: 'http', url },
    ({ status = 0, error }) => error !== '' || status === 404,
    `${url} is refused`,
  );
let address = '';

before(async () => {
  await cluster.start(['shop'], ['outside']);
  await cluster.tlsSecret('api-tls', 'outside', 'api.outside', 'www.api.outside');
  await cluster.run(
    { name: 'client', namespace: 'shop' },
    { name: 'other', namespace: 'shop' },
    {
      name: 'api',
      namespace: 'outside',
      serve: 'http:8080,https:8443,tcp:9000,tcp-server-first:9001',
      ports: PORTS,
      pod: 'volumes: [{name: tls, secret: {secretName: api-tls}}]',
      container: 'volumeMounts: [{name: tls, mountPath: /etc/tls}]',
    },
    { name: 'web', namespace: 'outside', serve: 'http:8080', ports: '[{port: 80, targetPort: 8080}]' },
  );
  address = await cluster.jsonpath('{.spec.clusterIP}', 'service', 'api', '-n', 'outside');
});

test('without a policy nothing goes out', async () => {
  for (const url of [`${OUTSIDE}/`, 'https://api.outside/'])
    assert.notEqual((await cluster.get(CLIENT, url)).error, '');
  const tcp = await cluster.call(CLIENT, { call: 'tcp', host: 'api.outside', port: 9000, say: 'hi' });
  assert.notEqual(tcp.error, '');
});

test('HTTP by host, for the accounts that are named', async () => {
  await cluster.apply(egress('http', 'hosts: [api.outside]\n  ports: [{number: 80, protocol: http}]'));
  const { body = '{}' } = await cluster.status(CLIENT, `${OUTSIDE}/anything`, 200);
  assert.equal(JSON.parse(body).name, 'api');
  assert.equal((await cluster.get(CLIENT, 'http://web.outside/')).status, 404);
  assert.notEqual((await cluster.get(OTHER, `${OUTSIDE}/`)).error, '');
  await remove('http');
  await refused(`${OUTSIDE}/`);
});

test('HTTP by host and range of addresses', async () => {
  const policy = (range: string) =>
    egress('range', `hosts: [api.outside]\n  ipAddresses: [${range}]\n  ports: [{number: 80, protocol: HTTP}]`);
  await cluster.apply(policy(`${address}/32`));
  await cluster.status(CLIENT, `${OUTSIDE}/`, 200);
  await cluster.apply(policy('192.0.2.0/24'));
  await cluster.status(CLIENT, `${OUTSIDE}/`, 403);
  await remove('range');
});

test('HTTP that a route group limits', async () => {
  await cluster.apply(`${egress('routes', 'hosts: [api.outside]\n  ports: [{number: 80, protocol: http}]\n  matches: [{apiGroup: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup, name: get-status}]')}
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: get-status, namespace: shop}
spec: {matches: [{name: get, pathRegex: "/status/.*", methods: [GET]}]}
`);
  await cluster.status(CLIENT, `${OUTSIDE}/status/201`, 201);
  assert.equal((await cluster.get(CLIENT, `${OUTSIDE}/other`)).status, 404);
  const post = await cluster.call(CLIENT, { call: 'http', url: `${OUTSIDE}/status/200`, method: 'POST' });
  assert.equal(post.status, 404);
  await remove('routes');
});

test('a host with a wildcard', async () => {
  await cluster.apply(egress('wild', 'hosts: ["*.outside"]\n  ports: [{number: 80, protocol: http}]'));
  for (const name of ['api', 'web']) {
    const { body = '{}' } = await cluster.status(CLIENT, `http://${name}.outside/`, 200);
    assert.equal(JSON.parse(body).name, name);
  }
  await remove('wild');
});

test('limits of an UpstreamTrafficSetting', async () => {
  const setting = (requests: number): string => `---
apiVersion: policy.openservicemesh.io/v1alpha1
kind: UpstreamTrafficSetting
metadata: {name: outside, namespace: shop}
spec: {host: api.outside, connectionSettings: {http: {maxRequests: ${requests}}}}
`;
  const policy = egress(
    'limited',
    'hosts: [api.outside]\n  ports: [{number: 80, protocol: http}]\n  matches: [{apiGroup: policy.openservicemesh.io/v1alpha1, kind: UpstreamTrafficSetting, name: outside}]',
  );
  await cluster.apply(policy + setting(0));
  await cluster.status(CLIENT, `${OUTSIDE}/`, 503);
  await cluster.apply(setting(10));
  await cluster.status(CLIENT, `${OUTSIDE}/`, 200);
  await remove('limited');
});

test('HTTPS by server name: the TLS of the client passes unchanged', async () => {
  await cluster.apply(egress('https', 'hosts: [api.outside]\n  ports: [{number: 443, protocol: https}]'));
  await cluster.status(CLIENT, 'https://api.outside/', 200);
  const call = { call: 'tcp', host: 'api.outside', port: 443, tls: 'other.example', say: 'x' } as const;
  assert.notEqual((await cluster.call(CLIENT, call)).error, '');
  await remove('https');
});

test('TLS that the sidecar speaks, to a host that proves its name', async () => {
  const policy = (tls: string): string =>
    egress('tls', `hosts: [api.outside]\n  ports: [{number: 80, protocol: http, tls: ${tls}}]`);
  const file = `--from-file=ca.crt=${cluster.directory}/api-tls.crt`;
  const fromConfigMap = 'ca: {kind: ConfigMap, key: ca.crt}';
  await cluster.apply(policy(`{${fromConfigMap}}`));
  assert.notEqual((await cluster.get(CLIENT, `${OUTSIDE}/`)).status, 200);
  await cluster.ok('create', 'configmap', 'osm-egress-ca', '-n', 'shop', file);
  const { body = '{}' } = await cluster.status(CLIENT, `${OUTSIDE}/`, 200);
  assert.equal(JSON.parse(body).encrypted, true);
  // Another name than the certificate's, and authorities that did not sign it.
  await cluster.apply(policy(`{serverName: other.example, ${fromConfigMap}}`));
  await cluster.status(CLIENT, `${OUTSIDE}/`, 503);
  await cluster.apply(policy(`{serverName: www.api.outside, ${fromConfigMap}}`));
  await cluster.status(CLIENT, `${OUTSIDE}/`, 200);
  await cluster.apply(policy('{}'));
  await cluster.status(CLIENT, `${OUTSIDE}/`, 503);
  await cluster.ok('create', 'secret', 'generic', 'osm-egress-ca', '-n', 'shop', file);
  await cluster.apply(policy('{ca: {kind: Secret, key: ca.crt}}'));
  await cluster.status(CLIENT, `${OUTSIDE}/`, 200);
  await remove('tls');
});

test('policies that are at odds about a host are reported', async () => {
  await cluster.apply(
    egress('first', 'hosts: [api.outside]\n  ports: [{number: 80, protocol: http}]') +
      egress('second', 'hosts: [api.outside]\n  ports: [{number: 80, protocol: http, tls: {}}]'),
  );
  const { stdout, code } = await cluster.osm(['policy', 'check-conflicts', 'Egress', '-n', 'shop']);
  assert.equal(code, 1);
  assert.match(stdout, /Egress shop\/second .*Egress shop\/first says otherwise of api\.outside/);
  // The first holds.
  const { body = '{}' } = await cluster.status(CLIENT, `${OUTSIDE}/`, 200);
  assert.equal(JSON.parse(body).encrypted, false);
  await remove('first');
  await remove('second');
});

test('TCP by address, whoever speaks first', async () => {
  const ports = '[{number: 9000, protocol: tcp}, {number: 9001, protocol: tcp-server-first}]';
  await cluster.apply(egress('tcp', `ipAddresses: [${address}/32]\n  ports: ${ports}`));
  const call = { call: 'tcp', host: 'api.outside' } as const;
  await cluster.eventually(CLIENT, { ...call, port: 9000, say: 'hi' }, ({ body }) => body === 'api: hi', 'an echo');
  const began = performance.now();
  assert.equal((await cluster.call(CLIENT, { ...call, port: 9001 })).body, 'welcome to api\n');
  assert.ok(performance.now() - began < 3000);
  await cluster.apply(egress('tcp', `ipAddresses: [192.0.2.0/24]\n  ports: ${ports}`));
  await cluster.eventually(CLIENT, { ...call, port: 9000, say: 'hi' }, ({ error }) => error !== '', 'a denial');
  await remove('tcp');
});

test('what no policy names passes through where global egress is on; policies still limit what they name', async () => {
  await cluster.apply(egress('http', 'hosts: [api.outside]\n  ports: [{number: 80, protocol: http}]'));
  await cluster.config({ traffic: { enableEgress: true } });
  await cluster.status(CLIENT, 'https://api.outside/', 200);
  await cluster.status(OTHER, `${OUTSIDE}/`, 200);
  const greeting = await cluster.call(OTHER, { call: 'tcp', host: 'api.outside', port: 9001 });
  assert.equal(greeting.body, 'welcome to api\n', greeting.error);
  assert.equal((await cluster.get(CLIENT, `${OUTSIDE}/`)).status, 200);
  assert.equal((await cluster.get(CLIENT, 'http://web.outside/')).status, 404);
  await remove('http');
  await cluster.status(CLIENT, 'http://web.outside/', 200);
  await cluster.config({ traffic: { enableEgress: false } });
  await refused(`${OUTSIDE}/`);
});
