import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EncodedResource, TYPE_URL, type TypeUrl } from '@osm/envoy';
import fc from 'fast-check';
import { createStreamState, type Protocol, type Push } from './stream-state.ts';
import { resource, resourceSet } from './testing.ts';

const { cluster, endpoint, listener, route, secret } = TYPE_URL;
const TYPES = [cluster, endpoint, listener, route, secret] as const;
const WILDCARD = new Set<string>([cluster, listener]);
const NAMES = ['a', 'b', 'c', 'd'];

/** A resource of version `bad…` is refused by the proxy, alone or in company. */
const isBad = (one: EncodedResource): boolean => one.version.startsWith('bad');

/** Clusters that a listener or route refers to. */
const references = (one: EncodedResource): string[] =>
  (/uses:(\S*)/.exec(Buffer.from(one.bytes).toString())?.[1] ?? '').split(',').filter((name) => name !== '');

type Step =
  | { readonly do: 'want'; readonly resources: readonly EncodedResource[] }
  | { readonly do: 'subscribe' | 'unsubscribe'; readonly type: TypeUrl; readonly name: string }
  | {
      readonly do: 'answer';
      readonly type: TypeUrl;
      readonly text: 'names' | 'nothing' | 'wrong';
      readonly partly: boolean;
    }
  | { readonly do: 'push' | 'ripen' };

const anyResource: fc.Arbitrary<EncodedResource> = fc
  .record({
    type: fc.constantFrom(...TYPES),
    name: fc.constantFrom(...NAMES),
    version: fc.constantFrom('1', '2', '3', 'bad1', 'bad2'),
    uses: fc.subarray(NAMES),
  })
  .map(({ type, name, version, uses }) =>
    resource(type, name, `${version}-${uses.join('')}`, `uses:${uses.join(',')}`),
  );

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('want' as const), resources: fc.array(anyResource, { maxLength: 12 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('subscribe' as const, 'unsubscribe' as const),
      type: fc.constantFrom(endpoint, route, secret),
      name: fc.constantFrom(...NAMES),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      type: fc.constantFrom(...TYPES),
      text: fc.constantFrom('names' as const, 'nothing' as const, 'wrong' as const),
      partly: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('push' as const, 'push' as const, 'push' as const, 'ripen' as const) }),
  },
);

/** A proxy that takes or refuses what it gets, and watches over the rules. */
function createProxy(protocol: Protocol) {
  const state = createStreamState(protocol);
  const holds = new Map<string, Map<string, EncodedResource>>(TYPES.map((type) => [type, new Map()]));
  const names = new Map<string, Set<string>>(TYPES.map((type) => [type, new Set()]));
  const inFlight = new Map<string, Push>();
  /** Resources of refused responses: the server cannot know which of them were taken. */
  const doubtful: EncodedResource[] = [];
  let wanted: ReadonlyMap<TypeUrl, ReadonlyMap<string, EncodedResource>> = new Map();
  const of = (type: string): Map<string, EncodedResource> => holds.get(type) ?? new Map();

  const nonces = new Map<string, string>();
  const everything = (type: string): boolean => protocol === 'world' && WILDCARD.has(type);

  const hear = (type: string, subscribe: string[], unsubscribe: string[], nonce = '', error?: string) =>
    state.hear({
      typeUrl: type,
      change: protocol === 'delta' ? { subscribe, unsubscribe } : [...(names.get(type) ?? [])],
      initialVersions: new Map(),
      nonce: protocol === 'delta' ? nonce : nonce || (nonces.get(type) ?? ''),
      error,
    });

  /** What goes with a response: told so, or left out of everything. */
  const removedBy = (push: Push): readonly string[] => {
    if (!everything(push.typeUrl)) return push.removed;
    const left = new Set(push.resources.map(({ name }) => name));
    return [...of(push.typeUrl).keys()].filter((name) => !left.has(name));
  };

  function checkPush(push: Push): void {
    assert.ok(!inFlight.has(push.typeUrl), 'two responses of one type are under way');
    for (const one of push.resources) {
      assert.notEqual(
        state.quarantined(push.typeUrl).get(one.name),
        one.version,
        'a refused version was offered again',
      );
      if (push.typeUrl !== listener && push.typeUrl !== route) continue;
      if (of(push.typeUrl).get(one.name)?.version === one.version) continue;
      for (const name of references(one)) {
        const there = wanted.get(cluster)?.get(name);
        if (there === undefined || isBad(there)) continue;
        assert.equal(of(cluster).get(name)?.version, there.version, 'a reference came before its cluster');
      }
    }
    if (push.typeUrl !== cluster) return;
    for (const name of removedBy(push)) {
      for (const user of [...of(listener).values(), ...of(route).values()]) {
        const wants = wanted.get(user.typeUrl)?.get(user.name);
        // An owner that wants the user as it is, without its cluster, gets that; a route that is dropped stays unused.
        if (wants?.version === user.version || (wants === undefined && user.typeUrl === route)) continue;
        assert.ok(!references(user).includes(name), `cluster ${name} was removed under ${user.name}@${user.version}`);
      }
    }
  }

  function answer(type: string, text: 'names' | 'nothing' | 'wrong', partly: boolean): void {
    const push = inFlight.get(type);
    if (push === undefined) return;
    inFlight.delete(type);
    nonces.set(type, push.nonce);
    const removed = removedBy(push);
    const bad = push.resources.filter(isBad);
    if (bad.length === 0 || partly) {
      for (const one of push.resources) {
        if (!isBad(one) && (WILDCARD.has(type) || names.get(type)?.has(one.name) === true)) of(type).set(one.name, one);
      }
      for (const name of removed) of(type).delete(name);
    }
    if (bad.length > 0) doubtful.push(...push.resources);
    const said = { names: bad.map(({ name }) => name).join(': x, '), nothing: 'invalid', wrong: NAMES.join(' ') }[text];
    const told = hear(type, [], [], push.nonce, bad.length === 0 ? undefined : said);
    if (bad.length === 0) assert.equal(told?.kind, 'acked');
    if (told?.kind !== 'nacked') return;
    for (const name of told.versions.keys())
      assert.ok(
        bad.some((one) => one.name === name),
        `${name} is innocent`,
      );
  }

  function push(): boolean {
    const sent = state.next();
    if (sent === undefined) return false;
    checkPush(sent);
    inFlight.set(sent.typeUrl, sent);
    return true;
  }

  for (const type of TYPES) hear(type, [], []);
  return {
    step(step: Step): void {
      if (step.do === 'want') {
        wanted = resourceSet(...step.resources);
        state.want(wanted);
      } else if (!('type' in step)) {
        if (step.do === 'push') push();
        else state.ripen();
      } else if ('text' in step) answer(step.type, step.text, step.partly);
      else if (step.do === 'subscribe') {
        names.get(step.type)?.add(step.name);
        hear(step.type, [step.name], []);
      } else {
        names.get(step.type)?.delete(step.name);
        of(step.type).delete(step.name);
        hear(step.type, [], [step.name]);
      }
    },
    settle(): void {
      for (let idle = 0, rounds = 0; idle < 4; rounds++) {
        assert.ok(rounds < 1000, 'the stream does not come to rest');
        const sent = push();
        for (const type of TYPES) answer(type, 'nothing', false);
        if (!sent) state.ripen();
        idle = sent ? 0 : idle + 1;
      }
    },
    check(): void {
      const stale: EncodedResource[] = [];
      for (const type of TYPES) {
        const all = wanted.get(type) ?? new Map<string, EncodedResource>();
        for (const [name, one] of all) {
          if (!WILDCARD.has(type) && names.get(type)?.has(name) !== true) continue;
          const held = of(type).get(name);
          if (!isBad(one)) assert.equal(held?.version, one.version, `${type} ${name} is not in force`);
          else {
            assert.equal(state.quarantined(type).get(name), one.version, `${name} was never tried`);
            if (held !== undefined) stale.push(held);
            stale.push(...doubtful.filter((other) => other.typeUrl === type && other.name === name));
          }
        }
      }
      for (const type of TYPES) {
        // The state of the world has no word for the removal of what is subscribed by name.
        if (protocol === 'world' && !WILDCARD.has(type)) continue;
        for (const name of of(type).keys()) {
          if (wanted.get(type)?.has(name) === true) continue;
          const user = stale.some((one) => Buffer.from(one.bytes).includes(name));
          assert.ok(user, `${type} ${name} was not removed`);
        }
      }
    },
  };
}

for (const protocol of ['delta', 'world'] as const) {
  test(`whatever the order: what is in force in the end is what is wanted, less what is refused (${protocol})`, () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const proxy = createProxy(protocol);
        for (const step of steps) proxy.step(step);
        const resources = steps.flatMap((step) => (step.do === 'want' ? step.resources : [])).slice(-8);
        proxy.step({ do: 'want', resources });
        proxy.settle();
        proxy.check();
      }),
      { numRuns: 3000 },
    );
  });
}
