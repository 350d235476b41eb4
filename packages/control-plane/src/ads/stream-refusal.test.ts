import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPE_URL } from '@osm/envoy';
import { c, l, line, open } from './testing-stream.ts';

const { cluster, listener } = TYPE_URL;

function refuse(bad: readonly string[], names: readonly string[], error: string) {
  const { state, hear } = open({ types: [listener], wanted: names.map((name) => l(name)) });
  const sent: string[] = [];
  for (let push = state.next(); push !== undefined; push = state.next()) {
    sent.push(line(push).replace('Listener ', ''));
    const wrong = push.resources.some(({ name }) => bad.includes(name));
    hear(listener, { nonce: push.nonce, error: wrong ? error : undefined });
  }
  return { sent, quarantined: [...state.quarantined(listener).keys()], held: [...state.held(listener).keys()].sort() };
}

test('a refused resource is not offered again until it changes, and stays as it was', () => {
  const { state, next, answer, want, settle } = open({ types: [listener], wanted: [l('a'), l('b')] });
  settle();
  want(l('a', 'bad'), l('b'));
  assert.equal(next(), 'Listener a@bad');
  assert.deepEqual(answer(listener, 'no'), { kind: 'nacked', versions: new Map([['a', 'bad']]), error: 'no' });
  assert.equal(next(), 'nothing');
  want(l('a', 'bad'), l('b', '2'));
  assert.deepEqual(settle(), ['Listener b@2']);
  assert.equal(state.held(listener).get('a')?.version, '1');
  want(l('a', '1'), l('b', '2'));
  assert.deepEqual(settle(), []);
  want(l('a', '2'), l('b', '2'));
  assert.deepEqual(settle(), ['Listener a@2']);
  assert.equal(state.quarantined(listener).size, 0);
});

test('what the proxy took of a refused response is put right', () => {
  const { state, next, answer, want, settle } = open({ types: [cluster], wanted: [c('a')] });
  settle();
  want(c('a', '2'), c('new'), c('b', 'bad'));
  assert.equal(next(), 'Cluster a@2 b@bad new@1');
  answer(cluster, 'no');
  // Envoy may have taken a@2 and new@1.
  want(c('a', '1'));
  assert.equal(next(), 'Cluster a@1');
  answer(cluster);
  next();
  state.ripen();
  assert.equal(next(), 'Cluster -b -new');
  answer(cluster);
  assert.equal(next(), 'nothing');
});

test('a resource that was refused alone is known to be as it was', () => {
  const { next, answer, want } = open({ types: [listener], wanted: [l('a')] });
  next();
  answer(listener);
  want(l('a', 'bad'), l('b'));
  assert.equal(next(), 'Listener a@bad b@1');
  answer(listener, 'Error adding listener a: no');
  assert.equal(next(), 'Listener b@1');
  answer(listener);
  assert.equal(next(), 'Listener a@bad');
  assert.equal(answer(listener, 'no')?.kind, 'nacked');
  want(l('a', '1'), l('b'));
  assert.equal(next(), 'nothing');
});

test('the rest of a refused response goes on: by the names in the error text', () => {
  const names = ['outbound', 'inbound', 'outbound_egress', 'x'];
  const { sent, quarantined, held } = refuse(['outbound'], names, 'Error adding/updating listener(s) outbound: no');
  assert.deepEqual(sent.slice(1), ['inbound@1 outbound_egress@1 x@1', 'outbound@1']);
  assert.deepEqual(quarantined, ['outbound']);
  assert.deepEqual(held, ['inbound', 'outbound_egress', 'x']);
});

test('the rest of a refused response goes on: by halves when the text names none', () => {
  const names = Array.from({ length: 16 }, (_, i) => `l${i}`);
  const { sent, quarantined, held } = refuse(['l5'], names, 'something is wrong');
  assert.deepEqual(quarantined, ['l5']);
  assert.equal(held.length, 15);
  assert.ok(sent.length <= 1 + 2 * 4, `${sent.length} responses to find one of 16`);
});

test('a text that blames the wrong one costs a response, not the resource', () => {
  const { quarantined, held } = refuse(['b'], ['a', 'b', 'c'], 'it is because of a');
  assert.deepEqual(quarantined, ['b']);
  assert.deepEqual(held, ['a', 'c']);
});

test('what a refused listener still uses is kept; other removals go on', () => {
  const { state, next, answer, want, settle } = open({
    types: [cluster, listener],
    wanted: [c('kept'), c('gone'), l('x', '1', 'cluster: kept')],
  });
  settle();
  want(l('x', 'bad', 'nothing'));
  assert.equal(next(), 'Listener x@bad');
  answer(listener, 'no');
  next();
  state.ripen();
  assert.equal(next(), 'Cluster -gone');
  answer(cluster);
  assert.equal(next(), 'nothing');
  want(l('x', '2', 'nothing'));
  assert.deepEqual(settle(), ['Listener x@2', 'Cluster -kept']);
});
