import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createKubeClient } from './client.ts';
import { TYPES } from './resource-types.ts';
import { type Handler, HttpsServer, json, status, testAuthority, until } from './testing/https-server.ts';
import { ApiError, type KubeClient, type KubeObject } from './types.ts';

const stops: (() => unknown)[] = [];
after(async () => {
  for (const stop of stops.reverse()) await stop();
});

async function serve(handler: Handler, limits = {}): Promise<{ server: HttpsServer; client: KubeClient }> {
  const server = await HttpsServer.start(handler);
  const client = createKubeClient({ ...server.config, limits });
  stops.push(
    () => server.stop(),
    () => client.close(),
  );
  return { server, client };
}

const POD: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } };
const fault = (code: number, reason: string, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ApiError, String(error));
  assert.deepEqual([error.code, error.reason], [code, reason], error.message);
  if (message) assert.match(error.message, message);
  return true;
};

test('each verb becomes the request that the API documents', async () => {
  const { server, client } = await serve((_, response) => json(response, 200, { ...POD, items: [] }));
  const calls: [() => Promise<unknown>, string, (string | undefined)?, string?][] = [
    [() => client.get(TYPES.pods, 'web', { namespace: 'shop' }), 'GET /api/v1/namespaces/shop/pods/web'],
    [
      () => client.get(TYPES.deployments, 'a', { namespace: 'b', subresource: 'scale' }),
      'GET /apis/apps/v1/namespaces/b/deployments/a/scale',
    ],
    [() => client.get(TYPES.nodes, 'n', { namespace: 'ignored' }), 'GET /api/v1/nodes/n'],
    [() => client.list(TYPES.pods), 'GET /api/v1/pods'],
    [
      () =>
        client.list(TYPES.pods, {
          namespace: 'shop',
          labelSelector: 'a=b,c',
          fieldSelector: 'x!=y',
          limit: 2,
          continue: 'c/+',
        }),
      'GET /api/v1/namespaces/shop/pods?labelSelector=a%3Db%2Cc&fieldSelector=x%21%3Dy&limit=2&continue=c%2F%2B',
    ],
    [
      () => client.create(TYPES.pods, POD),
      'POST /api/v1/namespaces/shop/pods',
      'application/json',
      JSON.stringify(POD),
    ],
    [
      () =>
        client.create(
          TYPES.serviceAccounts,
          { spec: {} },
          { namespace: 'shop', name: 'default', subresource: 'token' },
        ),
      'POST /api/v1/namespaces/shop/serviceaccounts/default/token',
      'application/json',
      '{"spec":{}}',
    ],
    [
      () => client.update(TYPES.pods, POD, { subresource: 'status', dryRun: true, fieldManager: 'osm' }),
      'PUT /api/v1/namespaces/shop/pods/web/status?dryRun=All&fieldManager=osm',
      'application/json',
      JSON.stringify(POD),
    ],
    [
      () => client.patch(TYPES.pods, 'web', 'apply', POD, { namespace: 'shop', fieldManager: 'osm', force: true }),
      'PATCH /api/v1/namespaces/shop/pods/web?fieldManager=osm&force=true',
      'application/apply-patch+yaml',
      JSON.stringify(POD),
    ],
    [() => client.patch(TYPES.nodes, 'n', 'json', []), 'PATCH /api/v1/nodes/n', 'application/json-patch+json', '[]'],
    [() => client.patch(TYPES.nodes, 'n', 'merge', {}), 'PATCH /api/v1/nodes/n', 'application/merge-patch+json', '{}'],
    [
      () => client.patch(TYPES.nodes, 'n', 'strategic', {}, { subresource: 'status' }),
      'PATCH /api/v1/nodes/n/status',
      'application/strategic-merge-patch+json',
      '{}',
    ],
    [() => client.delete(TYPES.nodes, 'n'), 'DELETE /api/v1/nodes/n', undefined, ''],
    [
      () =>
        client.delete(TYPES.nodes, 'n', {
          gracePeriodSeconds: 0,
          propagationPolicy: 'Orphan',
          preconditions: { uid: 'u' },
        }),
      'DELETE /api/v1/nodes/n',
      'application/json',
      '{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"propagationPolicy":"Orphan","preconditions":{"uid":"u"}}',
    ],
    [
      () => client.deleteCollection(TYPES.secrets, { namespace: 'shop', labelSelector: 'a=b' }),
      'DELETE /api/v1/namespaces/shop/secrets?labelSelector=a%3Db',
    ],
    [() => client.raw('post', '/apis/x/y', { a: 1 }), 'POST /apis/x/y', 'application/json', '{"a":1}'],
  ];
  for (const [call, request, type, body] of calls) {
    await call();
    const seen = server.seen.at(-1);
    assert.equal(`${seen?.method} ${seen?.path}`, request);
    assert.equal(seen?.headers['content-type'], type, request);
    if (body !== undefined) assert.equal(seen?.body, body, request);
  }
  assert.equal(server.accepted, 1, 'requests one after the other share a connection');
});

test('names never leave their place in the path', async () => {
  const { server, client } = await serve((_, response) => json(response, 200, POD));
  for (const name of ['', '.', '..', '../nodes', 'a/b', 'a%2fb']) {
    await assert.rejects(client.get(TYPES.pods, name, { namespace: 'shop' }), RangeError);
    await assert.rejects(client.delete(TYPES.pods, name, { namespace: 'shop' }), RangeError);
  }
  await assert.rejects(client.list(TYPES.pods, { namespace: '../x' }), RangeError);
  await assert.rejects(client.raw('GET', 'version'), RangeError);
  await assert.rejects(client.raw('GET', '/version x\r\nhost: y'), RangeError);
  assert.deepEqual(server.requests, []);
  await client.get(TYPES.clusterRoles, 'system:node?a b');
  assert.deepEqual(server.requests, ['GET /apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode%3Fa%20b']);
});

test('items of a list carry their type, and raw gives text when it is no JSON', async () => {
  const { client } = await serve((seen, response) => {
    if (seen.path === '/healthz') response.end('ok');
    else
      json(response, 200, {
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: { resourceVersion: '7' },
        items: [{ metadata: { name: 'a' } }],
      });
  });
  const list = await client.list(TYPES.deployments);
  assert.deepEqual(list.items, [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } }]);
  assert.equal(list.metadata.resourceVersion, '7');
  assert.equal(await client.raw('GET', '/healthz'), 'ok');
});

test('failures carry the Status, or what the answer tells', async () => {
  const answers: [(response: Parameters<Handler>[1]) => void, (error: unknown) => boolean][] = [
    [
      (r) => json(r, 404, status(404, 'NotFound', 'pods "web" not found')),
      fault(404, 'NotFound', /^pods "web" not found$/),
    ],
    [(r) => json(r, 409, status(409, 'AlreadyExists')), fault(409, 'AlreadyExists')],
    [
      (r) => r.writeHead(503).end('<html>upstream</html>'),
      fault(503, 'ServiceUnavailable', /GET \/api\/v1\/nodes\/n: HTTP 503: <html>/),
    ],
    [(r) => r.writeHead(302, { location: 'https://example.org' }).end(), fault(302, 'Unknown')],
    [(r) => r.writeHead(200).end('{"kind":'), fault(200, 'InvalidAnswer', /not JSON/)],
    [(r) => r.writeHead(200).end('x'.repeat(3000)), fault(200, 'AnswerTooLarge', /larger than 2048 bytes/)],
    [(r) => r.writeHead(418).end('y'.repeat(1000)), fault(418, 'Unknown', /y{512}…$/)],
  ];
  const { server, client } = await serve(() => {}, { answerBytes: 2048 });
  for (const [answer, check] of answers) {
    server.handler = (_, response) => answer(response);
    await assert.rejects(client.get(TYPES.nodes, 'n'), check);
  }
  server.handler = (_, response) => json(response, 200, { metadata: {}, items: 'none' });
  await assert.rejects(client.list(TYPES.nodes), fault(200, 'InvalidAnswer', /not a list/));
});

test('a server that is not there, breaks off, stays silent or dribbles is unreachable, by its address', async () => {
  const { server, client } = await serve(() => {}, { requestMs: 150 });
  const address = new RegExp(`cannot reach the API server at https://127.0.0.1:${server.port}: `);
  await assert.rejects(client.get(TYPES.nodes, 'n'), fault(0, 'Unreachable', /no answer within 0.15 s/));
  server.handler = (_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(timer));
  };
  await assert.rejects(client.get(TYPES.nodes, 'n'), fault(0, 'Unreachable', /no answer within 0.15 s/));
  server.handler = (seen) => seen.socket.destroy();
  await assert.rejects(client.create(TYPES.nodes, {}), fault(0, 'Unreachable', address));
  await server.vanish();
  await assert.rejects(client.get(TYPES.nodes, 'n'), fault(0, 'Unreachable', address));
  await assert.rejects(client.get(TYPES.nodes, 'n'), fault(0, 'Unreachable', /ECONNREFUSED/));
  await server.listen();
  server.handler = (_, response) => json(response, 200, POD);
  await client.get(TYPES.nodes, 'n');
});

test('certificates are always verified: authority and name', async () => {
  const { server } = await serve((_, response) => json(response, 200, POD));
  const config = server.config;
  const cases: [Parameters<typeof createKubeClient>[0], RegExp | undefined][] = [
    [config, undefined],
    [{ ...config, serverName: 'kubernetes' }, undefined],
    [{ server: `https://localhost:${server.port}`, caPem: config.caPem ?? '' }, undefined],
    [{ server: server.url }, /self-signed|unable to (get|verify)/],
    [{ ...config, serverName: 'elsewhere' }, /not in the cert|altnames/],
    [{ ...config, certPem: 'nonsense', keyPem: 'nonsense' }, /cannot be used/],
  ];
  for (const [given, refusal] of cases) {
    const client = createKubeClient(given);
    const answer = client.get(TYPES.nodes, 'n');
    if (refusal) await assert.rejects(answer, fault(0, 'Unreachable', refusal));
    else await answer;
    client.close();
  }
  assert.throws(() => createKubeClient({ server: 'http://127.0.0.1:8001' }), RangeError);
});

test('a unix socket is reached by TLS with the client certificate', async () => {
  const server = await HttpsServer.start((_, response) => json(response, 200, POD), 'unix');
  stops.push(() => server.stop());
  const pair = testAuthority().issue('/O=system:masters/CN=admin');
  const { certPem, keyPem } = pair;
  const client = createKubeClient({
    socketPath: server.socketPath,
    caPem: testAuthority().certPem,
    certPem,
    keyPem,
    serverName: 'kubernetes',
  });
  stops.push(() => client.close());
  await client.get(TYPES.nodes, 'n');
  assert.equal(server.seen[0]?.client, 'admin');
  assert.equal(server.seen[0]?.headers.host, 'kubernetes');
  const gone = createKubeClient({ socketPath: '/nonexistent/api.sock', caPem: testAuthority().certPem });
  await assert.rejects(gone.get(TYPES.nodes, 'n'), fault(0, 'Unreachable', /unix:\/nonexistent\/api.sock: .*ENOENT/));
});

test('Retry-After is heeded once, for reads, when it is short', async () => {
  const { server, client } = await serve(() => {});
  let after = '0';
  let refusals = 1;
  server.handler = (_, response) => {
    refusals -= 1;
    if (refusals >= 0) json(response, 429, status(429, 'TooManyRequests'), { 'retry-after': after });
    else json(response, 200, POD);
  };
  await client.get(TYPES.nodes, 'n');
  assert.equal(server.seen.length, 2);
  refusals = 2;
  await assert.rejects(client.get(TYPES.nodes, 'n'), fault(429, 'TooManyRequests'));
  assert.equal(server.seen.length, 4);
  refusals = 1;
  await assert.rejects(client.create(TYPES.nodes, POD), fault(429, 'TooManyRequests'));
  assert.equal(server.seen.length, 5);
  refusals = 1;
  after = '3600';
  await assert.rejects(client.get(TYPES.nodes, 'n'), fault(429, 'TooManyRequests'));
  assert.equal(server.seen.length, 6);
});

test('a read meets a connection that the server has just closed and is asked again; a write is not', async () => {
  const { server, client } = await serve((_, response) => json(response, 200, POD));
  const breakOnce: Handler = (seen) => {
    server.handler = (_, response) => json(response, 200, POD);
    seen.socket.destroy();
  };
  await client.get(TYPES.nodes, 'n');
  server.handler = breakOnce;
  await client.get(TYPES.nodes, 'n');
  assert.equal(server.seen.length, 3);
  server.handler = breakOnce;
  await assert.rejects(client.create(TYPES.nodes, POD), fault(0, 'Unreachable'));
  assert.equal(server.seen.length, 4);
});

test('a signal ends a request with its reason, close ends all of them', async () => {
  const { server, client } = await serve(() => {});
  const controller = new AbortController();
  const reason = new Error('enough');
  const asked = client.list(TYPES.nodes, { signal: controller.signal });
  await until(() => server.seen.length === 1);
  controller.abort(reason);
  await assert.rejects(asked, (error) => error === reason);
  await assert.rejects(client.get(TYPES.nodes, 'n', { signal: controller.signal }), (error) => error === reason);
  assert.equal(server.seen.length, 1);
  const pending = client.get(TYPES.nodes, 'n');
  await until(() => server.seen.length === 2);
  client.close();
  await assert.rejects(pending, fault(0, 'Closed', /is closed/));
  await assert.rejects(client.get(TYPES.nodes, 'n'), fault(0, 'Closed', /is closed/));
  await until(() => server.connections.size === 0, 'that every connection ends');
});
