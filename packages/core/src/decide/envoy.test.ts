import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { MeshObject } from '../model/objects.ts';
import { readSnapshot } from '../model/read.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { planProxy } from '../plan/plan.ts';
import type { ProxyPlan } from '../plan/types.ts';
import { meshOf } from '../testing/mesh.ts';
import { namespace, pod, policy, service, slice, trafficTarget } from '../testing/objects.ts';
import { ask, httpApplication } from '../xds/testing/applications.ts';
import { type Address, freePort, startProxy } from '../xds/testing/envoy.ts';
import type { Call } from './call.ts';
import { decide } from './decide.ts';

/**
 * The evaluator against the real Envoy: the same world for both, the same requests, and what is decided must be what
 * happens. Worlds and requests are drawn at random from a fixed seed.
 */

const SERVER = '127.0.7.1';
const ADDRESSES = { v1: '127.0.7.11', v2: '127.0.7.12', store: '127.0.7.13' } as const;
const CLIENTS = ['bookbuyer', 'bookthief'] as const;
const SEED = 20_090_813;

const methods = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE');
const paths = fc.constantFrom('/', '/a', '/a/b', '/a/b/c?q=/x', '/A', '/items/12', '/items/x', '/a%20b', '/a//b');
const hosts = fc.constantFrom('store.bookstore', 'v1.bookstore:8080', 'other.example');
const values = fc.constantFrom('red', 'blue', 'redder');

const match = fc.record(
  {
    pathRegex: fc.constantFrom('/a', '/a/.*', '/items/\\d+', '/[a-z]+', '.*/b', '(?i)/a'),
    methods: fc.uniqueArray(fc.oneof(methods, fc.constant('*')), { minLength: 1, maxLength: 2 }),
    headers: fc.record(
      { 'X-Color': fc.constantFrom('red', 'red.*', '.*'), host: fc.constantFrom('store.*', '.*\\.example') },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const names = fc.uniqueArray(fc.constantFrom('m0', 'm1', 'm2', 'm3'), { maxLength: 3 });
const target = fc.record({
  sources: fc.uniqueArray(fc.constantFrom('bookbuyer/bookbuyer', 'bookthief/bookthief'), { minLength: 1 }),
  matches: names,
});
const weights = fc.constantFrom([1, 0], [0, 1], [1, 1], [0, 0]);
const world = fc.record({
  matches: fc.array(match, { minLength: 4, maxLength: 4 }),
  targets: fc.array(target, { minLength: 1, maxLength: 3 }),
  split: weights,
  canary: fc.option(match, { nil: undefined }),
});
const wish = fc.record({
  to: fc.constantFrom('v1' as const, 'v2' as const, 'store' as const),
  method: methods,
  path: paths,
  host: hosts,
  color: fc.option(values, { nil: undefined }),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;
type Wish = typeof wish extends fc.Arbitrary<infer T> ? T : never;

interface Ports {
  readonly port: number;
  readonly v1: number;
  readonly v2: number;
}

function objectsOf({ matches, targets, split: [a, b], canary }: World, { port, v1, v2 }: Ports): readonly MeshObject[] {
  const backing = (name: 'v1' | 'v2', targetPort: number): MeshObject[] => [
    service(`bookstore/${name}`, ADDRESSES[name], [{ name: 'http', port, targetPort }], { app: 'bookstore' }),
    slice(`bookstore/${name}`, [{ name: 'http', port: targetPort }], [[SERVER, 'bookstore-1']]),
  ];
  const backends = [
    { service: 'v1', weight: a },
    { service: 'v2', weight: b },
  ];
  const when = [{ kind: 'HTTPRouteGroup', name: 'canary' }];
  return [
    namespace('bookstore'),
    ...CLIENTS.map((name) => namespace(name)),
    pod('bookstore/bookstore-1', 'bookstore', SERVER, { app: 'bookstore' }),
    ...backing('v1', v1),
    ...backing('v2', v2),
    service('bookstore/store', ADDRESSES.store, [{ name: 'http', port }]),
    policy('HTTPRouteGroup', 'bookstore/routes', {
      matches: matches.map((entry, index) => ({ name: `m${index}`, ...entry })),
    }),
    ...targets.map(({ sources, matches: allowed }, index) =>
      trafficTarget(`t${index}`, 'bookstore/bookstore', sources, [
        { kind: 'HTTPRouteGroup', name: 'routes', matches: allowed },
      ]),
    ),
    policy('TrafficSplit', 'bookstore/split', { service: 'store', backends }),
    ...(canary === undefined
      ? []
      : [
          policy('HTTPRouteGroup', 'bookstore/canary', { matches: [{ name: 'c', ...canary }] }),
          policy('TrafficSplit', 'bookstore/canary', {
            service: 'store',
            backends: [{ service: 'v2', weight: 1 }],
            matches: when,
          }),
        ]),
  ];
}

function planOf(
  snapshot: Snapshot,
  name: string,
  at?: { readonly namespace: string; readonly name: string },
): ProxyPlan {
  const plan = planProxy(snapshot, { identity: { namespace: name, serviceAccount: name }, pod: at });
  assert.ok(plan);
  return plan;
}

/** What a client saw: the application that answered, or the proxies' refusal. */
async function happens({ to, method, path, host, color }: Wish, port: number): Promise<string> {
  const at: Address = [ADDRESSES[to], port];
  const headers = { host, ...(color !== undefined && { 'x-color': color }) };
  const answer = await ask(at, path, { method, headers });
  if (answer.status === 200) return `allowed ${String(answer.headers.server)}`;
  if (answer.status === 403 || answer.status === 404) return 'denied';
  assert.equal(answer.status, 503);
  // A server that lets nobody in at all ends the connection instead of answering.
  return /no destination|no healthy upstream/.test(answer.body) ? 'not-routed' : 'denied';
}

/** What may happen by the evaluator. */
function decided(
  snapshot: Snapshot,
  client: string,
  { to, method, path, host, color }: Wish,
  ports: Ports,
): readonly string[] {
  const call: Call = {
    source: { namespace: client, serviceAccount: client },
    destination: { to: { namespace: 'bookstore', name: to }, port: ports.port, host },
    protocol: 'http',
    method,
    path,
    ...(color !== undefined && { headers: { 'X-Color': color } }),
  };
  const { verdict, distribution } = decide(snapshot, call);
  if (verdict !== 'allowed') return [verdict];
  const applications = new Map([
    [`bookstore/v1|${ports.v1}`, 'v1'],
    [`bookstore/v2|${ports.v2}`, 'v2'],
  ]);
  return distribution.flatMap(({ upstream, weight }) => (weight > 0 ? [`allowed ${applications.get(upstream)}`] : []));
}

async function compare(t: TestContext, drawn: World, wishes: readonly Wish[]): Promise<ReadonlySet<string>> {
  const ports: Ports = {
    port: await freePort(),
    v1: await httpApplication(t, 'v1'),
    v2: await httpApplication(t, 'v2'),
  };
  const snapshot = readSnapshot(meshOf(objectsOf(drawn, ports)));
  const server = planOf(snapshot, 'bookstore', { namespace: 'bookstore', name: 'bookstore-1' });
  await startProxy(t, server, {
    inbound: [
      [SERVER, ports.v1],
      [SERVER, ports.v2],
    ],
  });
  const seen = new Set<string>();
  for (const client of CLIENTS) {
    const plan = planOf(snapshot, client);
    // Without anything to dial the proxy has no listener, and there is nobody to ask.
    if (plan.outbound.length === 0) continue;
    await t.test(client, async (own) => {
      await startProxy(own, plan, {
        outbound: Object.values(ADDRESSES).map((address): Address => [address, ports.port]),
      });
      for (const each of wishes) {
        const expected = decided(snapshot, client, each, ports);
        const happened = await happens(each, ports.port);
        assert.ok(
          expected.includes(happened),
          JSON.stringify({ client, each, expected, happened, drawn }, undefined, 1),
        );
        seen.add(happened);
      }
    });
  }
  return seen;
}

test('what is decided is what happens', async (t) => {
  const worlds = fc.sample(world, { numRuns: 4, seed: SEED });
  const seen = new Set<string>();
  for (const [index, drawn] of worlds.entries()) {
    const wishes = fc.sample(wish, { numRuns: 150, seed: SEED + index });
    await t.test(`world ${index}`, async (own) => {
      for (const what of await compare(own, drawn, wishes)) seen.add(what);
    });
  }
  // Worlds in which everything, or nothing, went through would prove little.
  assert.deepEqual([...seen].sort(), ['allowed v1', 'allowed v2', 'denied', 'not-routed']);
});
