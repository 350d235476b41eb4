import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPE_URL } from '@osm/envoy';
import { c, l, openWorld, r } from './testing-stream.ts';

const { cluster, listener, route } = TYPE_URL;

test('state of the world: a removal is a response without the resource', () => {
  const { state, ask, next, want } = openWorld(c('a'), c('b'));
  ask(cluster, []);
  assert.equal(next(), 'Cluster a@1 b@1');
  assert.equal(ask(cluster, [])?.kind, 'acked');
  want(c('a', '2'));
  assert.equal(next(), 'Cluster a@2 b@1');
  ask(cluster, []);
  next();
  state.ripen();
  assert.equal(next(), 'Cluster a@2');
});

test('state of the world: a refused resource is left as it was, the others are not held back', () => {
  const { ask, next, want } = openWorld(l('a'), l('b'));
  ask(listener, []);
  next();
  ask(listener, []);
  want(l('a', 'bad'), l('b', '2'));
  assert.equal(next(), 'Listener a@bad b@2');
  assert.equal(ask(listener, [], { error: 'listener a: no' }), undefined);
  assert.equal(next(), 'Listener a@1 b@2');
  ask(listener, []);
  assert.equal(next(), 'Listener a@bad b@2');
  assert.deepEqual(ask(listener, [], { error: 'no' })?.versions, new Map([['a', 'bad']]));
  want(l('a', 'bad'), l('b', '3'));
  assert.equal(next(), 'Listener a@1 b@3');
});

test('state of the world: names that are added are sent alone, an old nonce is ignored', () => {
  const { ask, next, want } = openWorld(r('a'), r('b'));
  ask(route, ['a']);
  assert.equal(next(), 'RouteConfiguration a@1');
  assert.equal(ask(route, ['a', 'b'], { nonce: 'old' }), undefined);
  assert.equal(next(), 'nothing');
  ask(route, ['a', 'b', 'c']);
  assert.equal(next(), 'RouteConfiguration b@1');
  ask(route, ['b', 'c']);
  want(r('a', '2'), r('b'), r('c'));
  assert.equal(next(), 'RouteConfiguration c@1');
});
