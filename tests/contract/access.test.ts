import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import { at, refused, until } from './testing/expect.ts';
import {
  ACCESS_REVIEWS,
  configMap,
  OWN_ACCESS_REVIEWS,
  podTemplate,
  ROLE_BINDINGS,
  ROLES,
  RULES_REVIEWS,
  SELF_REVIEWS,
} from './testing/objects.ts';
import { ask, client, clientOf, clientWithToken, ownNamespace, uniqueName } from './testing/server.ts';

/** Who may do what: RBAC, reviews of access, tokens. */
const namespace = ownNamespace('access');
const RBAC = 'rbac.authorization.k8s.io';
const role = (name: string, rules: readonly object[]): object => ({
  apiVersion: `${RBAC}/v1`,
  kind: 'Role',
  metadata: { name },
  rules,
});
const binding = (name: string, subject: object, roleRef: object = { kind: 'Role', name }): object => ({
  apiVersion: `${RBAC}/v1`,
  kind: 'RoleBinding',
  metadata: { name },
  roleRef: { apiGroup: RBAC, ...roleRef },
  subjects: [subject],
});
const user = (name: string): object => ({ apiGroup: RBAC, kind: 'User', name });
const reads = (verbs: readonly string[], more: object = {}): object => ({
  apiGroups: [''],
  resources: ['configmaps'],
  verbs,
  ...more,
});

/** Makes a Role, and binds it in the namespace. */
async function grant(name: string, subject: object, rules: readonly object[]): Promise<void> {
  await client.create(ROLES, role(name, rules), { namespace });
  await client.create(ROLE_BINDINGS, binding(name, subject), { namespace });
}

/** Waits until a request is allowed: grants come into force a moment after they are made. */
const allowed = async (what: string, request: () => Promise<unknown>): Promise<void> => {
  await until(
    what,
    () =>
      request().then(
        () => 'allowed',
        (error) => String(error),
      ),
    (outcome) => outcome === 'allowed',
  );
};

const review = async (who: KubeClient, attributes: object): Promise<boolean> => {
  const object = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: attributes };
  return at(await who.create(OWN_ACCESS_REVIEWS, object), 'status', 'allowed');
};
const onConfigMaps = (verb: string, more: object = {}): object => ({
  resourceAttributes: { namespace, verb, resource: 'configmaps', ...more },
});

before(async () => {
  await client.create(TYPES.configMaps, configMap('open'), { namespace });
  await client.create(TYPES.configMaps, configMap('closed'), { namespace });
});

test('who was granted nothing is refused, and told what', async () => {
  const nobody = clientOf('contract-nobody');
  const error = await refused(nobody.list(TYPES.configMaps, { namespace }), 403, 'Forbidden');
  assert.equal(
    error.message.endsWith(
      `configmaps is forbidden: User "contract-nobody" cannot list resource "configmaps" in API group "" in the namespace "${namespace}"`,
    ),
    true,
    error.message,
  );
  assert.deepEqual(error.body?.details, { kind: 'configmaps' });
  const cluster = await refused(nobody.list(TYPES.clusterRoles), 403, 'Forbidden');
  assert.match(
    cluster.message,
    /cannot list resource "clusterroles" in API group "rbac\.authorization\.k8s\.io" at the cluster scope/,
  );
  // What is not there is not told apart from what may not be seen.
  await refused(nobody.get(TYPES.configMaps, 'none', { namespace }), 403, 'Forbidden');
});

test('a Role in its namespace: verbs, and names', async () => {
  const reader = clientOf('contract-reader');
  await grant('reader', user('contract-reader'), [
    reads(['list', 'watch']),
    reads(['get'], { resourceNames: ['open'] }),
  ]);
  await allowed('list', () => reader.list(TYPES.configMaps, { namespace }));
  assert.equal((await reader.get(TYPES.configMaps, 'open', { namespace })).metadata.name, 'open');
  await refused(reader.get(TYPES.configMaps, 'closed', { namespace }), 403, 'Forbidden');
  await refused(reader.create(TYPES.configMaps, configMap('new'), { namespace }), 403, 'Forbidden');
  await refused(reader.list(TYPES.configMaps, { namespace: 'default' }), 403, 'Forbidden');
  await refused(reader.list(TYPES.configMaps), 403, 'Forbidden');
  await refused(reader.list(TYPES.secrets, { namespace }), 403, 'Forbidden');
});

test('groups, service accounts, and a ClusterRole that is bound in one namespace', async () => {
  await grant('group', { apiGroup: RBAC, kind: 'Group', name: 'contract-team' }, [reads(['list'])]);
  const member = clientOf('contract-member', ['contract-team', 'system:authenticated']);
  await allowed('the group', () => member.list(TYPES.configMaps, { namespace }));
  await client.create(
    ROLE_BINDINGS,
    binding('account', { kind: 'ServiceAccount', name: 'robot', namespace }, { kind: 'ClusterRole', name: 'view' }),
    { namespace },
  );
  const robot = clientOf(`system:serviceaccount:${namespace}:robot`);
  await allowed('the account', () => robot.list(TYPES.configMaps, { namespace }));
  await refused(robot.list(TYPES.secrets, { namespace }), 403, 'Forbidden');
});

test('a subresource is granted by its own name', async () => {
  const spec = { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'patch'] };
  await grant('scaler', user('contract-scaler'), [{ ...spec, resources: ['deployments/scale'] }]);
  const attributes = { group: 'apps', resource: 'deployments', verb: 'patch', namespace, name: 'x' };
  const scaler = clientOf('contract-scaler');
  await until(
    'the grant',
    () => review(scaler, { resourceAttributes: { ...attributes, subresource: 'scale' } }),
    (answer) => answer,
  );
  assert.equal(await review(scaler, { resourceAttributes: attributes }), false);
  assert.equal(await review(scaler, { resourceAttributes: { ...attributes, subresource: 'status' } }), false);
});

test('nobody grants more than he has', async () => {
  const rules = [{ apiGroups: [RBAC], resources: ['roles', 'rolebindings'], verbs: ['create'] }, reads(['get'])];
  await grant('granter', user('contract-granter'), rules);
  const granter = clientOf('contract-granter');
  await allowed('a role within bounds', () =>
    granter.create(ROLES, role(uniqueName('small'), [reads(['get'])]), { namespace }),
  );
  await refused(granter.create(ROLES, role('large', [reads(['delete'])]), { namespace }), 403, 'Forbidden');
  const admin = binding('large', user('contract-granter'), { kind: 'ClusterRole', name: 'cluster-admin' });
  await refused(granter.create(ROLE_BINDINGS, admin, { namespace }), 403, 'Forbidden');
});

test('a binding keeps its role', async () => {
  await client.create(ROLE_BINDINGS, binding('keeps', user('x'), { kind: 'Role', name: 'one' }), { namespace });
  const roleRef = { apiGroup: RBAC, kind: 'Role', name: 'two' };
  await refused(client.patch(ROLE_BINDINGS, 'keeps', 'merge', { roleRef }, { namespace }), 422, 'Invalid');
});

test('reviews of access: one’s own, and somebody else’s', async () => {
  assert.equal(await review(client, onConfigMaps('delete')), true);
  const nobody = clientOf('contract-nobody', ['system:authenticated']);
  assert.equal(await review(nobody, onConfigMaps('delete')), false);
  assert.equal(await review(nobody, { nonResourceAttributes: { path: '/version', verb: 'get' } }), true);
  assert.equal(await review(nobody, { nonResourceAttributes: { path: '/logs', verb: 'get' } }), false);
  await grant('reviewed', user('contract-reviewed'), [reads(['get'], { resourceNames: ['open'] })]);
  const of = async (name: string): Promise<boolean> => {
    const spec = { user: 'contract-reviewed', groups: ['x'], ...onConfigMaps('get', { name }) };
    const object = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
    return at(await client.create(ACCESS_REVIEWS, object), 'status', 'allowed');
  };
  await until(
    'the grant',
    () => of('open'),
    (answer) => answer,
  );
  assert.equal(await of('closed'), false);
  const none = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: {} };
  await refused(client.create(OWN_ACCESS_REVIEWS, none), 422, 'Invalid');
});

test('the rules that hold for oneself', async () => {
  const who = clientOf('contract-ruled', ['system:authenticated']);
  await grant('ruled', user('contract-ruled'), [reads(['get', 'list'])]);
  const object = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
  const rules = await until(
    'the rules',
    async () => at(await who.create(RULES_REVIEWS, object), 'status', 'resourceRules') as readonly object[],
    (found) => found.some((each) => at(each, 'resources').includes('configmaps')),
  );
  const own = rules.find((each) => at(each, 'resources').includes('configmaps'));
  assert.deepEqual([...at(own, 'verbs')].sort(), ['get', 'list']);
});

const account = (name: string): Promise<KubeObject> =>
  client.create(TYPES.serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } }, { namespace });
const tokenOf = async (name: string, spec: object): Promise<KubeObject> =>
  client.create(
    TYPES.serviceAccounts,
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec },
    { namespace, name, subresource: 'token' },
  );
const reviewToken = async (token: string, audiences?: readonly string[]): Promise<object> => {
  const spec = { token, ...(audiences === undefined ? {} : { audiences }) };
  const object = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
  return at(await client.create(TYPES.tokenReviews, object), 'status');
};

test('a token of a service account', async () => {
  const { metadata } = await account('holder');
  const { status } = await tokenOf('holder', { expirationSeconds: 600 });
  const token: string = at(status, 'token');
  const left = Date.parse(at(status, 'expirationTimestamp')) - Date.now();
  assert.ok(left > 500_000 && left < 700_000, String(left));
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  assert.equal(claims.sub, `system:serviceaccount:${namespace}:holder`);
  assert.deepEqual(at(claims, 'kubernetes.io', 'serviceaccount'), { name: 'holder', uid: metadata.uid });
  assert.ok(Array.isArray(claims.aud));
  const seen = await reviewToken(token);
  assert.equal(at(seen, 'authenticated'), true);
  assert.equal(at(seen, 'user', 'username'), `system:serviceaccount:${namespace}:holder`);
  assert.equal(at(seen, 'user', 'uid'), metadata.uid);
  assert.deepEqual([...at(seen, 'user', 'groups')].sort(), [
    'system:authenticated',
    'system:serviceaccounts',
    `system:serviceaccounts:${namespace}`,
  ]);
  const self = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const { status: who } = await clientWithToken(token).create(SELF_REVIEWS, self);
  assert.equal(at(who, 'userInfo', 'username'), `system:serviceaccount:${namespace}:holder`);
});

test('a token is for its audience', async () => {
  await account('audience');
  const { status } = await tokenOf('audience', { audiences: ['contract'] });
  const token: string = at(status, 'token');
  assert.deepEqual(at(await reviewToken(token, ['other', 'contract']), 'audiences'), ['contract']);
  assert.notEqual(at(await reviewToken(token, ['other']), 'authenticated'), true);
  // It does not serve for the API server itself.
  await refused(clientWithToken(token).list(TYPES.configMaps, { namespace }), 401, 'Unauthorized');
});

test('a token ends with what it is bound to', async () => {
  await account('bound');
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'bound' },
    spec: { ...at(podTemplate({}), 'spec'), serviceAccountName: 'bound' },
  };
  const { metadata } = await client.create(TYPES.pods, pod, { namespace });
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'bound', uid: metadata.uid };
  const { status } = await tokenOf('bound', { boundObjectRef });
  const token: string = at(status, 'token');
  const seen = await reviewToken(token);
  assert.deepEqual(at(seen, 'user', 'extra', 'authentication.kubernetes.io/pod-name'), ['bound']);
  assert.deepEqual(at(seen, 'user', 'extra', 'authentication.kubernetes.io/pod-uid'), [metadata.uid]);
  await refused(tokenOf('bound', { boundObjectRef: { ...boundObjectRef, uid: 'other' } }), 409, 'Conflict');
  await client.delete(TYPES.pods, 'bound', { namespace });
  await until(
    'the end of the token',
    () => reviewToken(token),
    (answer) => at(answer, 'authenticated') !== true,
  );
});

test('a token ends with its account', async () => {
  await account('ends');
  const { status } = await tokenOf('ends', {});
  await client.delete(TYPES.serviceAccounts, 'ends', { namespace });
  await until(
    'the end of the token',
    () => reviewToken(at(status, 'token')),
    (answer) => at(answer, 'authenticated') !== true,
  );
  await refused(tokenOf('ends', {}), 404, 'NotFound');
});

test('tokens that are none, and nobody at all', async () => {
  assert.notEqual(at(await reviewToken('nonsense'), 'authenticated'), true);
  await refused(clientWithToken('nonsense').list(TYPES.configMaps, { namespace }), 401, 'Unauthorized');
  await account('short');
  await refused(tokenOf('short', { expirationSeconds: 10 }), 422, 'Invalid');
  const anonymous = clientOf('system:anonymous', ['system:unauthenticated']);
  await refused(anonymous.list(TYPES.configMaps, { namespace }), 403, 'Forbidden');
  for (const path of ['/version', '/healthz', '/readyz', '/livez']) assert.ok(await anonymous.raw('GET', path), path);
});

test('speaking for somebody is a right of its own', async () => {
  const { status } = await tokenOf('short', {});
  const headers = { authorization: `Bearer ${at(status, 'token')}`, 'impersonate-user': 'somebody' };
  const reply = await ask(`/api/v1/namespaces/${namespace}/configmaps`, { headers, anonymous: true });
  assert.equal(reply.status, 403);
  assert.equal(reply.json.reason, 'Forbidden');
});
