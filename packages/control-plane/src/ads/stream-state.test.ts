import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPE_URL } from '@osm/envoy';
import { resource } from './testing.ts';
import { c, e, l, open, r, s } from './testing-stream.ts';

const { cluster, endpoint, listener, route, secret } = TYPE_URL;

test('nothing is said before there is something wanted', () => {
  const { next, want, hear } = open({ types: [cluster] });
  assert.equal(next(), 'nothing');
  want(c('a'));
  assert.equal(next(), 'Cluster a@1');
  hear(endpoint);
  assert.equal(next(), 'nothing');
});

test('a wildcard subscriber gets everything, once, even if that is nothing', () => {
  const { next, answer } = open({ types: [cluster], wanted: [] });
  assert.equal(next(), 'Cluster');
  answer(cluster);
  assert.equal(next(), 'nothing');
});

test('types without wildcard get what they name; what is not there is denied once, and comes when it is there', () => {
  const { next, answer, subscribe, hear, want } = open({ wanted: [e('a'), e('b')] });
  hear(endpoint);
  assert.equal(next(), 'nothing');
  subscribe(endpoint, 'a', 'x');
  assert.equal(next(), 'ClusterLoadAssignment a@1 -x');
  answer(endpoint);
  assert.equal(next(), 'nothing');
  want(e('a'), e('x'));
  assert.equal(next(), 'ClusterLoadAssignment x@1');
});

test('a type that nobody serves is denied, so that the proxy does not wait', () => {
  const { next, subscribe } = open({ wanted: [] });
  subscribe('type.googleapis.com/envoy.extensions.Other', 'x');
  assert.equal(next(), 'Other -x');
});

test('a name that is subscribed again is sent again; one that is given up is forgotten', () => {
  const { settle, subscribe, unsubscribe, want } = open({ wanted: [r('a'), r('b')] });
  subscribe(route, 'a', 'b');
  assert.deepEqual(settle(), ['RouteConfiguration a@1 b@1']);
  subscribe(route, 'a');
  assert.deepEqual(settle(), ['RouteConfiguration a@1']);
  unsubscribe(route, 'a');
  want(r('a', '2'), r('b'));
  assert.deepEqual(settle(), []);
  subscribe(route, 'a');
  assert.deepEqual(settle(), ['RouteConfiguration a@2']);
});

test('a name that is subscribed again while its response is under way is sent once more', () => {
  const { next, subscribe, answer } = open({ wanted: [r('a')] });
  subscribe(route, 'a');
  assert.equal(next(), 'RouteConfiguration a@1');
  subscribe(route, 'a');
  assert.equal(next(), 'nothing');
  assert.deepEqual(answer(route), { kind: 'acked', versions: new Map() });
  assert.equal(next(), 'RouteConfiguration a@1');
});

test('a reconnected proxy gets only what it does not have, and loses what is gone', () => {
  const { state, hear, next, answer } = open({ wanted: [c('same'), c('newer', '2'), c('new')] });
  const told = hear(cluster, {
    initialVersions: new Map([
      ['same', '1'],
      ['newer', '1'],
      ['gone', '1'],
    ]),
  });
  assert.deepEqual(told?.versions.get('same'), '1');
  assert.equal(next(), 'Cluster new@1 newer@2');
  answer(cluster);
  assert.equal(next(), 'nothing');
  assert.ok(state.cooling);
  state.ripen();
  assert.equal(next(), 'Cluster -gone');
});

test('a reconnected proxy that has everything hears nothing', () => {
  const { hear, next } = open({ wanted: [c('a'), e('a')] });
  hear(cluster, { initialVersions: new Map([['a', '1']]) });
  hear(endpoint, { change: { subscribe: ['a'], unsubscribe: [] }, initialVersions: new Map([['a', '1']]) });
  assert.equal(next(), 'nothing');
});

test('one response of a type is under way at a time, and the newest state follows it', () => {
  const { next, want, answer } = open({ types: [cluster], wanted: [c('a', '1')] });
  assert.equal(next(), 'Cluster a@1');
  want(c('a', '2'));
  want(c('a', '3'), c('b'));
  assert.equal(next(), 'nothing');
  assert.deepEqual(answer(cluster), { kind: 'acked', versions: new Map([['a', '1']]) });
  assert.equal(next(), 'Cluster a@3 b@1');
});

test('a change that is taken back while it is under way is sent back', () => {
  const { next, want, answer, settle } = open({ types: [cluster], wanted: [c('a', '1')] });
  settle();
  want(c('a', '2'));
  assert.equal(next(), 'Cluster a@2');
  want(c('a', '1'));
  answer(cluster);
  assert.equal(next(), 'Cluster a@1');
});

test('an answer to another response is none', () => {
  const { next, hear, answer } = open({ types: [cluster], wanted: [c('a')] });
  next();
  assert.equal(hear(cluster, { nonce: 'other' }), undefined);
  assert.equal(next(), 'nothing');
  assert.equal(answer(cluster)?.kind, 'acked');
  assert.equal(answer(cluster), undefined);
});

test('make before break: clusters, endpoints, listeners, routes; removals when all that is in force', () => {
  const { state, next, answer, subscribe, want } = open({
    types: [cluster, listener],
    wanted: [c('old'), e('old'), l('in'), r('r')],
  });
  subscribe(endpoint, 'old');
  subscribe(route, 'r');
  subscribe(secret, 's');
  for (const expected of ['Cluster old@1', 'ClusterLoadAssignment old@1', 'Secret -s']) assert.equal(next(), expected);
  assert.equal(next(), 'nothing');
  assert.ok(state.gated);
  answer(cluster);
  assert.equal(next(), 'Listener in@1');
  assert.equal(next(), 'nothing');
  answer(listener);
  assert.equal(next(), 'RouteConfiguration r@1');
  answer(route);
  answer(endpoint);
  answer(secret);
  assert.equal(next(), 'nothing');

  want(c('new'), e('new'), l('in', '2'), r('r', '2'), s('s'));
  assert.equal(next(), 'Cluster new@1');
  subscribe(endpoint, 'new');
  assert.equal(next(), 'ClusterLoadAssignment new@1');
  assert.equal(next(), 'Secret s@1');
  assert.equal(next(), 'nothing');
  answer(cluster);
  assert.equal(next(), 'Listener in@2');
  answer(listener);
  assert.equal(next(), 'RouteConfiguration r@2');
  assert.equal(next(), 'nothing');
  assert.ok(!state.cooling, 'removals wait for the ACK of the routes');
  answer(route);
  assert.equal(next(), 'nothing');
  assert.ok(state.cooling);
  state.ripen();
  assert.equal(next(), 'Cluster -old');
});

test('endpoints do not wait for clusters that are under way', () => {
  const { next, subscribe, want, settle } = open({ types: [cluster], wanted: [c('a'), e('a')] });
  subscribe(endpoint, 'a');
  settle();
  want(c('a'), c('slow'), e('a', '2'));
  assert.equal(next(), 'Cluster slow@1');
  assert.equal(next(), 'ClusterLoadAssignment a@2');
});

test('an updated cluster gets its endpoints again, as it warms up anew', () => {
  const { subscribe, want, settle } = open({ types: [cluster], wanted: [c('a'), e('a')] });
  subscribe(endpoint, 'a');
  settle();
  want(c('a', '2'), e('a'));
  assert.deepEqual(settle(), ['Cluster a@2', 'ClusterLoadAssignment a@1']);
});

test('a listener that takes over an address comes with the removal of the other', () => {
  const { want, settle } = open({ types: [listener], wanted: [l('a')] });
  settle();
  want(l('b'));
  assert.deepEqual(settle(), ['Listener b@1 -a']);
});

test('a cluster goes after the ACK that the last listener that used it has gone', () => {
  const { state, want, settle, next, answer } = open({ types: [cluster, listener], wanted: [c('a'), l('x')] });
  settle();
  want();
  assert.equal(next(), 'Listener -x');
  assert.equal(next(), 'nothing');
  assert.ok(!state.cooling);
  answer(listener);
  next();
  state.ripen();
  assert.equal(next(), 'Cluster -a');
});

test('a proxy that does not answer clusters gets its listeners when patience is over', () => {
  const { state, next } = open({ types: [cluster, listener], wanted: [c('a'), l('x')] });
  assert.equal(next(), 'Cluster a@1');
  assert.equal(next(), 'nothing');
  state.lapse();
  assert.equal(next(), 'Listener x@1');
  assert.ok(!state.gated);
});

test('a wildcard that is given up leaves what was named', () => {
  const { hear, want, settle } = open({ types: [cluster], wanted: [c('a'), c('b')] });
  settle();
  hear(cluster, { change: { subscribe: ['a'], unsubscribe: ['*'] } });
  want(c('a', '2'), c('b', '2'));
  assert.deepEqual(settle(), ['Cluster a@2']);
  hear(cluster, { change: { subscribe: ['*'], unsubscribe: [] } });
  assert.deepEqual(settle(), ['Cluster b@2']);
});

test('a large set goes in several responses', () => {
  const big = 'x'.repeat(1024 * 1024);
  const wanted = Array.from({ length: 6 }, (_, i) => resource(cluster, `c${i}`, '1', big));
  const { settle } = open({ types: [cluster], wanted });
  assert.deepEqual(
    settle().map((sent) => sent.split(' ').length - 1),
    [4, 2],
  );
});

test('a stream cannot ask for types without end', () => {
  const { hear } = open();
  assert.throws(() => {
    for (let i = 0; i < 100; i++) hear(`type ${i}`);
  }, /more than 32 types/);
});
