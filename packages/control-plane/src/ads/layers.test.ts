import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EncodedResource } from '@osm/envoy';
import { TYPE_URL } from '@osm/envoy';
import fc from 'fast-check';
import { changedNames } from './difference.ts';
import { layResources } from './layers.ts';
import { resource } from './testing.ts';

const names = fc.constantFrom('a', 'b', 'c', 'd');
const layer = fc
  .uniqueArray(fc.tuple(names, fc.constantFrom('1', '2')), { selector: ([name]) => name })
  .map(
    (pairs): ReadonlyMap<string, EncodedResource> =>
      new Map(pairs.map(([name, version]) => [name, resource(TYPE_URL.cluster, name, version)])),
  );
const layers = fc.array(layer, { minLength: 1, maxLength: 3 });

test('maps in layers are one map, in which the first of a name counts', () => {
  fc.assert(
    fc.property(layers, (all) => {
      const flat = new Map(all.toReversed().flatMap((each) => [...each]));
      const one = layResources(all);
      assert.deepEqual(new Map([...one].sort()), new Map([...flat].sort()));
      assert.equal(one.size, flat.size);
      assert.deepEqual([...one.keys()].sort(), [...flat.keys()].sort());
      assert.deepEqual(new Set(one.values()), new Set(flat.values()));
      for (const name of ['a', 'b', 'c', 'd']) {
        assert.equal(one.get(name), flat.get(name));
        assert.equal(one.has(name), flat.has(name));
      }
      assert.equal(layResources([...all]), one);
    }),
  );
});

test('the difference of layered maps is that of their contents', () => {
  fc.assert(
    fc.property(layers, layers, (before, after) => {
      const [old, next] = [layResources(before), layResources(after)];
      assert.deepEqual([...changedNames(old, next)].sort(), [...changedNames(new Map(old), new Map(next))].sort());
    }),
  );
});
