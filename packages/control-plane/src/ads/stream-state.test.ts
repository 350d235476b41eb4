import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EncodedResource, TYPE_URL, type TypeUrl } from '@osm/envoy';
import { createStreamState, type Push, type StreamState } from './stream-state.ts';
import { resource, resourceSet } from './testing.ts';

const { cluster, endpoint, listener, route, secret } = TYPE_URL;

const short = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf('.') + 1);

/** A response in one line: type, resources with versions, removals with a minus. */
const line = (push: Push | undefined): string =>
  push === undefined
    ? 'nothing'
    : [
        short(push.typeUrl),
        ...push.resources.map(({ name, version }) => `${name}@${version}`).sort(),
        ...push.removed.map((name) => `-${name}`).sort(),
      ].join(' ');

/** A stream with its answers at hand. */
function open(options: { readonly types?: readonly TypeUrl[]; readonly wanted?: readonly EncodedResource[] } = {}) {
  const state = createStreamState('delta');
  const inFlight = new Map<string, string>();
  const hear = (typeUrl: string, request: Partial<Parameters<StreamState['hear']>[0]> = {}) =>
    state.hear({
      typeUrl,
      change: { subscribe: [], unsubscribe: [] },
      initialVersions: new Map(),
      nonce: '',
      error: undefined,
      ...request,
    });
  const next = (): string => {
    const push = state.next();
    if (push !== undefined) inFlight.set(push.typeUrl, push.nonce);
    return line(push);
  };
  const answer = (typeUrl: string, error?: string) => hear(typeUrl, { nonce: inFlight.get(typeUrl) ?? '?', error });
  const subscribe = (typeUrl: string, ...names: string[]) =>
    hear(typeUrl, { change: { subscribe: names, unsubscribe: [] } });
  const unsubscribe = (typeUrl: string, ...names: string[]) =>
    hear(typeUrl, { change: { subscribe: [], unsubscribe: names } });
  const want = (...wanted: readonly EncodedResource[]) => state.want(resourceSet(...wanted));
  /** Sends and acknowledges until nothing is left; what was sent. */
  const settle = (): string[] => {
    const sent: string[] = [];
    for (let push = state.next(); push !== undefined; push = state.next()) {
      sent.push(line(push));
      hear(push.typeUrl, { nonce: push.nonce });
    }
    return sent;
  };
  for (const typeUrl of options.types ?? []) hear(typeUrl);
  if (options.wanted !== undefined) want(...options.wanted);
  return { state, hear, next, answer, subscribe, unsubscribe, want, settle };
}

const c = (name: string, version = '1') => resource(cluster, name, version);
const e = (name: string, version = '1') => resource(endpoint, name, version);
const l = (name: string, version = '1', text = '') => resource(listener, name, version, text);
const r = (name: string, version = '1', text = '') => resource(route, name, version, text);
const s = (name: string, version = '1') => resource(secret, name, version);

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

test('a wildcard that is given up leaves what was named', () => {
  const { hear, want, settle } = open({ types: [cluster], wanted: [c('a'), c('b')] });
  settle();
  hear(cluster, { change: { subscribe: ['a'], unsubscribe: ['*'] } });
  want(c('a', '2'), c('b', '2'));
  assert.deepEqual(settle(), ['Cluster a@2']);
  hear(cluster, { change: { subscribe: ['*'], unsubscribe: [] } });
  assert.deepEqual(settle(), ['Cluster b@2']);
});

/** A state-of-the-world stream: what is sent for requests with all names. */
function openWorld(...wanted: readonly EncodedResource[]) {
  const state = createStreamState('world');
  const nonces = new Map<string, string>();
  const ask = (typeUrl: string, names: readonly string[], options: { nonce?: string; error?: string } = {}) =>
    state.hear({
      typeUrl,
      change: names,
      initialVersions: new Map(),
      nonce: options.nonce ?? nonces.get(typeUrl) ?? '',
      error: options.error,
    });
  const next = (): string => {
    const push = state.next();
    if (push !== undefined) nonces.set(push.typeUrl, push.nonce);
    return line(push);
  };
  const want = (...all: readonly EncodedResource[]) => state.want(resourceSet(...all));
  want(...wanted);
  return { state, ask, next, want };
}

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

/** Refuses every response that holds one of these; what was sent, and what was held for bad. */
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
