import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../decide/decide.ts';
import type { MeshObject, MeshObjects } from '../model/objects.ts';
import { readSnapshot } from '../model/read.ts';
import type { Policy, PolicyFault, Snapshot } from '../model/snapshot.ts';
import { meshOf } from '../testing/mesh.ts';
import {
  meshConfig,
  namespace,
  permissive,
  pod,
  policy,
  service,
  slice,
  trafficTarget,
  workload,
} from '../testing/objects.ts';
import { createPlanCache } from './cache.ts';
import { planProxy, policyFaults } from './plan.ts';
import type { ProxyPlan } from './types.ts';

const proxyOf = (at: string, account: string) => {
  const [ns = '', name = ''] = at.split('/');
  return { identity: { namespace: ns, serviceAccount: account }, pod: { namespace: ns, name } };
};
const withSlice = (objects: MeshObjects, moved: MeshObject): MeshObjects => ({
  ...objects,
  endpointSlices: new Map(objects.endpointSlices).set(`${moved.metadata.namespace}/${moved.metadata.name}`, moved),
});

for (const mode of ['permissive', 'policies'] as const) {
  test(`${mode}: a moved endpoint changes its assignment, and nothing else`, () => {
    const rules = [{ kind: 'TCPRoute', name: 'x' }];
    const objects = meshOf([
      namespace('shop'),
      ...(mode === 'permissive' ? [permissive()] : []),
      ...['a', 'b', 'c'].flatMap((name, index) => workload(`shop/${name}`, `10.0.0.${index}`, `10.96.0.${index}`)),
      trafficTarget('t', 'shop/b', ['shop/a'], rules),
      trafficTarget('u', 'shop/c', ['shop/a', 'shop/b'], rules),
    ]);
    const cache = createPlanCache();
    const first = readSnapshot(objects);
    const proxies = ['a', 'b', 'c'].map((name) => proxyOf(`shop/${name}-1`, name));
    const before = proxies.map((proxy) => planProxy(first, proxy, cache));
    const moved = slice('shop/b', [{ name: 'http', port: 80 }], [['10.0.0.99', 'b-1']]);
    const second = readSnapshot(withSlice(objects, moved), first);
    const after = proxies.map((proxy) => planProxy(second, proxy, cache));
    const [a, formerA] = [after[0]!, before[0]!];
    const parts = (Object.keys(a) as (keyof ProxyPlan)[]).filter((part) => a[part] !== formerA[part]);
    assert.deepEqual(parts, ['assignments']);
    const assignments = [...a.assignments].filter(([key, value]) => formerA.assignments.get(key) !== value);
    assert.deepEqual(
      assignments.map(([key]) => key),
      ['shop/b|80'],
    );
    // Who may not call the service does not hear of it.
    if (mode === 'policies') assert.deepEqual(after.slice(1), before.slice(1));
    assert.equal(after[2] === before[2], mode === 'policies');
  });
}

test('proxies alike share one plan, and proxies unlike share their parts', () => {
  const objects = meshOf([
    namespace('shop'),
    permissive(),
    ...workload('shop/a', '10.0.0.1', '10.96.0.1'),
    pod('shop/a-2', 'a', '10.0.0.2', { app: 'a' }),
    ...workload('shop/b', '10.0.0.3', '10.96.0.2'),
  ]);
  const cache = createPlanCache();
  const snapshot = readSnapshot(objects);
  const [a1, a2, b] = [proxyOf('shop/a-1', 'a'), proxyOf('shop/a-2', 'a'), proxyOf('shop/b-1', 'b')].map((proxy) =>
    planProxy(snapshot, proxy, cache),
  );
  assert.equal(a1, a2);
  assert.notEqual(a1, b);
  assert.equal(a1?.outbound, b?.outbound);
  assert.equal(a1?.upstreams, b?.upstreams);
  assert.equal(a1?.assignments, b?.assignments);
  assert.equal(a1?.settings, b?.settings);
});

test('a proxy outside the mesh has no plan; without a pod, or with somebody else’s, it serves nothing', () => {
  const snapshot = readSnapshot(
    meshOf([namespace('shop'), permissive(), ...workload('shop/a', '10.0.0.1', '10.96.0.1')]),
  );
  assert.equal(planProxy(snapshot, proxyOf('elsewhere/a-1', 'a')), undefined);
  const identity = { namespace: 'shop', serviceAccount: 'a' };
  for (const proxy of [{ identity, pod: undefined }, proxyOf('shop/gone', 'a'), proxyOf('shop/a-1', 'thief')]) {
    const plan = planProxy(snapshot, proxy);
    assert.deepEqual(plan?.inbound, []);
    assert.equal(plan?.outbound.length, 1);
  }
});

test('only endpoints whose identity is a target are used', () => {
  const snapshot = readSnapshot(
    meshOf([
      namespace('shop'),
      pod('shop/a-1', 'a', '10.0.0.1', { app: 'web' }),
      pod('shop/b-1', 'b', '10.0.0.2', { app: 'web' }),
      service('shop/web', '10.96.0.1', [{ port: 80 }], { app: 'web' }),
      slice(
        'shop/web',
        [{ port: 80 }],
        [
          ['10.0.0.1', 'a-1'],
          ['10.0.0.2', 'b-1'],
          ['10.0.0.3', 'unknown'],
        ],
      ),
      trafficTarget('t', 'shop/a', ['shop/client'], [{ kind: 'TCPRoute', name: 'x' }]),
    ]),
  );
  const plan = planProxy(snapshot, { identity: { namespace: 'shop', serviceAccount: 'client' }, pod: undefined });
  assert.deepEqual(plan?.assignments.get('shop/web|80')?.endpoints, [
    { address: '10.0.0.1', port: 80, health: 'healthy' },
  ]);
  assert.equal(plan?.upstreams.get('shop/web|80')?.servers.length, 2);
});

const NAMES = ['a', 'b', 'c', 'd'] as const;
const name = fc.constantFrom(...NAMES);
const weight = fc.constantFrom(0, 1, 3, 50);
const regex = fc.constantFrom('.*', '/a', '/a/.*', '/(', '[a-z]+');
const place = (text: string): number => NAMES.indexOf(text as (typeof NAMES)[number]);

/** Objects of a small world in which names collide, references dangle and much is wrong. */
const anyObject: fc.Arbitrary<MeshObject> = fc.oneof(
  name.map((at) => pod(`shop/${at}-1`, at, `10.0.0.${place(at)}`, { app: at })),
  fc
    .record({ at: name, port: fc.constantFrom(80, 81), headless: fc.boolean(), by: fc.option(name) })
    .map(({ at, port, headless, by }) =>
      service(
        `shop/${at}`,
        headless ? 'None' : `10.96.0.${place(at)}`,
        [{ name: 'p', port, targetPort: 'web' }],
        by ? { app: by } : undefined,
      ),
    ),
  fc
    .record({ at: name, pods: fc.array(fc.tuple(name, fc.boolean(), fc.boolean())), port: fc.constantFrom(80, 8080) })
    .map(({ at, pods, port }) =>
      slice(
        `shop/${at}`,
        [{ name: 'p', port }],
        pods.map(
          ([to, ready, host]) =>
            [
              `10.0.0.${place(to)}`,
              `${to}-1`,
              { ready, serving: true, terminating: !ready },
              host ? to : undefined,
            ] as const,
        ),
      ),
    ),
  fc
    .record({
      at: name,
      to: name,
      from: fc.array(name),
      match: fc.array(name),
      kind: fc.constantFrom('HTTPRouteGroup', 'TCPRoute', 'UDPRoute'),
    })
    .map(({ at, to, from, match, kind }) =>
      trafficTarget(
        at,
        `shop/${to}`,
        from.map((each) => `shop/${each}`),
        [{ kind, name: 'a', matches: match }],
      ),
    ),
  fc
    .record({ at: name, of: fc.array(fc.tuple(name, regex)) })
    .map(({ at, of }) =>
      policy('HTTPRouteGroup', `shop/${at}`, { matches: of.map(([each, path]) => ({ name: each, pathRegex: path })) }),
    ),
  name.map((at) => policy('TCPRoute', `shop/${at}`, { matches: { ports: [80] } })),
  fc
    .record({ at: name, apex: name, to: fc.array(fc.tuple(name, weight)), if: fc.array(name, { maxLength: 1 }) })
    .map(({ at, apex, to, if: matches }) =>
      policy('TrafficSplit', `shop/${at}`, {
        service: apex,
        backends: to.map(([backend, share]) => ({ service: backend, weight: share })),
        matches: matches.map((group) => ({ kind: 'HTTPRouteGroup', name: group })),
      }),
    ),
  fc.record({ at: name, source: name, to: name }).map(({ at, source, to }) =>
    policy('Retry', `shop/${at}`, {
      source: { kind: 'ServiceAccount', name: source, namespace: 'shop' },
      destinations: [{ kind: 'Service', name: to, namespace: 'shop' }],
      retryPolicy: {},
    }),
  ),
  fc.record({ at: name, to: name }).map(({ at, to }) =>
    policy('UpstreamTrafficSetting', `shop/${at}`, {
      host: `${to}.shop.svc.cluster.local`,
      rateLimit: { local: { http: { requests: 1, unit: 'second' } } },
    }),
  ),
  fc.record({ at: name, from: name, to: name }).map(({ at, from, to }) =>
    policy('Egress', `shop/${at}`, {
      sources: [{ kind: 'ServiceAccount', name: from, namespace: 'shop' }],
      hosts: ['x.example'],
      ports: [{ number: 80, protocol: 'http' }],
      matches: [{ kind: 'HTTPRouteGroup', name: to }],
    }),
  ),
  fc.record({ at: name, to: name, from: name }).map(({ at, to, from }) =>
    policy('IngressBackend', `shop/${at}`, {
      backends: [{ name: to, port: { number: 80, protocol: 'http' } }],
      sources: [{ kind: 'Service', name: from, namespace: 'shop' }],
    }),
  ),
  fc.boolean().map((on) => (on ? permissive() : meshConfig({ traffic: { enableEgress: true }, sidecar: 'wrong' }))),
  fc
    .record({
      kind: fc.constantFrom(
        'TrafficTarget',
        'HTTPRouteGroup',
        'TrafficSplit',
        'Egress',
        'MeshConfig',
        'Service',
        'EndpointSlice',
        'Pod',
      ),
      at: name,
      spec: fc.anything(),
    })
    .map(({ kind, at, spec }) => ({
      ...policy(kind, kind === 'MeshConfig' ? 'osm-system/osm-mesh-config' : `shop/${at}`, {}),
      spec: ['Service', 'EndpointSlice', 'Pod'].includes(kind) ? {} : spec,
    })),
);
const world = fc.array(anyObject, { maxLength: 25 });
const meshWith = (objects: readonly MeshObject[]): MeshObjects => meshOf([namespace('shop'), ...objects]);
const dropVersion = ({ version: _, ...parts }: Snapshot) => parts;

/** Whether the object can be read: what cannot be depends on what it was before. */
const isReadable = (object: MeshObject): boolean => readSnapshot(meshWith([object])).faults.length === 0;

test('a snapshot with a former one equals one without, and so do its plans', () => {
  fc.assert(
    fc.property(fc.array(world, { minLength: 2, maxLength: 4 }), (worlds) => {
      const cache = createPlanCache();
      let snapshot: Snapshot | undefined;
      let objects: readonly MeshObject[] = [];
      for (const more of worlds) {
        // A later world keeps half of the former, so that there is something to share.
        objects = [...objects.filter((_, index) => index % 2 === 0), ...more.filter(isReadable)];
        snapshot = readSnapshot(meshWith(objects), snapshot);
        const fresh = readSnapshot(meshWith(objects));
        assert.deepEqual(dropVersion(snapshot), dropVersion(fresh));
        assert.deepEqual(policyFaults(snapshot, cache), policyFaults(fresh));
        for (const at of NAMES) {
          const proxy = proxyOf(`shop/${at}-1`, at);
          assert.deepEqual(planProxy(snapshot, proxy, cache), planProxy(fresh, proxy));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('what cannot be read stays as it last could, and is named; everything else is as without a former snapshot', () => {
  fc.assert(
    fc.property(world, world, (before, after) => {
      const former = readSnapshot(meshWith(before.filter(isReadable)));
      const snapshot = readSnapshot(meshWith(after), former);
      const fresh = readSnapshot(meshWith(after));
      const plain = ({ object, field, message }: PolicyFault) => ({ object, field, message });
      assert.deepEqual(snapshot.faults.map(plain), fresh.faults.map(plain));
      const unreadable = new Set(fresh.faults.map(({ object }) => `${object.kind} ${object.namespace}/${object.name}`));
      for (const kind of ['trafficTargets', 'trafficSplits', 'egresses', 'ingressBackends'] as const) {
        const policies: ReadonlyMap<string, Policy<unknown>> = snapshot.policies[kind];
        for (const [key, policy] of policies) {
          const good = fresh.policies[kind].get(key);
          if (good !== undefined) assert.deepEqual(policy, good);
          else {
            assert.ok(unreadable.has(`${policy.object.kind} ${key}`), key);
            assert.deepEqual(policy.spec, former.policies[kind].get(key)?.spec);
            assert.notEqual(policy.object.unreadable, undefined);
          }
        }
        for (const key of fresh.policies[kind].keys()) assert.ok(policies.has(key));
      }
    }),
    { numRuns: 300 },
  );
});

test('plans are whole: every destination has its upstream and assignment, and weights never sum to 0', () => {
  fc.assert(
    fc.property(world, (objects) => {
      const snapshot = readSnapshot(meshWith(objects));
      for (const at of NAMES) {
        const plan = planProxy(snapshot, proxyOf(`shop/${at}-1`, at))!;
        const places = plan.outbound.flatMap(({ addresses, port }) => addresses.map((address) => `${address} ${port}`));
        assert.equal(new Set(places).size, places.length, 'an address and port is that of one service');
        assert.deepEqual([...plan.assignments.keys()], [...plan.upstreams.keys()]);
        for (const { routes, addresses } of plan.outbound) {
          assert.ok(addresses.length > 0);
          assert.deepEqual(
            routes.map(({ match }) => match === undefined),
            routes.map((_, index) => index === routes.length - 1),
          );
          for (const { destinations } of routes) {
            for (const { upstream } of destinations) assert.ok(plan.upstreams.has(upstream), upstream);
            assert.ok(destinations.length === 0 || destinations.some((destination) => destination.weight > 0));
          }
        }
      }
    }),
    { numRuns: 300 },
  );
});

const anyCall = fc.record({
  source: fc.oneof(
    name.map((serviceAccount) => ({ namespace: 'shop', serviceAccount })),
    fc.record({
      outside: fc.record({ address: fc.string(), tls: fc.record({ principal: fc.string() }) }, { requiredKeys: [] }),
    }),
  ),
  destination: fc.record(
    {
      to: fc.oneof(
        name.map((service) => ({ namespace: 'shop', name: service })),
        fc.record({ address: fc.constantFrom('10.96.0.1', '10.0.0.2', 'x', '') }),
      ),
      port: fc.constantFrom(80, 81, 0, 443),
      host: fc.constantFrom('x.example', '', 'a.shop'),
    },
    { requiredKeys: ['to', 'port'] },
  ),
  protocol: fc.constantFrom('http' as const, 'tcp' as const),
  method: fc.string(),
  path: fc.string(),
  headers: fc.dictionary(fc.string(), fc.string()),
});

test('every call has a decision with a proof, and a nearest miss only when it is denied', () => {
  fc.assert(
    fc.property(world, fc.array(anyCall, { maxLength: 5 }), (objects, calls) => {
      const snapshot = readSnapshot(meshWith(objects));
      for (const call of calls) {
        const { verdict, proof, distribution, nearestMiss } = decide(snapshot, call);
        assert.ok(proof.length > 0);
        assert.equal(nearestMiss !== undefined, verdict === 'denied');
        const parts = distribution.filter((part) => part.weight > 0);
        if (verdict === 'allowed') assert.ok(parts.length > 0 && parts.every((part) => part.verdict === 'allowed'));
      }
    }),
    { numRuns: 300 },
  );
});
