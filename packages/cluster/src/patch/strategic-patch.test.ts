import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PatchError } from './patch-error.ts';
import { applyStrategicPatch } from './strategic-patch.ts';
import { schemaOf } from './testing/schemas.ts';

interface Case {
  readonly name: string;
  readonly kind?: 'Pod' | 'ServiceAccount' | 'Deployment';
  readonly object: object;
  readonly patch: unknown;
  readonly result?: object;
  readonly error?: RegExp;
}

const named = (...names: readonly string[]) => names.map((name) => ({ name }));
const pod = (spec: object) => ({ spec });
const finalizers = (...items: readonly string[]) => ({ metadata: { finalizers: items } });

const CASES: readonly Case[] = [
  {
    name: 'merges maps and removes by null',
    object: { metadata: { labels: { a: '1', b: '2' } } },
    patch: { metadata: { labels: { a: null, c: '3' } } },
    result: { metadata: { labels: { b: '2', c: '3' } } },
  },
  {
    name: 'merges a list by key',
    object: pod({ containers: [{ name: 'a', image: 'x' }, { name: 'b' }] }),
    patch: pod({ containers: [{ name: 'a', image: 'y' }, { name: 'c' }] }),
    result: pod({ containers: [{ name: 'a', image: 'y' }, { name: 'b' }, { name: 'c' }] }),
  },
  {
    name: 'merges lists in lists',
    object: pod({ containers: [{ name: 'a', env: [{ name: 'X', value: '1' }] }] }),
    patch: pod({ containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] }),
    result: pod({
      containers: [
        {
          name: 'a',
          env: [
            { name: 'X', value: '1' },
            { name: 'Y', value: '2' },
          ],
        },
      ],
    }),
  },
  {
    name: 'deletes an item',
    object: pod({ containers: named('a', 'b') }),
    patch: pod({ containers: [{ name: 'a', $patch: 'delete' }] }),
    result: pod({ containers: named('b') }),
  },
  {
    name: 'deletes and adds',
    object: pod({ containers: named('a', 'b') }),
    patch: pod({ containers: [{ name: 'a', $patch: 'delete' }, { name: 'c' }] }),
    result: pod({ containers: named('b', 'c') }),
  },
  {
    name: 'replaces a list',
    object: pod({ containers: named('a', 'b') }),
    patch: pod({ containers: [{ $patch: 'replace' }, { name: 'c' }] }),
    result: pod({ containers: named('c') }),
  },
  {
    name: 'replaces a map',
    object: pod({ securityContext: { runAsUser: 1 } }),
    patch: pod({ securityContext: { $patch: 'replace', runAsGroup: 2 } }),
    result: pod({ securityContext: { runAsGroup: 2 } }),
  },
  {
    name: 'empties a map',
    object: pod({ securityContext: { runAsUser: 1 } }),
    patch: pod({ securityContext: { $patch: 'delete' } }),
    result: pod({ securityContext: {} }),
  },
  {
    name: 'merges a map that says so',
    object: pod({ securityContext: { runAsUser: 1 } }),
    patch: pod({ securityContext: { $patch: 'merge', runAsGroup: 2 } }),
    result: pod({ securityContext: { runAsUser: 1, runAsGroup: 2 } }),
  },
  {
    name: 'replaces lists that are not marked',
    object: pod({ containers: [{ name: 'a', command: ['x', 'y'] }] }),
    patch: pod({ containers: [{ name: 'a', command: ['z'] }] }),
    result: pod({ containers: [{ name: 'a', command: ['z'] }] }),
  },
  {
    name: 'adds to a list of scalars',
    object: finalizers('a', 'b'),
    patch: finalizers('b', 'c'),
    result: finalizers('a', 'b', 'c'),
  },
  {
    name: 'deletes from a list of scalars',
    object: finalizers('a', 'b'),
    patch: { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
    result: finalizers('b'),
  },
  {
    name: 'deletes from and adds to a list of scalars',
    object: finalizers('a', 'b'),
    patch: { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['c'] } },
    result: finalizers('b', 'c'),
  },
  {
    name: 'orders a list of scalars',
    object: finalizers('a', 'b'),
    patch: { metadata: { '$setElementOrder/finalizers': ['c', 'b', 'a'], finalizers: ['c'] } },
    result: finalizers('c', 'b', 'a'),
  },
  {
    name: 'orders items, and leaves others in their place',
    object: pod({ containers: named('a', 'x', 'b') }),
    patch: pod({ '$setElementOrder/containers': named('b', 'c', 'a'), containers: named('c') }),
    result: pod({ containers: named('x', 'b', 'c', 'a') }),
  },
  {
    name: 'orders without a patch of the list',
    object: pod({ containers: named('a', 'b') }),
    patch: pod({ '$setElementOrder/containers': named('b', 'a') }),
    result: pod({ containers: named('b', 'a') }),
  },
  {
    name: 'orders while deleting',
    object: pod({ containers: named('a', 'b', 'c') }),
    patch: pod({ '$setElementOrder/containers': named('c', 'a'), containers: [{ name: 'b', $patch: 'delete' }] }),
    result: pod({ containers: named('c', 'a') }),
  },
  {
    name: 'retains keys only',
    kind: 'Deployment',
    object: { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
    patch: { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    result: { spec: { strategy: { type: 'Recreate' } } },
  },
  {
    name: 'retains keys of items',
    object: pod({ volumes: [{ name: 'v', emptyDir: {} }] }),
    patch: pod({ volumes: [{ name: 'v', $retainKeys: ['name', 'configMap'], configMap: { name: 'c' } }] }),
    result: pod({ volumes: [{ name: 'v', configMap: { name: 'c' } }] }),
  },
  {
    name: 'adds a map without its nulls',
    object: {},
    patch: pod({ securityContext: { runAsUser: null, runAsGroup: 1 } }),
    result: pod({ securityContext: { runAsGroup: 1 } }),
  },
  {
    name: 'adds a list without directives',
    object: pod({}),
    patch: pod({ containers: [{ name: 'a' }, { name: 'b', $patch: 'delete' }] }),
    result: pod({ containers: named('a') }),
  },
  {
    name: 'replaces a scalar by a map',
    object: { metadata: { labels: 'x' } },
    patch: { metadata: { labels: { a: 'b' } } },
    result: { metadata: { labels: { a: 'b' } } },
  },
  {
    name: 'merges secrets by name',
    kind: 'ServiceAccount',
    object: { secrets: named('a') },
    patch: { secrets: named('b') },
    result: { secrets: named('a', 'b') },
  },
  {
    name: 'changes nothing when empty',
    object: pod({ containers: named('a') }),
    patch: {},
    result: pod({ containers: named('a') }),
  },
  { name: 'refuses what is no object', object: {}, patch: [], error: /must be an object/ },
  {
    name: 'refuses an unknown directive',
    object: {},
    patch: { spec: { $patch: 'drop' } },
    error: /unknown patch type: "drop"/,
  },
  {
    name: 'refuses an unknown directive of an item',
    object: {},
    patch: pod({ containers: [{ name: 'a', $patch: 'drop' }] }),
    error: /unknown patch type/,
  },
  {
    name: 'refuses an item without key',
    object: pod({ containers: named('a') }),
    patch: pod({ containers: [{ image: 'x' }] }),
    error: /declared merge key: name/,
  },
  {
    name: 'refuses scalars in a list by key',
    object: {},
    patch: pod({ containers: ['a'] }),
    error: /takes objects only/,
  },
  {
    name: 'refuses fields beside the retained keys',
    kind: 'Deployment',
    object: {},
    patch: { spec: { strategy: { $retainKeys: ['type'], rollingUpdate: {} } } },
    error: /does not name the patched field "rollingUpdate"/,
  },
  {
    name: 'refuses an order that contradicts the patch',
    object: {},
    patch: pod({ '$setElementOrder/containers': named('a', 'b'), containers: named('b', 'a') }),
    error: /order in patch list "containers"/,
  },
  {
    name: 'refuses directives that are no lists',
    object: {},
    patch: pod({ '$setElementOrder/containers': 'a', containers: [] }),
    error: /must be a list/,
  },
  {
    name: 'refuses directives for whole lists',
    object: {},
    patch: pod({ containers: [{ name: 'a', command: [], '$setElementOrder/command': ['x'] }] }),
    error: /replaced as a whole/,
  },
];

const API: Readonly<Record<string, string>> = { Pod: 'v1', ServiceAccount: 'v1', Deployment: 'apps/v1' };

for (const { name, kind = 'Pod', object, patch, result, error } of CASES)
  test(`strategic merge patch ${name}`, () => {
    const schema = schemaOf(API[kind] ?? '', kind);
    const before = structuredClone(object);
    if (result !== undefined) assert.deepEqual(applyStrategicPatch(schema, object, patch), result);
    if (error !== undefined)
      assert.throws(
        () => applyStrategicPatch(schema, object, patch),
        (thrown) => thrown instanceof PatchError && error.test(thrown.message),
      );
    assert.deepEqual(object, before);
  });

test('a kind without a schema of its own has its lists replaced and its metadata merged', () => {
  const schema = { preserveUnknownFields: true, openapi: {} };
  const object = { metadata: { finalizers: ['a'] }, spec: { list: [1] } };
  assert.deepEqual(applyStrategicPatch(schema, object, { spec: { list: [2] } }), {
    metadata: { finalizers: ['a'] },
    spec: { list: [2] },
  });
});
