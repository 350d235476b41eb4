import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPE_URL } from '@osm/envoy';
import { changedNames } from '../ads/difference.ts';
import { layersOf } from '../ads/layers.ts';
import type { ResourceSet } from '../ads/types.ts';
import { addService, createCity, moveEndpoint } from './testing-city.ts';
import { createDistribution } from './testing-distribution.ts';

/** The maps that sets are made of; what several proxies have in common counts once. */
const layersIn = (sets: Iterable<ResourceSet>): ReadonlySet<object> => {
  const layers = new Set<object>();
  for (const set of sets)
    for (const resources of set.values()) for (const layer of layersOf(resources)) layers.add(layer);
  return layers;
};

async function setUp(size: number) {
  const { objects, proxies } = createCity(size);
  const distribution = await createDistribution(proxies);
  distribution.update(objects);
  return { objects, distribution, encodedAtFirst: distribution.encoded() };
}

/** Work of a change: resources encoded, maps made, resources sent. */
async function workOf(size: number, change: 'endpoint' | 'service' | 'nothing') {
  const { objects, distribution } = await setUp(size);
  distribution.subscribe([TYPE_URL.endpoint, TYPE_URL.cluster]);
  distribution.settle();
  const [encoded, known] = [distribution.encoded(), layersIn(distribution.sets.values())];
  if (change === 'endpoint') distribution.update(moveEndpoint(objects, 1, '10.200.0.1'));
  if (change === 'service') distribution.update(addService(objects, 1, 'more'));
  if (change === 'nothing') distribution.update({ ...objects });
  const layers = [...layersIn(distribution.sets.values())].filter((layer) => !known.has(layer)).length;
  return { encoded: distribution.encoded() - encoded, layers, sent: distribution.settle() };
}

test('what is encoded at first grows with the mesh, not with its square', async () => {
  const [small, large] = [await setUp(20), await setUp(40)];
  const perWorkload = (large.encodedAtFirst - small.encodedAtFirst) / 20;
  // Of each: upstream and local cluster, endpoints, inbound listener, inbound and outbound routes, four secrets.
  assert.equal(perWorkload, 10);
});

test('a moved endpoint is one resource encoded and one map made, however many proxies there are', async () => {
  for (const size of [10, 60]) {
    assert.deepEqual(await workOf(size, 'endpoint'), { encoded: 1, layers: 1, sent: size }, `${size} proxies`);
  }
});

test('one more service costs the maps that all share, and for the proxies behind it their own', async () => {
  const small = await workOf(10, 'service');
  const large = await workOf(60, 'service');
  assert.equal(large.encoded, small.encoded);
  assert.equal(large.layers, small.layers);
  // Cluster and endpoints of the service for everybody, and the local cluster where it is served.
  assert.deepEqual([small.sent, large.sent], [21, 121]);
});

test('a state that says the same costs nothing', async () => {
  assert.deepEqual(await workOf(10, 'nothing'), { encoded: 0, layers: 0, sent: 0 });
});

test('proxies hold the same large maps', async () => {
  const { distribution } = await setUp(30);
  const layers = layersIn(distribution.sets.values());
  // Endpoints, upstream clusters, outbound listener, outbound routes, roots, and three layers of nothing.
  const own = 4;
  assert.equal(layers.size, 30 * own + 8);
});

test('differences between sets are those of their contents', async () => {
  const { objects, distribution } = await setUp(10);
  const before = new Map(distribution.sets);
  distribution.update(moveEndpoint(addService(objects, 1, 'more'), 2, '10.200.0.1'));
  for (const [id, after] of distribution.sets) {
    for (const [typeUrl, resources] of after) {
      const [old, next] = [new Map(before.get(id)?.get(typeUrl)), new Map(resources)];
      const found = changedNames(before.get(id)?.get(typeUrl) ?? new Map(), resources);
      assert.deepEqual([...found].sort(), [...changedNames(old, next)].sort(), `${id} ${typeUrl}`);
    }
  }
});
