import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPES } from '@osm/kube';
import { fieldsOf, find, refused } from './testing/expect.ts';
import { Hooks } from './testing/hooks.ts';
import { ask, client, ownNamespace, uniqueName } from './testing/server.ts';

/** Admission webhooks, reached by a Service. */
const namespace = ownNamespace('hooks');
const hooks = new Hooks(namespace);
const paths = async (name: string): Promise<readonly string[]> => (await hooks.of(name)).map(({ path }) => path);

test('a mutating webhook changes an object, and is told everything about the request', async () => {
  const run = await hooks.register({ a: { kind: 'Mutating', path: 'label/added' } });
  const made = await hooks.create(run, 'mutated', { data: { x: '1' } });
  assert.equal(made.metadata.labels?.added, 'hook');
  assert.equal((await find(TYPES.configMaps, 'mutated', namespace))?.metadata.labels?.added, 'hook');
  const [{ request } = assert.fail('not asked')] = await hooks.of('mutated');
  assert.match(request.uid, /^[0-9a-f-]{36}$/);
  assert.deepEqual(request.kind, { group: '', version: 'v1', kind: 'ConfigMap' });
  assert.deepEqual(request.resource, { group: '', version: 'v1', resource: 'configmaps' });
  assert.deepEqual(request.requestKind, request.kind);
  assert.equal(`${request.operation} ${request.namespace} ${request.dryRun}`, `CREATE ${namespace} false`);
  assert.ok(request.userInfo.groups.includes('system:authenticated'));
  assert.equal(`${request.object.apiVersion} ${request.object.kind}`, 'v1 ConfigMap');
  assert.deepEqual(request.object.data, { x: '1' });
  assert.equal(request.oldObject, null);
  assert.equal(request.options.kind, 'CreateOptions');
});

test('mutating webhooks are asked in the order of their names, then again when that was wanted', async () => {
  const run = await hooks.register({
    a: { kind: 'Mutating', path: 'label/one', fields: { reinvocationPolicy: 'IfNeeded' } },
    b: { kind: 'Mutating', path: 'label/two' },
    c: { kind: 'Validating', path: 'allow/end' },
  });
  const made = await hooks.create(run, 'ordered');
  assert.equal(made.metadata.labels?.one, 'hook');
  assert.equal(made.metadata.labels?.two, 'hook.one');
  assert.deepEqual(await paths('ordered'), ['/label/one', '/label/two', '/label/one', '/allow/end']);
  // Validation sees what will be stored.
  assert.deepEqual((await hooks.of('ordered')).at(-1)?.request.object.metadata.labels, made.metadata.labels);
});

test('a webhook that denies is quoted', async () => {
  const run = await hooks.register({ a: { kind: 'Validating', path: 'deny/because' } });
  const error = await refused(hooks.create(run, 'denied'), 400, 'BadRequest');
  assert.equal(
    error.message.endsWith('admission webhook "a.contract.example.com" denied the request: because'),
    true,
    error.message,
  );
  assert.equal(await find(TYPES.configMaps, 'denied', namespace), undefined);
  const other = await hooks.register({ a: { kind: 'Mutating', path: 'deny-as/later' } });
  await refused(hooks.create(other, 'denied'), 429, 'TooManyRequests');
});

test('only what is selected is asked for', async () => {
  const run = await hooks.register({
    a: { kind: 'Validating', path: 'allow/updates', fields: { rules: [rule(['UPDATE', 'DELETE'])] } },
    b: { kind: 'Validating', path: 'allow/secrets', fields: { rules: [rule(['*'], 'secrets')] } },
    c: {
      kind: 'Validating',
      path: 'allow/elsewhere',
      fields: {
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [namespace] }],
        },
      },
    },
    d: { kind: 'Validating', path: 'allow/labels', fields: { objectSelector: { matchLabels: { other: 'label' } } } },
    e: {
      kind: 'Validating',
      path: 'allow/conditions',
      fields: { matchConditions: [{ name: 'only-some', expression: 'object != null && has(object.data)' }] },
    },
  });
  const made = await hooks.create(run, 'selected');
  assert.deepEqual(await paths('selected'), []);
  await client.update(TYPES.configMaps, { ...made, data: { x: '1' } }, { namespace });
  assert.deepEqual([...(await paths('selected'))].sort(), ['/allow/conditions', '/allow/updates']);
  const updated = (await hooks.of('selected')).find(({ path }) => path === '/allow/updates');
  assert.equal(`${updated?.request.operation} ${updated?.request.options.kind}`, 'UPDATE UpdateOptions');
  assert.equal(updated?.request.oldObject.data, undefined);
  await client.delete(TYPES.configMaps, 'selected', { namespace });
  const deleted = (await hooks.of('selected')).at(-1);
  assert.equal(`${deleted?.path} ${deleted?.request.operation}`, '/allow/updates DELETE');
  assert.equal(deleted?.request.object, null);
  assert.deepEqual(deleted?.request.oldObject.data, { x: '1' });
});

test('an object that leaves the selection is asked for, too', async () => {
  const run = await hooks.register({ a: { kind: 'Validating', path: 'allow/leaves' } });
  await hooks.create(run, 'leaves');
  await client.patch(TYPES.configMaps, 'leaves', 'merge', { metadata: { labels: { hook: null } } }, { namespace });
  assert.equal((await paths('leaves')).length, 2);
  await client.patch(TYPES.configMaps, 'leaves', 'merge', { data: { x: '1' } }, { namespace });
  assert.equal((await paths('leaves')).length, 2);
});

test('a webhook that fails: refused or passed over, as its policy says', async () => {
  const fails = await hooks.register({ a: { kind: 'Validating', path: 'broken' } });
  const error = await refused(hooks.create(fails, 'fails'), 500, 'InternalError');
  assert.match(error.message, /failed calling webhook "a\.contract\.example\.com"/);
  const ignored = await hooks.register({
    a: { kind: 'Mutating', path: 'broken', fields: { failurePolicy: 'Ignore' } },
  });
  await hooks.create(ignored, 'ignored');
  assert.deepEqual(await paths('ignored'), ['/broken']);
  const patches = await hooks.register({ a: { kind: 'Mutating', path: 'bad-patch' } });
  await refused(hooks.create(patches, 'patched'), 500, 'InternalError');
});

test('a webhook has its time, and no more', async () => {
  const run = await hooks.register({ a: { kind: 'Validating', path: 'slow/4000', fields: { timeoutSeconds: 1 } } });
  const began = performance.now();
  const error = await refused(hooks.create(run, 'slow'), 500, 'InternalError');
  assert.ok(performance.now() - began < 3500);
  assert.match(error.message, /failed calling webhook/);
});

test('a webhook that nobody serves', async () => {
  const service = { namespace, name: 'none', port: 443, path: '/' };
  const fails = await hooks.register({
    a: { kind: 'Validating', path: 'allow/x', fields: { clientConfig: { service } } },
  });
  await refused(hooks.create(fails, 'unserved'), 500, 'InternalError');
  const passes = await hooks.register({
    a: { kind: 'Validating', path: 'allow/x', fields: { clientConfig: { service }, failurePolicy: 'Ignore' } },
  });
  assert.ok(await hooks.create(passes, 'unserved'));
});

test('a dry run is told as such', async () => {
  const run = await hooks.register({ a: { kind: 'Validating', path: 'allow/dry' } });
  await hooks.create(run, 'dry', {}, { dryRun: true });
  assert.equal((await hooks.of('dry')).at(-1)?.request.dryRun, true);
});

test('warnings of webhooks reach the caller', async () => {
  const run = await hooks.register({ a: { kind: 'Validating', path: 'warn/careful' } });
  const reply = await ask(`/api/v1/namespaces/${namespace}/configmaps`, {
    method: 'POST',
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'warned', labels: { hook: run } } },
  });
  assert.equal(reply.status, 201);
  assert.match(String(reply.headers.warning), /^299 - "careful"$/);
});

test('a name that is still to be made is not there yet', async () => {
  const run = await hooks.register({ a: { kind: 'Mutating', path: 'allow/unnamed' } });
  const metadata = { generateName: 'unnamed-', labels: { hook: run } };
  const made = await client.create(TYPES.configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata }, { namespace });
  const asked = (await hooks.of('')).filter((each) => each.path === '/allow/unnamed');
  const { request } = asked.at(-1) ?? assert.fail('not asked');
  assert.equal(`${request.object.metadata.generateName} ${request.object.metadata.namespace}`, `unnamed- ${namespace}`);
  assert.equal(request.object.metadata.name, undefined);
  assert.match(made.metadata.name, /^unnamed-.{5}$/);
});

test('patches are asked for as the update that they are', async () => {
  const run = await hooks.register({ a: { kind: 'Mutating', path: 'allow/patched' } });
  await hooks.create(run, 'apply-me');
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'apply-me', labels: { hook: run } },
    data: { a: '1' },
  };
  await client.patch(TYPES.configMaps, 'apply-me', 'apply', body, { namespace, fieldManager: 'one' });
  const { request } = (await hooks.of('apply-me')).at(-1) ?? assert.fail('not asked');
  assert.equal(`${request.operation} ${request.options.kind}`, 'UPDATE UpdateOptions');
  assert.deepEqual(request.object.data, { a: '1' });
  await client.patch(
    TYPES.configMaps,
    'applied-new',
    'apply',
    { ...body, metadata: { ...body.metadata, name: 'applied-new' } },
    { namespace, fieldManager: 'one' },
  );
  assert.equal((await hooks.of('applied-new')).at(-1)?.request.operation, 'CREATE');
});

test('a configuration that cannot be is refused with its fields', async () => {
  const fields = async (entry: object): Promise<readonly string[]> => {
    const object = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: uniqueName('contract-wrong') },
      webhooks: [{ ...hooks.entry('x', 'x', { kind: 'Validating', path: 'allow' }), ...entry }],
    };
    return fieldsOf(await refused(client.create(TYPES.validatingWebhooks, object), 422, 'Invalid'));
  };
  assert.deepEqual(await fields({ name: 'short' }), ['webhooks[0].name']);
  assert.deepEqual(await fields({ timeoutSeconds: 31 }), ['webhooks[0].timeoutSeconds']);
  assert.deepEqual(await fields({ sideEffects: 'Some' }), ['webhooks[0].sideEffects']);
  assert.deepEqual(await fields({ admissionReviewVersions: ['v9'] }), ['webhooks[0].admissionReviewVersions']);
  assert.deepEqual(await fields({ failurePolicy: 'Perhaps' }), ['webhooks[0].failurePolicy']);
  assert.deepEqual(await fields({ clientConfig: { url: 'http://example.com/' } }), ['webhooks[0].clientConfig.url']);
  assert.deepEqual(await fields({ clientConfig: {} }), ['webhooks[0].clientConfig']);
  assert.deepEqual(await fields({ matchConditions: [{ name: 'x', expression: 'no such thing' }] }), [
    'webhooks[0].matchConditions[0].expression',
  ]);
});

function rule(operations: readonly string[], resource = 'configmaps'): object {
  return { operations, apiGroups: [''], apiVersions: ['v1'], resources: [resource] };
}
