import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import type { KubeObject } from '@osm/kube';
import { at } from '../store/fields.ts';
import { AdmissionDenied, type AdmissionRun, runAdmission, WebhookConnections } from './index.ts';
import { type Behaviour, HookServer, labelling, patching } from './testing/hook-server.ts';
import { CREATE_POD, configuration } from './testing/requests.ts';

const server = await new HookServer().start();
after(() => server.stop());
beforeEach(() => {
  server.asked.length = 0;
  server.raw = undefined;
});

const run = (configurations: readonly KubeObject[], changes: Partial<AdmissionRun> = {}) =>
  runAdmission({
    phase: 'mutating',
    request: CREATE_POD,
    configurations,
    namespaceLabels: {},
    dial: server.dial,
    resolveService: () => ({ host: '198.18.0.9', port: 443 }),
    signal: new AbortController().signal,
    ...changes,
  });

const refused = async (promise: Promise<unknown>): Promise<AdmissionDenied> => {
  const error: unknown = await promise.then(
    () => assert.fail('it was allowed'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AdmissionDenied, String(error));
  return error;
};

const labels = (object: unknown) => Object.keys((at(object, 'metadata', 'labels') ?? {}) as object);
const allow: Behaviour = () => ({ allowed: true });
const deny: Behaviour = () => ({ allowed: false, status: { message: 'no', code: 403, reason: 'Forbidden' } });

test('mutating webhooks follow each other by the names of their configurations', async () => {
  const { object } = await run([
    configuration('b', server.hook('b1', labelling('b1'))),
    configuration('a', server.hook('a1', labelling('a1')), server.hook('a2', labelling('a2'))),
  ]);
  assert.deepEqual(server.asked, ['a1', 'a2', 'b1']);
  assert.deepEqual(labels(object), ['app', 'a1', 'a2', 'b1']);
  assert.deepEqual(labels(server.requests.get('b1')?.object), ['app', 'a1', 'a2']);
  assert.deepEqual(labels(CREATE_POD.object), ['app'], 'the request itself stays as it is');
});

test('a webhook that wants to see later changes is asked once more, and only then', async () => {
  const again = { reinvocationPolicy: 'IfNeeded' };
  const first = server.hook('first', allow, again);
  const never = server.hook('never', allow);
  await run([configuration('x', first, never, server.hook('label', labelling('l'), again))]);
  assert.deepEqual(server.asked, ['first', 'never', 'label', 'first']);
  server.asked.length = 0;
  await run([configuration('x', first, never, server.hook('idle', patching(), again))]);
  assert.deepEqual(server.asked, ['first', 'never', 'idle']);
});

test('validating webhooks are asked at the same time', async () => {
  const waiting: (() => void)[] = [];
  const together: Behaviour = async () => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 2) for (const go of waiting) go();
    });
    return { allowed: true };
  };
  const hooks = configuration('v', server.hook('v1', together), server.hook('v2', together));
  await run([hooks], { phase: 'validating' });
  assert.deepEqual([...server.asked].sort(), ['v1', 'v2']);
});

test('the first denial in order is told, with the warnings of all', async () => {
  const warn: Behaviour = () => ({ allowed: true, warnings: ['careful'] });
  const hooks = configuration('v', server.hook('w', warn), server.hook('d1', deny), server.hook('d2', deny));
  const error = await refused(run([hooks], { phase: 'validating' }));
  assert.equal(error.message, 'admission webhook "d1.example.com" denied the request: no');
  assert.deepEqual([error.status.code, error.status.reason, error.status.kind], [403, 'Forbidden', 'Status']);
  assert.deepEqual(error.warnings, ['careful']);
});

test('a denial counts whatever the failure policy', async () => {
  const hook = server.hook('d', deny, { failurePolicy: 'Ignore' });
  await refused(run([configuration('m', hook)]));
});

test('a denial stops the webhooks that come after', async () => {
  await refused(run([configuration('m', server.hook('d', deny), server.hook('l', labelling('l')))]));
  assert.deepEqual(server.asked, ['d']);
});

test('audit annotations carry the names of their webhooks', async () => {
  const noting: Behaviour = () => ({ allowed: true, auditAnnotations: { why: 'x' } });
  const { auditAnnotations } = await run([configuration('m', server.hook('n', noting))]);
  assert.deepEqual(auditAnnotations, {
    'n.example.com/why': 'x',
    'mutation.webhook.admission.k8s.io/round_0_index_0':
      '{"configuration":"m","webhook":"n.example.com","mutated":false}',
  });
});

const broken = (fields: object) => configuration('broken', server.hook('broken', allow, fields));

const FAILURES: readonly (readonly [name: string, fields: object, raw: typeof server.raw, message: RegExp])[] = [
  ['an answer of another status', {}, { code: 503, body: 'later' }, /answered with status 503 \("later"\)/],
  ['an answer that is no review', {}, { code: 200, body: '{}' }, /expected webhook response/],
  ['an answer without end', {}, { code: 200, body: 'x'.repeat(9 * 1024 * 1024) }, /larger than 8388608 bytes/],
  ['no known version', { admissionReviewVersions: ['v1beta1'] }, undefined, /known AdmissionReview versions/],
  [
    'an unknown authority',
    { clientConfig: { service: { namespace: 'mesh', name: 'hooks' } } },
    undefined,
    /certificate/,
  ],
  [
    'another name in the certificate',
    { clientConfig: { service: { namespace: 'other', name: 'hooks' }, caBundle: server.caBundle } },
    undefined,
    /Host: hooks\.other\.svc/,
  ],
  ['a loopback address', { clientConfig: { url: 'https://127.0.0.1/' } }, undefined, /loopback/],
];

for (const [name, fields, raw, message] of FAILURES)
  test(`${name} is a failure, which the policy judges`, async () => {
    server.raw = raw;
    const { status } = await refused(run([broken(fields)]));
    assert.deepEqual([status.code, status.reason], [500, 'InternalError']);
    assert.match(
      status.message,
      /^Internal error occurred: failed calling webhook "broken\.example\.com": .*\(configuration "broken"\)$/s,
    );
    assert.match(status.message, message);
    const { object, auditAnnotations } = await run([broken({ ...fields, failurePolicy: 'Ignore' })]);
    assert.equal(object, CREATE_POD.object);
    assert.deepEqual(Object.values(auditAnnotations), ['broken.example.com']);
  });

test('a service that is not there is a failure', async () => {
  const resolveService = () => {
    throw new Error('service "hooks" in namespace "mesh" not found');
  };
  const { message } = await refused(run([broken({})], { resolveService }));
  assert.match(message, /failed to call webhook: service "hooks" in namespace "mesh" not found/);
});

test('a patch that does not apply, or makes another kind, is a failure', async () => {
  for (const [operation, message] of [
    [{ op: 'remove', path: '/spec/none' }, /remove operation does not apply/],
    [{ op: 'replace', path: '/kind', value: 'Secret' }, /another kind/],
  ] as const) {
    const error = await refused(run([configuration('m', server.hook('p', patching(operation)))]));
    assert.match(error.message, message);
  }
});

test('no answer in time is a failure', async () => {
  const silent: Behaviour = () => new Promise(() => undefined);
  const { message } = await refused(run([configuration('m', server.hook('silent', silent, { timeoutSeconds: 1 }))]));
  assert.match(message, /Post "https:\/\/hooks\.mesh\.svc:443\/silent\?timeout=1s": context deadline exceeded/);
});

test('when the client is gone nobody is asked any longer', async () => {
  const gone = new AbortController();
  const leaving: Behaviour = () => {
    gone.abort();
    return new Promise(() => undefined);
  };
  const hooks = configuration(
    'm',
    server.hook('leaving', leaving, { failurePolicy: 'Ignore' }),
    server.hook('next', allow),
  );
  await assert.rejects(run([hooks], { signal: gone.signal }), { name: 'AbortError' });
  assert.deepEqual(server.asked, ['leaving']);
});

test('a dry run does not meet webhooks that may have effects', async () => {
  const request = { ...CREATE_POD, dryRun: true };
  for (const sideEffects of ['None', 'NoneOnDryRun'])
    await run([configuration('m', server.hook('s', allow, { sideEffects }))], { request });
  const hook = server.hook('s', allow, { sideEffects: 'Some', failurePolicy: 'Ignore' });
  const { status } = await refused(run([configuration('m', hook)], { request }));
  assert.deepEqual([status.code, status.message], [400, 'admission webhook "s.example.com" does not support dry run']);
});

test('a condition that cannot be evaluated refuses, or leaves the webhook out', async () => {
  const matchConditions = [{ name: 'broken', expression: 'object.none.none == 1' }];
  const { status } = await refused(run([configuration('m', server.hook('c', allow, { matchConditions }))]));
  assert.equal(status.code, 403);
  assert.match(status.message, /"c\.example\.com".*condition "broken" cannot be evaluated/);
  await run([configuration('m', server.hook('c', allow, { matchConditions, failurePolicy: 'Ignore' }))]);
  assert.deepEqual(server.asked, []);
});

test('connections are used again, and replaced when they have ended', async () => {
  const connections = new WebhookConnections();
  try {
    const hooks = configuration('m', server.hook('k', allow));
    const before = server.connections;
    for (let round = 0; round < 5; round += 1) await run([hooks], { connections });
    assert.equal(server.connections - before, 1);
    server.drop();
    await run([hooks], { connections });
    assert.equal(server.connections - before, 2);
    // Another authority, even for the same name, never meets a connection that the first one vouched for.
    const other = configuration(
      'm',
      server.hook('k', allow, { clientConfig: { service: { namespace: 'mesh', name: 'hooks' } } }),
    );
    await refused(run([other], { connections }));
  } finally {
    connections.close();
  }
});

test('a webhook for another version sees and patches that version', async () => {
  const swap = (version: string) => (object: object) => ({ ...object, apiVersion: version });
  const equivalent = {
    resource: { group: '', version: 'v2', resource: 'pods' },
    kind: { group: '', version: 'v2', kind: 'Pod' },
    from: swap('v2'),
    back: swap('v1'),
  };
  const rules = [{ operations: ['*'], apiGroups: [''], apiVersions: ['v2'], resources: ['pods'] }];
  const hooks = configuration('m', server.hook('e', labelling('e'), { rules }));
  const { object } = await run([hooks], { equivalents: [equivalent] });
  assert.deepEqual([at(object, 'apiVersion'), labels(object)], ['v1', ['app', 'e']]);
  const request = server.requests.get('e');
  assert.deepEqual(
    [at(request?.object, 'apiVersion'), request?.kind.version, request?.resource.version],
    ['v2', 'v2', 'v2'],
  );
});

test('the server settles an object between webhooks', async () => {
  const settle = (object: object) => ({ ...object, settled: true });
  await run([configuration('m', server.hook('a', labelling('a')), server.hook('b', allow))], { settle });
  assert.deepEqual(
    [at(server.requests.get('a')?.object, 'settled'), at(server.requests.get('b')?.object, 'settled')],
    [undefined, true],
  );
});
