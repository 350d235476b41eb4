import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench } from './testing/bench.ts';

let bench: Bench;

before(async () => {
  bench = await new Bench().start();
});

after(() => bench.remove());

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const post = (path: string, body: object) => bench.ask(path, { method: 'POST', body });
const merge = (path: string, body: object) =>
  bench.ask(path, { method: 'PATCH', body, headers: { 'content-type': 'application/merge-patch+json' } });

const schema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 1, maximum: 10 },
        color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
        replicas: { type: 'integer', default: 1 },
        tags: { type: 'array', items: { type: 'string' } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
      'x-kubernetes-validations': [{ rule: "self.color != 'blue' || self.size < 5", message: 'blue things are small' }],
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' }, phase: { type: 'string' } } },
  },
};

const definition = (plural: string, kind: string, extra: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.example.com` },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural, kind, shortNames: [`${plural.slice(0, 2)}x`], categories: ['all'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
      },
    ],
    ...extra,
  },
});

const path = (plural: string, version = 'v1') => `/apis/example.com/${version}/namespaces/default/${plural}`;

test('a definition is served from the moment it is stored', async () => {
  assert.equal((await bench.ask(path('widgets'))).status, 404);
  const created = await post(CRDS, definition('widgets', 'Widget'));
  assert.equal(created.status, 201, created.text);
  const conditions = created.json.status.conditions.map(
    ({ type, status }: Record<string, string>) => `${type}=${status}`,
  );
  assert.ok(conditions.includes('Established=True') && conditions.includes('NamesAccepted=True'), conditions.join());
  assert.deepEqual(created.json.status.storedVersions, ['v1']);
  const made = await post(path('widgets'), { metadata: { name: 'one' }, spec: { size: 3 } });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(
    [made.json.apiVersion, made.json.kind, made.json.metadata.generation],
    ['example.com/v1', 'Widget', 1],
  );
});

test('kubectl finds it by every name, with its columns and its documentation', async () => {
  const out = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await bench.kubectl(args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  assert.match(await out(['get', 'wix', 'one']), /NAME\s+SIZE\none\s+3/);
  assert.match(await out(['get', 'widget.example.com', 'one']), /one/);
  assert.match(await out(['get', 'all']), /widget\.example\.com\/one/);
  assert.match(await out(['explain', 'widget.spec']), /color\s+<string>/);
  assert.match(
    await out(['api-resources', '--api-group=example.com']),
    /widgets\s+wix\s+example\.com\/v1\s+true\s+Widget/,
  );
  assert.match(await out(['wait', '--for=condition=Established', 'crd/widgets.example.com']), /condition met/);
});

test('values are checked, defaults filled in, unknown fields pruned or refused', async () => {
  const make = (spec: object, query = '') =>
    post(`${path('widgets')}${query}`, { metadata: { generateName: 'w-' }, spec });
  const good = await make({ size: 2, unknown: 1, free: { any: { thing: 1 } } });
  assert.deepEqual(good.json.spec, { size: 2, color: 'red', replicas: 1, free: { any: { thing: 1 } } });
  assert.match(String(good.headers.warning), /unknown field \\"spec.unknown\\"/);
  const strict = await make({ size: 2, unknown: 1 }, '?fieldValidation=Strict');
  assert.deepEqual([strict.status, /spec\.unknown/.test(strict.json.message)], [400, true]);
  for (const [spec, field] of [
    [{}, 'spec.size'],
    [{ size: 11 }, 'spec.size'],
    [{ size: 'x' }, 'spec.size'],
    [{ size: 1, color: 'green' }, 'spec.color'],
    [{ size: 1, tags: [1] }, 'spec.tags[0]'],
    [{ size: 7, color: 'blue' }, 'spec'],
  ] as const) {
    const { status, json } = await make(spec);
    assert.deepEqual([status, json.reason], [422, 'Invalid'], JSON.stringify(spec));
    assert.equal(json.details.causes[0].field, field);
  }
  assert.match((await make({ size: 7, color: 'blue' })).json.message, /blue things are small/);
});

test('objects older than a stricter schema can still be changed elsewhere', async () => {
  const spec = {
    type: 'object',
    required: ['owner'],
    properties: { owner: { type: 'string' }, size: { type: 'integer' } },
  };
  const strict = { ...schema, properties: { ...schema.properties, spec } };
  assert.equal((await post(CRDS, definition('olds', 'Old'))).status, 201);
  assert.equal((await post(path('olds'), { metadata: { name: 'one' }, spec: { size: 3 } })).status, 201);
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: strict } }];
  assert.equal((await merge(`${CRDS}/olds.example.com`, { spec: { versions } })).status, 200);
  assert.equal((await post(path('olds'), { metadata: { name: 'two' }, spec: { size: 3 } })).status, 422);
  assert.equal((await merge(`${path('olds')}/one`, { metadata: { labels: { a: 'b' } } })).status, 200);
  assert.equal((await merge(`${path('olds')}/one`, { spec: { size: 'x' } })).status, 422);
});

test('status and scale are apart from the rest', async () => {
  const one = `${path('widgets')}/one`;
  const changed = await merge(one, { spec: { size: 4 }, status: { phase: 'x' } });
  assert.deepEqual([changed.json.metadata.generation, changed.json.status], [2, undefined]);
  const status = await merge(`${one}/status`, { spec: { size: 5 }, status: { phase: 'Ready' } });
  assert.deepEqual([status.json.spec.size, status.json.status.phase, status.json.metadata.generation], [4, 'Ready', 2]);
  assert.equal((await merge(`${one}/scale`, { spec: { replicas: 6 } })).json.spec.replicas, 6);
  assert.equal((await bench.ask(one)).json.spec.replicas, 6);
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
  assert.equal((await bench.ask(one, { method: 'PATCH', body: {}, headers: strategic })).status, 415);
  const { json } = await bench.ask(one);
  const { resourceVersion: _resourceVersion, ...metadata } = json.metadata;
  assert.match(
    (await bench.ask(one, { method: 'PUT', body: { ...json, metadata } })).json.message,
    /must be specified for an update/,
  );
});

test('every served version shows every object; definitions that contradict others wait', async () => {
  const version = (name: string, storage: boolean) => ({
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: schema },
  });
  const two = definition('gears', 'Gear', { versions: [version('v1', true), version('v1beta1', false)] });
  assert.equal((await post(CRDS, two)).status, 201);
  await post(path('gears', 'v1beta1'), { metadata: { name: 'g' }, spec: { size: 1 } });
  assert.equal((await bench.ask(`${path('gears')}/g`)).json.apiVersion, 'example.com/v1');
  assert.equal((await bench.ask(`${path('gears', 'v1beta1')}/g`)).json.apiVersion, 'example.com/v1beta1');
  assert.equal((await bench.ask('/apis/example.com')).json.preferredVersion.version, 'v1');
  // A definition whose kind is another's stays, and waits for it.
  const clash = await post(CRDS, definition('cogs', 'Gear'));
  assert.equal(clash.status, 201);
  const [names, established] = clash.json.status.conditions;
  assert.deepEqual([names.type, names.status, names.reason], ['NamesAccepted', 'False', 'KindConflict']);
  assert.deepEqual([established.type, established.status], ['Established', 'False']);
  assert.equal((await bench.ask(path('cogs'))).status, 404);
  assert.equal((await bench.ask(`${CRDS}/cogs.example.com`, { method: 'DELETE' })).status, 200);
  const misnamed = { ...definition('cogs', 'Cog'), metadata: { name: 'wheels.example.com' } };
  assert.equal((await post(CRDS, misnamed)).status, 422);
});

test('a definition that goes takes its objects along and ends their watches', async () => {
  await post(CRDS, definition('parts', 'Part'));
  await post(path('parts'), { metadata: { name: 'held', finalizers: ['example.com/hold'] }, spec: { size: 1 } });
  await post(path('parts'), { metadata: { name: 'free' }, spec: { size: 1 } });
  const watch = await bench.watch(`${path('parts')}?watch=true`);
  await watch.until(({ events }) => events.length === 2);
  const deletion = await bench.ask(`${CRDS}/parts.example.com`, { method: 'DELETE' });
  assert.ok(deletion.json.metadata.deletionTimestamp);
  await bench.until(async () => (await bench.ask(`${path('parts')}/free`)).status === 404);
  const late = await post(path('parts'), { metadata: { name: 'late' }, spec: { size: 1 } });
  assert.equal(late.status, 405);
  assert.equal((await bench.ask(`${CRDS}/parts.example.com`)).status, 200);
  await merge(`${path('parts')}/held`, { metadata: { finalizers: null } });
  await bench.until(async () => (await bench.ask(`${CRDS}/parts.example.com`)).status === 404);
  assert.equal((await bench.ask(path('parts'))).status, 404);
  await watch.until(({ ended }) => ended);
  assert.equal((await post(CRDS, definition('parts', 'Part'))).status, 201);
  assert.deepEqual((await bench.ask(path('parts'))).json.items, []);
});

test('definitions and their objects are served again after a restart', async () => {
  await bench.stop();
  await bench.start();
  assert.equal((await bench.ask(`${path('widgets')}/one`)).json.spec.size, 4);
});
