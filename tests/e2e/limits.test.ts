import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { succeeded, until } from './testing/cluster.ts';
import { MeshCluster } from './testing/mesh.ts';
import { rateLimitService } from './testing/ratelimit/build.ts';

/** UpstreamTrafficSetting and Retry: what a real rate limit service counts, and calls that fail, last, or are refused. */
const cluster = new MeshCluster();
after(() => cluster.end());

const CLIENT = 'shop/client';
const PORTS = '[{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 90, targetPort: 9000}]';
const SERVICE = 'ratelimit.limits.svc.cluster.local';

const program = (name: string, port: number, more: string): string => `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: limits}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: ${name}
        image: ${name}
        readinessProbe: {tcpSocket: {port: ${port}}, periodSeconds: 1}
        ${more}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: limits}
spec: {selector: {app: ${name}}, ports: [{name: tcp, port: ${port}}]}
`;

/** Limits so long that no test comes into the next unit. */
const LIMITS = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: limits, namespace: limits}
data:
  config.yaml: |
    domain: test
    descriptors:
    - {key: my_key, value: my_value, rate_limit: {unit: year, requests_per_unit: 3}}
    - {key: path, value: login, rate_limit: {unit: year, requests_per_unit: 1}}
    - {key: user, rate_limit: {unit: year, requests_per_unit: 2}}
    - {key: connections, value: few, rate_limit: {unit: year, requests_per_unit: 2}}
`;
const RATELIMIT = `env:
        - {name: REDIS_SOCKET_TYPE, value: tcp}
        - {name: REDIS_URL, value: "redis.limits:6379"}
        - {name: USE_STATSD, value: "false"}
        - {name: LOG_LEVEL, value: warn}
        - {name: RUNTIME_ROOT, value: /data}
        - {name: RUNTIME_SUBDIRECTORY, value: ratelimit}
        - {name: RUNTIME_WATCH_ROOT, value: "false"}
        # A volume of a ConfigMap holds each file twice; one is hidden.
        - {name: RUNTIME_IGNOREDOTFILES, value: "true"}
        volumeMounts: [{name: limits, mountPath: /data/ratelimit/config}]
      volumes: [{name: limits, configMap: {name: limits}}]`;

const setting = (service: string, spec: object): Promise<string> =>
  cluster.apply(
    JSON.stringify({
      apiVersion: 'policy.openservicemesh.io/v1alpha1',
      kind: 'UpstreamTrafficSetting',
      metadata: { name: service, namespace: 'store' },
      spec: { host: `${service}.store.svc.cluster.local`, ...spec },
    }),
  );
const asking = { rateLimitService: { host: SERVICE, port: 8081 }, domain: 'test', timeout: '2s' };
const generic = (value: string, key: string) => ({ entries: [{ genericKey: { key, value } }] });

async function statuses(url: string, count: number, headers: Record<string, string> = {}): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  for (let call = 0; call < count; call++) all.push((await cluster.get(CLIENT, url, headers)).status);
  return all;
}

before(async () => {
  const binary = await rateLimitService();
  await cluster.start(['shop', 'store'], ['limits'], 'osm.enablePermissiveTrafficPolicy=true');
  const redis = ['--protected-mode', 'no', '--save', '', '--dir', '/tmp'];
  const images = [
    // Debian's Redis is one program, which is what it is called.
    [
      'redis',
      '--user',
      '999:999',
      '--',
      '/bin/bash',
      '-c',
      'exec -a redis-server /usr/bin/redis-check-rdb "$@"',
      'redis',
      ...redis,
    ],
    ['ratelimit', '--user', '65532:65532', '--mount', `${binary}:/opt/ratelimit`, '--', '/opt/ratelimit/ratelimit'],
  ];
  for (const image of images) succeeded(await cluster.osm(['local', 'image', 'add', ...image]), `image ${image[0]}`);
  await cluster.apply(LIMITS + program('redis', 6379, '') + program('ratelimit', 8081, RATELIMIT));
  await cluster.run(
    { name: 'client', namespace: 'shop' },
    ...['http', 'tcp', 'failing', 'slow'].map((name) => ({
      name,
      namespace: 'store',
      serve: 'http:8080,tcp:9000',
      ports: PORTS,
    })),
  );
  for (const name of ['redis', 'ratelimit']) {
    await cluster.ok('rollout', 'status', `deploy/${name}`, '-n', 'limits', '--timeout=50s');
  }
  for (const name of ['http', 'failing', 'slow']) await cluster.status(CLIENT, `http://${name}.store/`, 200);
});

test('a service outside the mesh counts requests: of a host, of a path, of a user', async () => {
  await setting('http', {
    rateLimit: {
      global: { http: { ...asking, descriptors: [generic('my_value', 'my_key')], enableXRateLimitHeaders: true } },
    },
    httpRoutes: [
      { path: '/login', rateLimit: { global: { descriptors: [generic('login', 'path')] } } },
      {
        path: '/user',
        rateLimit: { global: { descriptors: [{ entries: [{ requestHeader: { name: 'X-User', key: 'user' } }] }] } },
      },
    ],
  });
  const limited = await cluster.status(CLIENT, 'http://http.store/', 429);
  assert.equal(limited.headers?.['x-envoy-ratelimited'], 'true');
  assert.match(limited.headers?.['x-ratelimit-limit'] ?? '', /^3, 3;w=31536000/);
  assert.equal(limited.headers?.['x-ratelimit-remaining'], '0');
  assert.deepEqual(await statuses('http://http.store/login', 3), [200, 429, 429]);
  assert.deepEqual(await statuses('http://http.store/user', 3, { 'x-user': 'alice' }), [200, 200, 429]);
  assert.deepEqual(await statuses('http://http.store/user', 3, { 'x-user': 'bob' }), [200, 200, 429]);
  assert.deepEqual(await statuses('http://http.store/user', 3), [200, 200, 200]);
});

test('a service outside the mesh counts connections', async () => {
  const tcp = { ...asking, descriptors: [{ entries: [{ key: 'connections', value: 'few' }] }] };
  await setting('tcp', { rateLimit: { global: { tcp } } });
  const call = { call: 'tcp', host: 'tcp.store', port: 90, say: 'hello' } as const;
  await cluster.eventually(CLIENT, call, ({ body, error }) => body !== 'tcp: hello' || error !== '', 'a refusal');
  for (let again = 0; again < 3; again++) assert.notEqual((await cluster.call(CLIENT, call)).body, 'tcp: hello');
});

test('failures made on purpose are retried, and the retries are limited', async () => {
  await setting('failing', { fault: { abort: { status: 503, percent: 50 } } });
  await cluster.status(CLIENT, 'http://failing.store/', 503);
  await cluster.apply(
    JSON.stringify({
      apiVersion: 'policy.openservicemesh.io/v1alpha1',
      kind: 'Retry',
      metadata: { name: 'patient', namespace: 'shop' },
      spec: {
        source: { kind: 'ServiceAccount', name: 'client', namespace: 'shop' },
        destinations: [{ kind: 'Service', name: 'failing', namespace: 'store' }],
        retryPolicy: { retryOn: '5xx', numRetries: 20, retryBackoffBaseInterval: '1ms' },
      },
    }),
  );
  // Of ten requests of which each fails by half, none does.
  await until('no request fails', async () => !(await statuses('http://failing.store/', 10)).includes(503));
});

test('requests end with their timeout, which a path may have of its own', async () => {
  await setting('slow', {
    timeouts: { request: '300ms' },
    fault: { delay: { duration: '1s' } },
    httpRoutes: [
      { path: '/report', timeouts: { request: '5s' } },
      { path: '/fast', fault: {} },
    ],
  });
  await cluster.status(CLIENT, 'http://slow.store/', 504);
  assert.deepEqual(await statuses('http://slow.store/report', 1), [200]);
  assert.deepEqual(await statuses('http://slow.store/fast', 1), [200]);
});

test('while nobody counts requests pass, or fail where that was asked for', async () => {
  await cluster.ok('scale', 'deploy/ratelimit', '-n', 'limits', '--replicas=0');
  await cluster.status(CLIENT, 'http://http.store/', 200);
  const http = { ...asking, timeout: '100ms', failOpen: false, descriptors: [generic('my_value', 'my_key')] };
  await setting('http', { rateLimit: { global: { http } } });
  await cluster.status(CLIENT, 'http://http.store/', 500);
});

test('settings that contradict themselves are refused', async () => {
  const refused = setting('slow', {
    loadBalancing: { affinity: { sourceAddress: {}, header: { name: 'x' } }, slowStart: { window: '1s' } },
  });
  await assert.rejects(refused, /must have one of header, cookie, sourceAddress/);
});
