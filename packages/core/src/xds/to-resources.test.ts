import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, type Resource, TYPE_URL } from '@osm/envoy';
import type { ProxyPlan } from '../plan/types.ts';
import * as p from './testing/plans.ts';
import { type ResourceMap, toResourceLayers, toResources } from './to-resources.ts';

const byName = (plan: ProxyPlan): ReadonlyMap<string, Resource> =>
  new Map(toResources(plan).map((resource) => [`${resource.typeUrl} ${resource.name}`, resource]));

const parts = {
  inbound: [p.inbound('shop/cart', 80, 8080)],
  outbound: [
    p.outbound('shop/stock', 80, '10.96.0.1', [['shop/stock|80', 1]]),
    p.outbound('shop/mail', 25, '10.96.0.2', [['shop/mail|25', 1]], { protocol: 'tcp' }),
  ],
  upstreams: [p.upstream('shop/stock|80', ['shop/stock']), p.upstream('shop/mail|25', ['shop/mail'])],
  assignments: [p.assignment('shop/stock|80', p.endpoint('10.1.0.1', 80)), p.assignment('shop/mail|25')],
};

test('the same plan gives the same list', () => {
  const plan = p.plan('shop/cart', parts);
  assert.equal(toResources(plan), toResources(plan));
});

test('a change of one part changes the resources made from it alone', () => {
  const before = byName(p.plan('shop/cart', parts));
  const after = byName(
    p.plan('shop/cart', {
      ...parts,
      assignments: [p.assignment('shop/stock|80', p.endpoint('10.1.0.2', 80)), parts.assignments[1]!],
    }),
  );
  assert.deepEqual([...after.keys()], [...before.keys()]);
  const changed = [...after].filter(([key, resource]) => before.get(key) !== resource).map(([key]) => key);
  assert.deepEqual(changed, [`${TYPE_URL.endpoint} shop/stock|80`]);
});

test('proxies share all that does not depend on who they are', () => {
  const cart = byName(p.plan('shop/cart', parts));
  const web = byName(p.plan('shop/web', parts));
  const different = [...web].filter(([key, resource]) => cart.get(key) !== resource).map(([key]) => key);
  assert.deepEqual(different, [`${TYPE_URL.listener} inbound-listener`]);
});

const layersOf = (plan: ProxyPlan): ReadonlySet<ResourceMap> => new Set([...toResourceLayers(plan).values()].flat());

test('of a proxy that may go where others may, only the layers of what it serves are its own', () => {
  const cart = p.plan('shop/cart', parts);
  const stock = {
    ...cart,
    identity: { namespace: 'shop', serviceAccount: 'stock' },
    inbound: [p.inbound('shop/stock', 80, 8080)],
  };
  const known = layersOf(cart);
  const own = [...layersOf(stock)].filter((layer) => !known.has(layer));
  assert.deepEqual(
    own.map((layer) => [...layer.keys()]),
    [['shop/stock|8080|local'], ['inbound-listener'], ['rds-inbound.shop/stock.8080']],
  );
});

test('after a change of endpoints every other layer is the same', () => {
  const cart = p.plan('shop/cart', parts);
  const moved = p.assignment('shop/stock|80', p.endpoint('10.1.0.2', 80));
  const after = { ...cart, assignments: new Map([...cart.assignments, [moved.upstream, moved]]) };
  const known = layersOf(cart);
  const made = [...layersOf(after)].filter((layer) => !known.has(layer));
  assert.deepEqual(made, [toResourceLayers(after).get(TYPE_URL.endpoint)?.[0]]);
});

test('egress stays the same while its policies do', () => {
  const policy = {
    port: 80,
    protocol: 'http' as const,
    hosts: ['a.example'],
    ranges: [],
    matches: [p.anyMatch],
    origins: [p.origin('Egress', 'shop/web')],
  };
  const [cart, web] = [p.plan('shop/cart', { egress: [policy] }), p.plan('shop/web', { egress: [policy] })];
  assert.deepEqual(toResources(cart), toResources(web));
  for (const [i, resource] of toResources(cart).entries()) assert.equal(resource, toResources(web)[i]);
});

test('a change of who may call changes routes, and closes no HTTP connection of those who may', () => {
  const access = (path: string) => p.rules([p.httpRule('shop/target', { path }, 'shop/web')]);
  const cart = (path: string) =>
    byName(p.plan('shop/cart', { ...parts, inbound: [p.inbound('shop/cart', 80, 8080, { access: access(path) })] }));
  const [before, after] = [cart('/a'), cart('/b')];
  const version = (resources: ReadonlyMap<string, Resource>, key: string): string =>
    encode(resources.get(key)!).version;
  const changed = [...before.keys()].filter((key) => version(before, key) !== version(after, key));
  assert.deepEqual(changed, [`${TYPE_URL.route} rds-inbound.shop/cart.8080`]);
});

test('without anything to do there is no listener', () => {
  assert.deepEqual(toResources(p.plan('shop/cart', {})), []);
});

test('a plan of a thousand services is turned into resources in little time', () => {
  const numbers = Array.from({ length: 1000 }, (_, i) => i);
  const key = (i: number): string => `shop/s${i}|80`;
  const large = p.plan('shop/cart', {
    outbound: numbers.map((i) => p.outbound(`shop/s${i}`, 80, `10.96.${i >> 8}.${i & 255}`, [[key(i), 1]])),
    upstreams: numbers.map((i) => p.upstream(key(i), ['shop/s'])),
    assignments: numbers.map((i) => p.assignment(key(i), p.endpoint('10.1.0.1', 80))),
  });
  const first = performance.now();
  assert.equal(toResources(large).length, 3001);
  const changed = performance.now();
  toResources({
    ...large,
    outbound: [...large.outbound.slice(1), p.outbound('shop/new', 80, '10.97.0.1', [[key(1), 1]])],
  });
  const end = performance.now();
  assert.ok(changed - first < 2000, `${changed - first} ms at first`);
  assert.ok(end - changed < 500, `${end - changed} ms for one more service`);
});
