import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench } from './testing/bench.ts';

/** Patches and the ownership of fields over HTTP. */
let bench: Bench;

before(async () => {
  bench = await new Bench().start();
});

after(() => bench.remove());

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

const deployment = (name: string, replicas: number, extra: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { creationTimestamp: null, labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'i', resources: { limits: { cpu: '1000m' } } }] },
    },
    ...extra,
  },
});

const patch = (path: string, type: string, body: unknown) =>
  bench.ask(path, { method: 'PATCH', headers: { 'content-type': type }, body });
const apply = (name: string, manager: string, body: object, query = '') =>
  patch(`${DEPLOYMENTS}/${name}?fieldManager=${manager}${query}`, 'application/apply-patch+yaml', body);

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: Readonly<Record<string, unknown>>;
}

const ownersOf = (object: { metadata: { managedFields?: readonly Entry[] } }) =>
  (object.metadata.managedFields ?? []).map(({ manager, operation, subresource }) =>
    [operation, manager, ...(subresource === undefined ? [] : [subresource])].join(' '),
  );

test('an apply that changes nothing is no write, in whatever form the same is written', async () => {
  const first = await apply('same', 'one', deployment('same', 1));
  assert.deepEqual([first.status, first.json.metadata.generation, ownersOf(first.json)], [201, 1, ['Apply one']]);
  const again = await apply('same', 'one', deployment('same', 1));
  assert.deepEqual([again.status, again.json.metadata], [200, first.json.metadata]);
  assert.equal(again.json.spec.template.spec.containers[0].resources.limits.cpu, '1');
});

test('a conflict is told with its causes, and force takes over', async () => {
  await apply('fought', 'one', deployment('fought', 1));
  const { status, json } = await apply('fought', 'two', deployment('fought', 2));
  assert.deepEqual([status, json.reason], [409, 'Conflict']);
  assert.equal(json.message, 'Apply failed with 1 conflict: conflict with "one": .spec.replicas');
  assert.deepEqual(json.details.causes, [
    { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' },
  ]);
  const forced = await apply('fought', 'two', deployment('fought', 2), '&force=true');
  assert.deepEqual([forced.status, forced.json.spec.replicas, forced.json.metadata.generation], [200, 2, 2]);
});

test('status and scale have owners of their own', async () => {
  await apply('parts', 'one', deployment('parts', 1));
  await patch(`${DEPLOYMENTS}/parts/status?fieldManager=controller`, 'application/merge-patch+json', {
    status: { replicas: 1 },
  });
  await patch(`${DEPLOYMENTS}/parts/scale?fieldManager=scaler`, 'application/merge-patch+json', {
    spec: { replicas: 3 },
  });
  const { json } = await bench.ask(`${DEPLOYMENTS}/parts`);
  assert.deepEqual(ownersOf(json).sort(), ['Apply one', 'Update controller status', 'Update scaler scale']);
  assert.match(
    (await apply('parts', 'one', deployment('parts', 1))).json.message,
    /conflict with "scaler" with subresource "scale" using apps\/v1: \.spec\.replicas/,
  );
});

test('the main resource does not own a status, nor the status anything else', async () => {
  const body = { ...deployment('apart', 1), status: { replicas: 7 } };
  const { json } = await apply('apart', 'one', body);
  assert.deepEqual([json.status, json.metadata.managedFields[0].fieldsV1['f:status']], [{}, undefined]);
  const status = await patch(`${DEPLOYMENTS}/apart/status?fieldManager=two`, 'application/apply-patch+yaml', {
    ...deployment('apart', 9),
    status: { replicas: 7 },
  });
  assert.deepEqual([status.json.spec.replicas, status.json.status], [1, { replicas: 7 }]);
  const entry = (status.json.metadata.managedFields as Entry[]).find(({ manager }) => manager === 'two');
  assert.deepEqual(entry?.fieldsV1, { 'f:status': { 'f:replicas': {} } });
});

test('what a manager stops applying goes, with defaults coming back', async () => {
  await apply('less', 'one', deployment('less', 4, { minReadySeconds: 5 }));
  const { spec } = deployment('less', 4);
  const { replicas: _replicas, ...rest } = spec;
  const { json } = await apply('less', 'one', { ...deployment('less', 4), spec: rest });
  assert.deepEqual([json.spec.replicas, json.spec.minReadySeconds], [1, undefined]);
});

const REFUSED: readonly (readonly [name: string, type: string, path: string, body: unknown, code: number])[] = [
  [
    'a strategic patch with an unknown directive',
    'application/strategic-merge-patch+json',
    '',
    { spec: { $patch: 'x' } },
    400,
  ],
  ['a JSON patch of a path that is not there', 'application/json-patch+json', '', [{ op: 'remove', path: '/x' }], 422],
  ['a JSON patch that is no list', 'application/json-patch+json', '', {}, 400],
  [
    'a JSON patch of a scale that does not apply',
    'application/json-patch+json',
    '/scale',
    [{ op: 'remove', path: '/x' }],
    400,
  ],
  ['an apply without manager', 'application/apply-patch+yaml', '', deployment('refused', 1), 422],
  ['an apply that is no object', 'application/apply-patch+yaml', '?fieldManager=x', [], 400],
  [
    'an apply with duplicate items',
    'application/apply-patch+yaml',
    '?fieldManager=x',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: { template: { spec: { containers: [{ name: 'a' }, { name: 'a' }] } } },
    },
    400,
  ],
  [
    'an apply with managed fields',
    'application/apply-patch+yaml',
    '?fieldManager=x',
    { ...deployment('refused', 1), metadata: { managedFields: [] } },
    400,
  ],
  ['a patch of an unknown type', 'text/plain', '', {}, 415],
];

for (const [name, type, path, body, code] of REFUSED)
  test(`${name} is answered with ${code}`, async () => {
    await apply('refused', 'one', deployment('refused', 1));
    const { status, json } = await patch(`${DEPLOYMENTS}/refused${path}`, type, body);
    assert.deepEqual([status, json.kind, json.code], [code, 'Status', code], json.message);
  });
