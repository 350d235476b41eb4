import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ask, echoOf, httpApplication, tell, tellTls } from './testing/applications.ts';
import { type Address, freePort, startProxy, until } from './testing/envoy.ts';
import * as p from './testing/plans.ts';

/** HTTP between proxies of a mesh, by the real Envoy: who gets which answer. */

const SERVER = '127.0.0.2';
const [BUYER, THIEF] = ['bookbuyer/bookbuyer', 'bookthief/bookthief'];

async function mesh(t: TestContext) {
  const v1 = await httpApplication(t, 'v1');
  const v2 = await httpApplication(t, 'v2');
  const port = await freePort();
  const [keyV1, keyV2] = [`bookstore/v1|${v1}`, `bookstore/v2|${v2}`];
  const rules = p.rules([
    p.httpRule('bookstore/buyer', { path: '/books', methods: ['GET'] }, BUYER),
    p.httpRule('bookstore/thief', { path: '/.*', methods: ['GET'] }, THIEF),
    p.httpRule('bookstore/thief', { path: '/admin', methods: ['POST', 'PUT'] }, THIEF),
    p.httpRule('bookstore/buyer', { path: '/header', headers: [{ name: 'x-key', regex: 'a+' }] }, BUYER),
  ]);
  const server = await startProxy(
    t,
    p.plan('bookstore/bookstore', {
      inbound: [
        p.inbound('bookstore/v1', 80, v1, { access: rules }),
        p.inbound('bookstore/v2', 80, v2, {
          routeRateLimits: [
            {
              path: '/limited',
              limit: {
                maxTokens: 1,
                tokensPerFill: 1,
                fillIntervalSeconds: 3600,
                status: 429,
                headersToAdd: [{ name: 'x-limited', value: 'yes' }],
              },
            },
          ],
        }),
      ],
    }),
    {
      inbound: [
        [SERVER, v1],
        [SERVER, v2],
      ],
    },
  );
  const upstreams = [
    p.upstream(keyV1, ['bookstore/bookstore']),
    p.upstream(keyV2, ['bookstore/bookstore']),
    // Asks for v1, but takes only somebody else for it.
    p.upstream('bookstore/imposter|1', [THIEF], { serverName: 'v1.bookstore.svc.cluster.local' }),
    p.upstream('bookstore/flaky|1', ['bookstore/bookstore'], { serverName: 'v2.bookstore.svc.cluster.local' }),
  ];
  const nowhere = await freePort();
  const assignments = [
    p.assignment(keyV1, p.endpoint(SERVER, v1)),
    p.assignment(keyV2, p.endpoint(SERVER, v2), p.endpoint(SERVER, nowhere, 'draining')),
    p.assignment('bookstore/imposter|1', p.endpoint(SERVER, v1)),
    p.assignment('bookstore/flaky|1', p.endpoint(SERVER, nowhere), p.endpoint(SERVER, v2)),
  ];
  const client = async (identity: string, network: string) => {
    const at = (last: number): Address => [`${network}.${last}`, port];
    const retry = { on: 'connect-failure', retries: 3, baseIntervalMs: 1 };
    const service = (name: string, last: number, ...to: (readonly [string, number])[]) =>
      p.outbound(`bookstore/${name}`, port, at(last)[0], to);
    const flaky = service('flaky', 6, ['bookstore/flaky|1', 1]);
    await startProxy(
      t,
      p.plan(identity, {
        outbound: [
          service('v1', 1, [keyV1, 1]),
          service('v2', 2, [keyV2, 1]),
          service('split', 3, [keyV1, 0], [keyV2, 1]),
          service('nowhere', 4),
          service('imposter', 5, ['bookstore/imposter|1', 1]),
          { ...flaky, routes: flaky.routes.map((route) => ({ ...route, retry })) },
          {
            ...service('by-header', 7),
            routes: [
              {
                match: { path: '.*', headers: [{ name: 'x-canary', regex: 'yes' }] },
                destinations: [{ upstream: keyV2, weight: 1 }],
                origins: [],
              },
              { destinations: [{ upstream: keyV1, weight: 1 }], origins: [] },
            ],
          },
        ],
        upstreams,
        assignments,
      }),
      { outbound: [1, 2, 3, 4, 5, 6, 7, 9].map(at) },
    );
    return at;
  };
  const [buyer, thief] = await Promise.all([client(BUYER, '127.0.1'), client(THIEF, '127.0.3')]);
  return { server, buyer, thief, v1, v2 };
}

test('HTTP between proxies', async (t) => {
  const { server, buyer, thief, v1, v2 } = await mesh(t);
  const status = async (...args: Parameters<typeof ask>): Promise<number> => (await ask(...args)).status;

  await t.test('what a rule allows is answered by the application', async () => {
    const answer = await ask(buyer(1), '/books?page=2');
    assert.equal(answer.status, 200);
    assert.equal(echoOf(answer).url, '/books?page=2');
    assert.equal(answer.headers.server, 'v1');
    assert.equal(await status(buyer(1), '/header', { headers: { 'x-key': 'aaa' } }), 200);
  });

  await t.test('what no rule is about is not found', async () => {
    assert.equal(await status(buyer(1), '/books', { method: 'POST' }), 404);
    assert.equal(await status(thief(1), '/admin', { method: 'DELETE' }), 404);
    assert.equal(await status(buyer(1), '/header', { method: 'PUT', headers: { 'x-key': 'ab' } }), 404);
    assert.equal(await status(buyer(1), '/header', { method: 'PUT' }), 404);
  });

  await t.test('what a rule lets others do is forbidden', async () => {
    assert.equal(await status(buyer(1), '/other'), 403);
    assert.equal(await status(buyer(1), '/admin', { method: 'POST' }), 403);
    assert.equal(await status(thief(1), '/admin', { method: 'POST' }), 200);
    assert.equal(await status(thief(1), '/admin', { method: 'PUT' }), 200);
  });

  await t.test('rules add up: a former one that matches hides none after it', async () => {
    assert.equal(await status(thief(1), '/books'), 200);
    assert.equal(await status(thief(1), '/header', { headers: { 'x-key': 'a' } }), 200);
  });

  await t.test('paths are judged in their normal form', async () => {
    assert.equal(await status(buyer(1), '/other/../books'), 200);
    assert.equal(await status(buyer(1), '/%62ooks'), 200);
    assert.equal(await status(buyer(1), '//books'), 200);
    assert.equal(await status(buyer(1), '/books/../admin', { method: 'POST' }), 403);
    assert.equal(await status(thief(1), '/books%2F..%2Fadmin'), 400);
    // Without rules about paths, the application gets what was sent.
    assert.equal(echoOf(await ask(buyer(2), '/scope%2Fname//x')).url, '/scope%2Fname//x');
  });

  await t.test('a workload without any rule is cut off', async () => {
    const as = { workload: 'bookstore/bookstore', servername: 'v1.bookstore.svc.cluster.local', alpn: 'osm' };
    const denied = await server.stat('network-.rbac.denied');
    assert.equal(await tellTls([SERVER, v1], as, 'GET /books HTTP/1.1\r\nhost: x\r\n\r\n'), '');
    assert.equal(await server.stat('network-.rbac.denied'), denied + 1);
  });

  await t.test('nothing comes in but mTLS of the mesh', async () => {
    const servername = 'v1.bookstore.svc.cluster.local';
    const say = 'GET /books HTTP/1.1\r\nhost: x\r\n\r\n';
    assert.equal(await tell([SERVER, v1], say), '');
    assert.equal(await tellTls([SERVER, v1], { servername, alpn: 'osm' }, say), '');
    assert.equal(await tellTls([SERVER, v1], { workload: BUYER, servername, alpn: 'h2' }, say), '');
    assert.equal(await tellTls([SERVER, v1], { workload: BUYER, servername: 'other', alpn: 'osm' }, say), '');
    assert.equal(await tell([SERVER, v2], say), '');
    // The same request, were it allowed.
    assert.match(await tellTls([SERVER, v1], { workload: BUYER, servername, alpn: 'osm' }, say, '}'), /^HTTP\/1.1 200/);
  });

  await t.test('a server must be one that stands behind the service', async () => {
    assert.equal(await status(buyer(5), '/books'), 503);
  });

  await t.test('clients steer no proxy by headers', async () => {
    const headers = {
      'x-envoy-retry-on': '5xx',
      'x-envoy-upstream-rq-timeout-ms': '1',
      'x-envoy-internal': 'true',
      'x-forwarded-client-cert': 'By=me',
      'x-forwarded-for': '203.0.113.7',
      x_underscore: 'kept',
    };
    const seen = echoOf(await ask(buyer(2), '/', { headers })).headers;
    for (const name of [
      'x-envoy-retry-on',
      'x-envoy-upstream-rq-timeout-ms',
      'x-envoy-internal',
      'x-forwarded-client-cert',
    ]) {
      assert.equal(seen[name], undefined, name);
    }
    assert.equal(seen['x-forwarded-for'], '203.0.113.7');
    assert.equal(seen.x_underscore, 'kept');
  });

  await t.test('the Host header does not choose the service', async () => {
    const answer = await ask(buyer(2), '/', { headers: { host: 'anything.example:99' } });
    assert.equal(echoOf(answer).headers.host, 'anything.example:99');
  });

  await t.test('weight 0 and draining endpoints get nothing', async () => {
    const names = await Promise.all(Array.from({ length: 20 }, async () => echoOf(await ask(buyer(3))).name));
    assert.deepEqual(new Set(names), new Set(['v2']));
  });

  await t.test('the first route that matches is taken', async () => {
    assert.equal(echoOf(await ask(buyer(7), '/books', { headers: { 'x-canary': 'yes' } })).name, 'v2');
    assert.equal(echoOf(await ask(buyer(7), '/books', { headers: { 'x-canary': 'no' } })).name, 'v1');
  });

  await t.test('failed connections are tried at another endpoint', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => status(buyer(6))));
    assert.deepEqual(new Set(all), new Set([200]));
  });

  await t.test('a service without destinations answers 503, an unknown address nothing', async () => {
    assert.equal(await status(buyer(4)), 503);
    await assert.rejects(ask(buyer(9)), { code: /ECONNRESET|EPIPE/ } as never);
  });

  await t.test('requests beyond a limit are answered with its status and headers', async () => {
    assert.equal(await status(buyer(2), '/limited'), 200);
    const answer = await ask(buyer(2), '/limited');
    assert.equal(answer.status, 429);
    assert.equal(answer.headers['x-envoy-ratelimited'], 'true');
    assert.equal(answer.headers['x-limited'], 'yes');
    assert.equal(await status(buyer(2), '/'), 200);
  });

  await t.test('WebSockets pass', async () => {
    const [host, port] = buyer(2);
    const socket = connect(port, host);
    t.after(() => socket.destroy());
    socket.write('GET /chat HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n');
    const heard = await new Promise<string>((resolve) => {
      let text = '';
      socket.on('close', () => resolve(text));
      socket.on('data', (data) => {
        text += String(data);
        if (text.endsWith('\r\n\r\n')) socket.write('ping');
        if (text.endsWith('ping')) resolve(text);
      });
    });
    assert.match(heard, /^HTTP\/1.1 101/);
    assert.match(heard, /ping$/);
  });

  await t.test('HTTP/1.0 is spoken with applications that still do', async () => {
    assert.match(await tell(buyer(2), 'GET / HTTP/1.0\r\nhost: x\r\n\r\n'), /^HTTP\/1.\d 200/);
  });

  await t.test('requests are logged without their query', async () => {
    const entry = await until('the line of a request', async () => {
      const lines = (await server.output()).split('\n').filter((line) => line.endsWith('}'));
      const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      return entries.find(({ path, response_code }) => path === '/books' && response_code === 200);
    });
    assert.equal(Object.keys(entry).length, 23);
    assert.equal(entry.requested_server_name, 'v1.bookstore.svc.cluster.local');
    assert.equal(entry.upstream_cluster, `bookstore/v1|${v1}|local`);
    assert.ok(!(await server.output()).includes('page=2'));
    // A connection that no chain takes leaves a line too.
    const refused = (line: string): boolean => line.includes('"response_flags":"NR"') && line.includes('"path":null');
    await until('the line of a refusal', async () => (await server.output()).split('\n').find(refused));
  });
});
