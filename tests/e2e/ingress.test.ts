import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, succeeded } from './testing/cluster.ts';
import { MeshCluster } from './testing/mesh.ts';

/** Callers from outside the mesh: a real NGINX as ingress, and pods without a sidecar. */
const cluster = new MeshCluster();
after(() => cluster.end());

/** NGINX by what it does: plain, with a client certificate, without one, and for another server name. */
const NGINX = { plain: 8080, certified: 8081, bare: 8082, misnamed: 8083 };
const OUTSIDER = 'elsewhere/outsider';
const GATEWAY = 'ingress-nginx.ingress.cluster.local';
const SERVED_AS = 'app.shop.cluster.local';
const through = (kind: keyof typeof NGINX): string => `http://nginx.ingress:${NGINX[kind]}/path`;

const secure = (port: number, name: string, more: string): string => `
    server {
      listen ${port};
      location / {
        proxy_pass https://app.shop:443;
        proxy_ssl_trusted_certificate /etc/osm/ca.crt;
        proxy_ssl_verify on;
        proxy_ssl_verify_depth 2;
        proxy_ssl_name ${name};
        proxy_ssl_server_name on;
        proxy_ssl_session_reuse off;
        ${more}
      }
    }`;
const CERTIFICATE = 'proxy_ssl_certificate /etc/osm/tls.crt; proxy_ssl_certificate_key /etc/osm/tls.key;';
const CONFIGURATION = `
  pid /tmp/nginx.pid;
  error_log stderr;
  events {}
  http {
    access_log off;
    client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
    proxy_http_version 1.1;
    server { listen ${NGINX.plain}; location / { proxy_pass http://app.shop; } }${secure(NGINX.certified, SERVED_AS, CERTIFICATE)}${secure(NGINX.bare, SERVED_AS, '')}${secure(NGINX.misnamed, 'other.shop.cluster.local', CERTIFICATE)}
  }`;

const policy = (spec: string): string => `
apiVersion: policy.openservicemesh.io/v1alpha1
kind: IngressBackend
metadata: {name: app, namespace: shop}
spec:
  ${spec}
`;
const plain = (sources: string): string =>
  policy(`backends: [{name: app, port: {number: 8080, protocol: http}}]\n  sources: ${sources}`);
const overTls = (sources: string, tls = 'skipClientCertValidation: false'): string =>
  policy(`backends: [{name: app, port: {number: 8090, protocol: https}, tls: {${tls}}}]\n  sources: ${sources}`);
const SERVICE = '{kind: Service, name: nginx, namespace: ingress}';
const principal = (name: string): string => `{kind: AuthenticatedPrincipal, name: ${name}}`;
const state = (status: string): Promise<void> =>
  cluster.becomes('{.status.currentStatus}', status, 'ingressbackend/app', '-n', 'shop');

before(async () => {
  const value = 'osm.ingressGatewaySecretNamespaces={ingress}';
  await cluster.start(['shop'], ['ingress', 'elsewhere'], value);
  succeeded(await cluster.osm(['namespace', 'add', 'ingress', '--disable-sidecar-injection']), 'osm namespace add');
  const image = ['local', 'image', 'add', 'nginx', '--mount', `${join(ROOT, 'gen/bin/nginx')}:/usr/local/bin/nginx`];
  const command = ['/usr/local/bin/nginx', '-e', 'stderr', '-c', '/etc/nginx/nginx.conf', '-g', 'daemon off;'];
  succeeded(await cluster.osm([...image, '--', ...command]), 'osm local image add nginx');
  const gateway = {
    subjectAltNames: [GATEWAY],
    validityDuration: '1h',
    secret: { name: 'client', namespace: 'ingress' },
  };
  await cluster.config({ certificate: { ingressGateway: gateway } });
  await cluster.apply(`
apiVersion: v1
kind: ConfigMap
metadata: {name: nginx, namespace: ingress}
data: {nginx.conf: ${JSON.stringify(CONFIGURATION)}}
---
apiVersion: v1
kind: Service
metadata: {name: nginx, namespace: ingress}
spec:
  selector: {app: nginx}
  ports: ${JSON.stringify(Object.entries(NGINX).map(([name, port]) => ({ name, port })))}
`);
  await cluster.run(
    { name: 'outsider', namespace: 'elsewhere' },
    {
      name: 'app',
      namespace: 'shop',
      serve: 'http:8080,http:8090',
      ports: '[{name: http, port: 80, targetPort: 8080}, {name: http-secure, port: 443, targetPort: 8090}]',
    },
  );
  // Its names are looked up as it starts, so it comes after them.
  await cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx, namespace: ingress}
spec:
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      terminationGracePeriodSeconds: 3
      volumes: [{name: configuration, configMap: {name: nginx}}, {name: certificate, secret: {secretName: client}}]
      containers:
      - name: nginx
        image: nginx
        readinessProbe: {tcpSocket: {port: ${NGINX.plain}}, periodSeconds: 1}
        volumeMounts: [{name: configuration, mountPath: /etc/nginx}, {name: certificate, mountPath: /etc/osm}]
`);
  await cluster.ok('rollout', 'status', 'deploy/nginx', '-n', 'ingress', '--timeout=40s');
});

test('without a policy nobody outside the mesh comes in', async () => {
  for (const kind of ['plain', 'certified', 'bare'] as const) {
    assert.equal((await cluster.get(OUTSIDER, through(kind))).status, 502, kind);
  }
  assert.notEqual((await cluster.get(OUTSIDER, 'http://app.shop/')).error, '');
});

test('plain HTTP from a Service: its pods, and nobody else', async () => {
  await cluster.apply(plain(`[${SERVICE}]`));
  const { body = '{}' } = await cluster.status(OUTSIDER, through('plain'), 200);
  assert.equal(JSON.parse(body).path, '/path');
  assert.notEqual((await cluster.get(OUTSIDER, 'http://app.shop/')).error, '');
  await state('committed');
});

test('only requests that a route group matches', async () => {
  await cluster.apply(`${plain(`[${SERVICE}]`)}  matches: [{apiGroup: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup, name: public}]
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: HTTPRouteGroup
metadata: {name: public, namespace: shop}
spec: {matches: [{name: public, pathRegex: "/public/.*", methods: [GET]}]}
`);
  await cluster.status(OUTSIDER, through('plain'), 404);
  await cluster.status(OUTSIDER, `http://nginx.ingress:${NGINX.plain}/public/page`, 200);
});

test('plain HTTP from a range of addresses', async () => {
  const address = await cluster.jsonpath('{.items[0].status.podIP}', 'pods', '-n', 'elsewhere');
  await cluster.apply(plain(`[{kind: IPRange, name: ${address}/32}]`));
  await cluster.status(OUTSIDER, 'http://app.shop/', 200);
  await cluster.status(OUTSIDER, through('plain'), 502);
  await cluster.apply(plain('[{kind: IPRange, name: 192.0.2.0/24}]'));
  await cluster.eventually(
    OUTSIDER,
    { call: 'http', url: 'http://app.shop/' },
    ({ error }) => error !== '',
    'a denial',
  );
});

test('a Service without pods is an error, which the status tells', async () => {
  await cluster.apply(plain('[{kind: Service, name: nobody, namespace: ingress}]'));
  await state('error');
  assert.match(await cluster.jsonpath('{.status.reason}', 'ingressbackend/app', '-n', 'shop'), /nobody/);
  assert.equal((await cluster.get(OUTSIDER, through('plain'))).status, 502);
});

test('mutual TLS: the certificate that MeshConfig asks for, by its name', async () => {
  await cluster.apply(overTls(`[${SERVICE}, ${principal(GATEWAY)}]`));
  const { body = '{}' } = await cluster.status(OUTSIDER, through('certified'), 200);
  assert.equal(JSON.parse(body).port, 8090);
  // NGINX verifies the name of the server, and the server asks for a certificate.
  assert.equal((await cluster.get(OUTSIDER, through('misnamed'))).status, 502);
  assert.notEqual((await cluster.get(OUTSIDER, through('bare'))).status, 200);
  await cluster.apply(overTls(`[${SERVICE}, ${principal('somebody.else')}]`));
  await cluster.status(OUTSIDER, through('certified'), 403);
});

test('TLS by server name', async () => {
  const named = (host: string) =>
    overTls(`[${SERVICE}, ${principal(GATEWAY)}]`, `skipClientCertValidation: false, sniHosts: [${host}]`);
  await cluster.apply(named(SERVED_AS));
  await cluster.status(OUTSIDER, through('certified'), 200);
  await cluster.apply(named('shop.example'));
  await cluster.status(OUTSIDER, through('certified'), 502);
});

test('TLS without client certificates', async () => {
  await cluster.apply(overTls(`[${SERVICE}]`, 'skipClientCertValidation: true'));
  await cluster.status(OUTSIDER, through('bare'), 200);
});

test('a policy that cannot work is refused', async () => {
  const apply = (text: string) => cluster.kubectl(['apply', '-f', '-'], text);
  const without = await apply(overTls(`[${SERVICE}]`));
  assert.match(without.stderr, /AuthenticatedPrincipal/);
  await cluster.apply(plain(`[${SERVICE}]`));
  const second = await apply(plain(`[${SERVICE}]`).replace('name: app, namespace', 'name: second, namespace'));
  assert.match(second.stderr, /app/);
  assert.equal(second.code, 1);
});

test("the gateway's Secret is of Kubernetes' type, and goes with the field", async () => {
  const type = await cluster.jsonpath('{.type} {.data.ca\\.crt}', 'secret', 'client', '-n', 'ingress');
  assert.match(type, /^kubernetes.io\/tls \S+/);
  await cluster.config({ certificate: { ingressGateway: null } });
  await cluster.ok('wait', '--for=delete', 'secret/client', '-n', 'ingress', '--timeout=20s');
});
