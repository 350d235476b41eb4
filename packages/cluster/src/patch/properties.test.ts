import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '@osm/kube';
import fc from 'fast-check';
import { deepFreeze } from '../store/fields.ts';
import { applyMergePatch, applyStrategicPatch, serverSideApply, trackManagedFields } from './index.ts';
import { ownersOf } from './owners.ts';
import { schemaOf } from './testing/schemas.ts';

const SCHEMA = schemaOf('example.com/v1', 'Thing');
const NOW = new Date('2026-01-01T00:00:00Z');

const key = fc.constantFrom('a', 'b', 'c');
const word = fc.constantFrom('x', 'y', 'z');
const port = fc.record({ port: fc.integer({ min: 1, max: 3 }), note: word }, { requiredKeys: ['port'] });
const free = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    word,
    fc.array(word, { maxLength: 2 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  ),
}));

const spec = fc.record(
  {
    size: fc.integer({ min: 0, max: 2 }),
    tags: fc.uniqueArray(word),
    steps: fc.array(word, { maxLength: 3 }),
    ports: fc.uniqueArray(port, { selector: (item) => item.port }),
    whole: fc.record({ a: word, b: word }, { requiredKeys: [] }),
    limits: fc.dictionary(key, word),
    free: fc.dictionary(key, free.value),
  },
  { requiredKeys: [] },
);

/** Objects without null prototypes, which JSON does not have. */
const thing = spec.map(
  (value): KubeObject =>
    deepFreeze({
      apiVersion: 'example.com/v1',
      kind: 'Thing',
      metadata: { name: 'thing' },
      spec: structuredClone(value),
    }),
);

const base = { schema: SCHEMA, subresource: '', apiVersion: 'example.com/v1', now: NOW };
const apply = (live: KubeObject | undefined, applied: KubeObject, manager: string): KubeObject =>
  deepFreeze(serverSideApply({ ...base, live, applied, manager, force: true }).object);
const update = (live: KubeObject | undefined, updated: KubeObject, manager: string): KubeObject =>
  deepFreeze(trackManagedFields({ ...base, live, updated, manager, operation: 'Update' }));

test('applying twice is applying once', () => {
  fc.assert(
    fc.property(thing, thing, thing, (first, second, third) => {
      const live = apply(apply(update(undefined, first, 'editor'), second, 'one'), third, 'two');
      assert.equal(apply(live, third, 'two'), live);
    }),
  );
});

test('what is applied by force is there and owned, and conflicts with nobody afterwards', () => {
  fc.assert(
    fc.property(thing, thing, (first, second) => {
      const live = apply(apply(undefined, first, 'one'), second, 'two');
      const { conflicts, object } = serverSideApply({ ...base, live, applied: second, manager: 'two', force: false });
      assert.deepEqual(conflicts, []);
      assert.equal(object, live);
    }),
  );
});

test('a lone applier gets exactly what he applies last', () => {
  fc.assert(
    fc.property(thing, thing, (first, second) => {
      const { metadata: _metadata, ...object } = apply(apply(undefined, first, 'one'), second, 'one');
      const { metadata: _other, ...wanted } = second;
      assert.deepEqual(normal(object), normal(wanted));
    }),
  );
});

/** Without order of keyed lists and sets, and without an empty `spec`: neither is the applier's to say. */
const normal = (object: object): object => {
  const { spec: given = {}, ...rest } = structuredClone(object) as { spec?: Record<string, unknown> };
  const sorted = Object.entries(given).map(([name, value]) => {
    const byText = (left: unknown, right: unknown) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1);
    return [name, (name === 'tags' || name === 'ports') && Array.isArray(value) ? value.sort(byText) : value] as const;
  });
  return { ...rest, spec: Object.fromEntries(sorted) };
};

test('updates never leave a field with an owner when it is gone', () => {
  fc.assert(
    fc.property(thing, thing, (first, second) => {
      const live = update(update(undefined, first, 'one'), second, 'two');
      for (const name of Object.keys((first.spec ?? {}) as object))
        if (Reflect.get(live.spec as object, name) === undefined)
          for (const { fields } of ownersOf(live.metadata.managedFields))
            assert.equal(fields['f:spec']?.[`f:${name}`], undefined);
    }),
  );
});

test('an object patched with itself stays as it is', () => {
  fc.assert(
    fc.property(thing, (object) => {
      assert.deepEqual(applyMergePatch(object, object), object);
      assert.deepEqual(applyStrategicPatch(SCHEMA, object, object), object);
    }),
  );
});

test('an empty patch changes nothing', () => {
  fc.assert(
    fc.property(thing, (object) => {
      assert.deepEqual(applyStrategicPatch(SCHEMA, object, {}), object);
      assert.deepEqual(applyMergePatch(object, {}), object);
    }),
  );
});
