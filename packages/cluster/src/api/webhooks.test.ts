import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Bench } from './testing/bench.ts';

/** What a webhook answers, by path; `undefined` never answers. */
type Answer = (request: Review['request']) => object | undefined;

interface Review {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into requests of every shape.
  readonly request: any;
}

let bench: Bench;
let server: Server;
let reachable = true;
const answers = new Map<string, Answer>();
const asked: { path: string; request: Review['request'] }[] = [];

before(async () => {
  const link = {
    kubeletSocket: '/nowhere',
    dial: async () => {
      if (!reachable) throw new Error('connection refused');
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
  };
  bench = new Bench({ nodeLink: () => link });
  const { certPem, keyPem } = bench.authority.issue('/CN=hook', 'DNS:hook.default.svc');
  server = createServer({ cert: certPem, key: keyPem }, (request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await bench.start();
  await post('/api/v1/namespaces/default/services', { metadata: { name: 'hook' }, spec: { ports: [{ port: 443 }] } });
});

after(async () => {
  await bench.remove();
  server.close();
  server.closeAllConnections();
});

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
  const path = (request.url ?? '').split('?')[0] ?? '';
  asked.push({ path, request: review.request });
  const reply = answers.get(path)?.(review.request);
  if (reply === undefined) return;
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: review.request.uid, ...reply },
    }),
  );
};

const post = (path: string, body: object) => bench.ask(path, { method: 'POST', body });
const HOOKS = '/apis/admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';

const patchOf = (operations: object[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

/** Configures one webhook for ConfigMaps for the time of a test. */
const withHook = async (
  phase: 'mutating' | 'validating',
  path: string,
  extra: object,
  run: () => Promise<void>,
): Promise<void> => {
  const body = {
    metadata: { name: 'hook' },
    webhooks: [
      {
        name: 'hook.example.com',
        clientConfig: {
          service: { namespace: 'default', name: 'hook', path, port: 443 },
          caBundle: Buffer.from(bench.authority.certPem).toString('base64'),
        },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['*'] }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        ...extra,
      },
    ],
  };
  const created = await post(`${HOOKS}/${phase}webhookconfigurations`, body);
  assert.equal(created.status, 201, created.text);
  try {
    await run();
  } finally {
    await bench.ask(`${HOOKS}/${phase}webhookconfigurations/hook`, { method: 'DELETE' });
  }
};

test('a mutating webhook changes what is stored, and is told who asks what', async () => {
  answers.set('/label', () => patchOf([{ op: 'add', path: '/metadata/labels', value: { hooked: 'yes' } }]));
  await withHook('mutating', '/label', {}, async () => {
    const { status, json } = await post(MAPS, { metadata: { name: 'mutated' }, data: { a: '1' } });
    assert.equal(status, 201);
    assert.deepEqual(json.metadata.labels, { hooked: 'yes' });
    assert.deepEqual((await bench.ask(`${MAPS}/mutated`)).json.metadata.labels, { hooked: 'yes' });
    const { request } = asked.at(-1) ?? assert.fail();
    assert.deepEqual(
      [
        request.operation,
        request.name,
        request.namespace,
        request.userInfo.username,
        request.kind.kind,
        request.resource.resource,
      ],
      ['CREATE', 'mutated', 'default', 'admin', 'ConfigMap', 'configmaps'],
    );
    assert.deepEqual([request.object.data, request.oldObject, request.dryRun], [{ a: '1' }, null, false]);
  });
});

test('webhooks see a new object before the server has named and dated it, and cannot change what it says', async () => {
  answers.set('/own', () =>
    patchOf([
      { op: 'add', path: '/metadata/uid', value: 'mine' },
      { op: 'add', path: '/metadata/name', value: 'mine' },
      { op: 'add', path: '/metadata/namespace', value: 'kube-system' },
    ]),
  );
  await withHook('mutating', '/own', {}, async () => {
    const { json } = await post(MAPS, { metadata: { generateName: 'gen-' } });
    assert.match(json.metadata.name, /^gen-.{5}$/);
    assert.match(json.metadata.uid, /^[0-9a-f-]{36}$/);
    assert.equal(json.metadata.namespace, 'default');
    const { request } = asked.at(-1) ?? assert.fail();
    const { name, uid, creationTimestamp, generateName } = request.object.metadata;
    assert.deepEqual(
      [request.name, name, uid, creationTimestamp, generateName],
      [undefined, undefined, undefined, undefined, 'gen-'],
    );
  });
});

test('a validating webhook denies in its own words, warns, and sees the final object', async () => {
  answers.set('/check', ({ object, operation }) =>
    operation !== 'DELETE' && object.data?.bad !== undefined
      ? { allowed: false, status: { message: 'bad is bad', code: 400, reason: 'BadRequest' } }
      : { allowed: true, warnings: ['be careful'] },
  );
  await withHook('validating', '/check', {}, async () => {
    const good = await post(MAPS, { metadata: { name: 'good' } });
    assert.equal(good.status, 201);
    assert.match(String(good.headers.warning), /299 - "be careful"/);
    const bad = await post(MAPS, { metadata: { name: 'bad' }, data: { bad: 'x' } });
    assert.equal(bad.status, 400);
    assert.match(bad.json.message, /admission webhook "hook\.example\.com" denied the request: bad is bad/);
    assert.equal((await bench.ask(`${MAPS}/bad`)).status, 404);
    const { json } = await bench.ask(`${MAPS}/good`);
    const update = await bench.ask(`${MAPS}/good`, { method: 'PUT', body: { ...json, data: { bad: 'x' } } });
    assert.equal(update.status, 400);
    assert.equal((await bench.ask(`${MAPS}/good`, { method: 'DELETE' })).status, 200);
    const { request } = asked.at(-1) ?? assert.fail();
    assert.deepEqual([request.operation, request.object, request.oldObject.metadata.name], ['DELETE', null, 'good']);
  });
});

test('a webhook that cannot be reached stops the write or not, as its failurePolicy says', async () => {
  reachable = false;
  // Kept connections go as well, without notice: a new one is tried.
  server.closeAllConnections();
  try {
    await withHook('mutating', '/label', { failurePolicy: 'Fail' }, async () => {
      const { status, json } = await post(MAPS, { metadata: { name: 'unreached' } });
      assert.deepEqual([status, json.reason], [500, 'InternalError']);
      assert.match(json.message, /failed calling webhook "hook\.example\.com".*connection refused/);
      // Configurations themselves stay within reach.
      assert.equal((await bench.ask(`${HOOKS}/mutatingwebhookconfigurations`)).status, 200);
    });
    await withHook('mutating', '/label', { failurePolicy: 'Ignore' }, async () => {
      assert.equal((await post(MAPS, { metadata: { name: 'unreached' } })).status, 201);
    });
  } finally {
    reachable = true;
  }
});

test('a webhook that does not answer in time has failed', async () => {
  answers.set('/silent', () => undefined);
  await withHook('validating', '/silent', { timeoutSeconds: 1, failurePolicy: 'Fail' }, async () => {
    const { status, json } = await post(MAPS, { metadata: { name: 'slow' } });
    assert.equal(status, 500);
    assert.match(json.message, /failed calling webhook/);
  });
});

test('a webhook whose certificate is not trusted has failed', async () => {
  const stranger = new Bench();
  const caBundle = Buffer.from(stranger.authority.certPem).toString('base64');
  await stranger.remove();
  const clientConfig = { service: { namespace: 'default', name: 'hook', path: '/label' }, caBundle };
  await withHook('mutating', '/label', { clientConfig }, async () => {
    assert.match((await post(MAPS, { metadata: { name: 'untrusted' } })).json.message, /failed calling webhook/);
  });
});

test('selectors keep a webhook away from what is not its business', async () => {
  answers.set('/never', () => ({ allowed: false }));
  await post('/api/v1/namespaces', { metadata: { name: 'meshed', labels: { mesh: 'on' } } });
  const selectors = {
    namespaceSelector: { matchLabels: { mesh: 'on' } },
    objectSelector: { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }] },
  };
  await withHook('validating', '/never', selectors, async () => {
    const make = async (namespace: string, labels: object) =>
      (await post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { generateName: 's-', labels } })).status;
    assert.deepEqual(
      [await make('default', {}), await make('meshed', {}), await make('meshed', { skip: 'x' })],
      [201, 400, 201],
    );
  });
});

test('defaults and validation come after mutation', async () => {
  await post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }];
  answers.set('/sidecar', () =>
    patchOf([{ op: 'add', path: '/spec/containers/-', value: { name: 'proxy', image: 'envoy' } }]),
  );
  await withHook('mutating', '/sidecar', { rules }, async () => {
    const { json } = await post('/api/v1/namespaces/default/pods', {
      metadata: { name: 'pod' },
      spec: { containers: [{ name: 'app', image: 'i' }] },
    });
    assert.deepEqual(
      json.spec.containers.map(({ name }: { name: string }) => name),
      ['app', 'proxy'],
    );
    assert.equal(json.spec.containers[1].terminationMessagePath, '/dev/termination-log');
  });
  answers.set('/break', () => patchOf([{ op: 'remove', path: '/spec/containers' }]));
  await withHook('mutating', '/break', { rules }, async () => {
    const { status, json } = await post('/api/v1/namespaces/default/pods', {
      metadata: { name: 'broken' },
      spec: { containers: [{ name: 'app', image: 'i' }] },
    });
    assert.deepEqual([status, json.reason], [422, 'Invalid']);
  });
});
