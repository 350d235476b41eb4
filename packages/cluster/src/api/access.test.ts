import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Bench } from './testing/bench.ts';

let bench: Bench;
let now = new Date('2026-06-01T12:00:00Z');

before(async () => {
  bench = await new Bench({ now: () => now }).start();
});

after(() => bench.remove());

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const post = (path: string, body: object) => bench.ask(path, { method: 'POST', body });
const subject = (name: string) => ({ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name });

const allow = async (name: string, user: string, rules: object[], namespace?: string): Promise<void> => {
  const place = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const [role, roles, bindings] =
    namespace === undefined
      ? ['ClusterRole', 'clusterroles', 'clusterrolebindings']
      : ['Role', 'roles', 'rolebindings'];
  assert.equal((await post(`${RBAC}${place}/${roles}`, { metadata: { name }, rules })).status, 201);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: role, name };
  assert.equal(
    (await post(`${RBAC}${place}/${bindings}`, { metadata: { name }, roleRef, subjects: [subject(user)] })).status,
    201,
  );
};

const rule = (verbs: string[], resources: string[], extra: object = {}) => ({
  apiGroups: [''],
  verbs,
  resources,
  ...extra,
});

test('without credentials only health and version are open', async () => {
  const ask = (path: string) => bench.ask(path, { user: 'anonymous' });
  for (const path of ['/healthz', '/readyz', '/livez', '/version']) assert.equal((await ask(path)).status, 200, path);
  const refused = await ask('/api/v1/pods');
  assert.equal(refused.status, 403);
  assert.equal(
    refused.json.message,
    'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
  );
  assert.equal((await ask('/apis')).json.message, 'forbidden: User "system:anonymous" cannot get path "/apis"');
});

test('wrong credentials are not the same as none', async () => {
  const bearer = (authorization: string) => bench.ask('/healthz', { user: 'anonymous', headers: { authorization } });
  assert.equal((await bearer('Bearer nonsense')).status, 401);
  assert.equal((await bearer('Basic YTpi')).status, 401);
  const stranger = await new Bench().start();
  try {
    const reply = await bench.ask('/healthz', { user: stranger.admin });
    assert.deepEqual([reply.status, reply.json.reason], [401, 'Unauthorized']);
  } finally {
    await stranger.remove();
  }
});

test('a certificate names user and groups', async () => {
  const carol = bench.user('carol', 'team-a', 'team-b');
  const review = await bench.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    method: 'POST',
    body: {},
    user: carol,
  });
  assert.equal(review.json.status.userInfo.username, 'carol');
  assert.deepEqual(review.json.status.userInfo.groups, ['team-a', 'team-b', 'system:authenticated']);
});

test('roles give what their rules say, where they say it, and nothing else', async () => {
  const user = bench.user('dave');
  const status = async (path: string, method = 'GET', body?: object) =>
    (await bench.ask(path, { method, user, ...(body === undefined ? {} : { body }) })).status;
  const pods = '/api/v1/namespaces/default/pods';
  assert.equal(await status(pods), 403);
  await allow(
    'dave-pods',
    'dave',
    [rule(['get', 'list'], ['pods']), rule(['get'], ['configmaps'], { resourceNames: ['one'] })],
    'default',
  );
  assert.equal(await status(pods), 200);
  assert.equal(await status('/api/v1/namespaces/kube-system/pods'), 403);
  assert.equal(await status('/api/v1/pods'), 403);
  assert.equal(await status(`${pods}?watch=true`), 403);
  assert.equal(await status(`${pods}/x/log`), 403);
  assert.equal(await status('/api/v1/namespaces/default/configmaps/one'), 404);
  assert.equal(await status('/api/v1/namespaces/default/configmaps/two'), 403);
  assert.equal(await status('/api/v1/namespaces/default/configmaps'), 403);
  await bench.ask(`${RBAC}/namespaces/default/rolebindings/dave-pods`, { method: 'DELETE' });
  assert.equal(await status(pods), 403);
});

test('aggregated roles take in what is labelled for them', async () => {
  await post(`${RBAC}/clusterroles`, {
    metadata: { name: 'things-view', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } },
    rules: [{ apiGroups: ['example.com'], resources: ['things'], verbs: ['get'] }],
  });
  const ask = async (role: string): Promise<boolean> => {
    const name = `user-of-${role}`;
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role };
    await post(`${RBAC}/clusterrolebindings`, { metadata: { name }, roleRef, subjects: [subject(name)] });
    const resourceAttributes = { verb: 'get', group: 'example.com', resource: 'things', namespace: 'default' };
    const spec = { user: name, resourceAttributes };
    return (await post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec })).json.status.allowed;
  };
  assert.deepEqual(
    [await ask('view'), await ask('edit'), await ask('admin'), await ask('system:discovery')],
    [true, true, true, false],
  );
});

test('nobody gives away more than he has', async () => {
  const manager = bench.user('erin');
  const rbac = {
    apiGroups: ['rbac.authorization.k8s.io'],
    verbs: ['create', 'update', 'get'],
    resources: ['roles', 'rolebindings'],
  };
  await allow('erin', 'erin', [rbac, rule(['get', 'list'], ['pods'])], 'default');
  const make = (name: string, rules: object[]) =>
    bench.ask(`${RBAC}/namespaces/default/roles`, {
      method: 'POST',
      body: { metadata: { name }, rules },
      user: manager,
    });
  assert.equal((await make('own', [rule(['get'], ['pods'])])).status, 201);
  const refused = await make('more', [rule(['get'], ['secrets'])]);
  assert.equal(refused.status, 403);
  assert.match(refused.json.message, /attempting to grant RBAC permissions not currently held/);
  const bind = (role: string) =>
    bench.ask(`${RBAC}/namespaces/default/rolebindings`, {
      method: 'POST',
      user: manager,
      body: {
        metadata: { name: `bind-${role}` },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [subject('erin')],
      },
    });
  assert.equal((await bind('cluster-admin')).status, 403);
});

test('impersonation needs its own right', async () => {
  const frank = bench.user('frank');
  const as = (headers: Record<string, string>, user = frank) =>
    bench.ask('/api/v1/namespaces/default/pods', { headers, user });
  const refused = await as({ 'impersonate-user': 'root' });
  assert.match(refused.json.message, /cannot impersonate resource "users"/);
  await allow('impersonator', 'frank', [rule(['impersonate'], ['users'], { resourceNames: ['grace'] })]);
  assert.match((await as({ 'impersonate-user': 'grace' })).json.message, /User "grace" cannot list/);
  assert.equal((await as({ 'impersonate-user': 'root' })).status, 403);
  assert.match(
    (await as({ 'impersonate-user': 'grace', 'impersonate-group': 'system:masters' })).json.message,
    /groups/,
  );
  assert.equal((await as({ 'impersonate-user': 'x', 'impersonate-group': 'system:masters' }, bench.admin)).status, 200);
});

const account = async (name: string) =>
  (await post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name } })).json;
const tokenOf = (name: string, spec: object = {}) =>
  post(`/api/v1/namespaces/default/serviceaccounts/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec,
  });
const review = async (token: string, audiences?: string[]) =>
  (
    await post('/apis/authentication.k8s.io/v1/tokenreviews', {
      spec: { token, ...(audiences === undefined ? {} : { audiences }) },
    })
  ).json.status;

test('tokens carry their audience, their life and their account', async () => {
  const { metadata } = await account('tokens');
  const { json, status } = await tokenOf('tokens', { audiences: ['mesh'], expirationSeconds: 900 });
  assert.equal(status, 201);
  assert.equal(json.status.expirationTimestamp, '2026-06-01T12:15:00Z');
  const { token } = json.status;
  const answer = await review(token, ['mesh', 'other']);
  assert.deepEqual([answer.authenticated, answer.audiences], [true, ['mesh']]);
  assert.deepEqual([answer.user.username, answer.user.uid], ['system:serviceaccount:default:tokens', metadata.uid]);
  assert.deepEqual(answer.user.groups, [
    'system:serviceaccounts',
    'system:serviceaccounts:default',
    'system:authenticated',
  ]);
  assert.equal((await review(token)).authenticated, undefined);
  assert.equal(
    (await bench.ask('/api', { user: 'anonymous', headers: { authorization: `Bearer ${token}` } })).status,
    401,
  );
  now = new Date('2026-06-01T12:15:01Z');
  assert.equal((await review(token, ['mesh'])).authenticated, undefined);
  assert.equal((await tokenOf('tokens', { expirationSeconds: 60 })).status, 422);
});

test('a token with one bit changed is worth nothing', async () => {
  await account('forged');
  const { token } = (await tokenOf('forged')).json.status;
  const [head, body, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'system:serviceaccount:default:x' })).toString(
    'base64url',
  );
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
  for (const wrong of [
    `${head}.${forged}.${signature}`,
    `${unsigned}.${body}.`,
    `${head}.${body}`,
    `${head}.${body}.${signature.slice(0, -4)}AAAA`,
  ])
    assert.equal((await review(wrong)).authenticated, undefined);
  assert.equal((await review(token)).authenticated, true);
});

test('a token dies with what it is bound to', async () => {
  await account('bound');
  const pod = await post('/api/v1/namespaces/default/pods', {
    metadata: { name: 'holder' },
    spec: { serviceAccountName: 'bound', containers: [{ name: 'c', image: 'i' }] },
  });
  assert.equal(pod.status, 201, pod.text);
  const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'holder', uid: pod.json.metadata.uid };
  const { token } = (await tokenOf('bound', { boundObjectRef })).json.status;
  const answer = await review(token);
  assert.deepEqual(answer.user.extra['authentication.kubernetes.io/pod-name'], ['holder']);
  assert.equal((await tokenOf('bound', { boundObjectRef: { ...boundObjectRef, uid: 'other' } })).status, 409);
  await account('stranger');
  assert.equal((await tokenOf('stranger', { boundObjectRef })).status, 403);
  await bench.ask('/api/v1/namespaces/default/pods/holder', { method: 'DELETE', body: { gracePeriodSeconds: 0 } });
  assert.equal((await review(token)).authenticated, undefined);
});

test('tokens verify with the published keys alone', async () => {
  await account('published');
  const { token } = (await tokenOf('published')).json.status;
  const { keys } = (await bench.ask('/openid/v1/jwks')).json;
  const { createPublicKey, verify } = await import('node:crypto');
  const key = createPublicKey({ key: keys[0], format: 'jwk' });
  const [head, body, signature] = token.split('.');
  assert.ok(
    verify(
      'sha256',
      Buffer.from(`${head}.${body}`),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    ),
  );
});

test('a secret of the token type is filled in', async () => {
  await account('legacy');
  const secret = await post('/api/v1/namespaces/default/secrets', {
    type: 'kubernetes.io/service-account-token',
    metadata: { name: 'legacy', annotations: { 'kubernetes.io/service-account.name': 'legacy' } },
  });
  const token = Buffer.from(secret.json.data.token, 'base64').toString();
  assert.equal((await review(token)).user.username, 'system:serviceaccount:default:legacy');
  await bench.ask('/api/v1/namespaces/default/secrets/legacy', { method: 'DELETE' });
  assert.equal((await review(token)).authenticated, undefined);
});

test('the unix socket serves the same API with the same certificate', async () => {
  const write = (name: string, text: string) => {
    const path = join(bench.directory, name);
    execFileSync('tee', [path], { input: text, stdio: ['pipe', 'ignore', 'ignore'] });
    return path;
  };
  const { get } = await import('node:https');
  const [cert, key, ca] = [
    write('client.crt', bench.admin.certPem),
    write('client.key', bench.admin.keyPem),
    join(bench.directory, 'ca.crt'),
  ].map((path) => readFileSync(path));
  const options = {
    socketPath: join(bench.directory, 'api.sock'),
    host: 'localhost',
    path: '/api/v1/namespaces/default',
    cert,
    key,
    ca,
  };
  const status = await new Promise((resolve, reject) => {
    get(options as object, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
  assert.equal(status, 200);
});
