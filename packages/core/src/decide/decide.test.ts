import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshObject } from '../model/objects.ts';
import { readSnapshot } from '../model/read.ts';
import { meshOf } from '../testing/mesh.ts';
import { meshConfig, namespace, permissive, policy, trafficTarget, workload } from '../testing/objects.ts';
import type { Call, Decision } from './call.ts';
import { decide } from './decide.ts';

const MESH: readonly MeshObject[] = [
  namespace('shop'),
  ...workload('shop/buyer', '10.0.0.1', '10.96.0.1'),
  ...workload('shop/thief', '10.0.0.2', '10.96.0.2'),
  ...workload('shop/store', '10.0.0.3', '10.96.0.3', { name: 'http', port: 80, targetPort: 8080 }),
  ...workload('shop/canary', '10.0.0.4', '10.96.0.4', { name: 'http', port: 80, targetPort: 8080 }),
  ...workload('shop/db', '10.0.0.5', '10.96.0.5', { name: 'tcp-db', port: 3306 }),
  policy('HTTPRouteGroup', 'shop/routes', {
    matches: [
      { name: 'books', pathRegex: '/books/\\d+', methods: ['GET'], headers: { 'X-Client': 'buyer.*' } },
      { name: 'host', headers: { host: 'store\\.shop(:80)?' } },
      { name: 'any', pathRegex: '.*', methods: ['*'] },
    ],
  }),
  policy('TCPRoute', 'shop/mysql', { matches: { ports: [3306] } }),
  policy('TCPRoute', 'shop/other', { matches: { ports: [1] } }),
  policy('TCPRoute', 'shop/all', {}),
];
const http = (...matches: string[]): object => ({ kind: 'HTTPRouteGroup', name: 'routes', matches });
const tcp = (name: string): object => ({ kind: 'TCPRoute', name });

const call = (from: string, to: string, rest: Partial<Call> = {}, port = 80): Call => ({
  source: { namespace: 'shop', serviceAccount: from },
  destination: { to: { namespace: 'shop', name: to }, port },
  protocol: 'http',
  ...rest,
});
const decideIn = (objects: readonly MeshObject[], asked: Call): Decision =>
  decide(readSnapshot(meshOf([...MESH, ...objects])), asked);
const books = { path: '/books/1?page=2', headers: { 'X-Client': 'buyer-7' } };

const allowed: readonly [string, readonly MeshObject[], Call][] = [
  ['permissive mode', [permissive()], call('thief', 'store', { method: 'DELETE', path: '/x' })],
  ['permissive TCP', [permissive()], call('thief', 'db', { protocol: 'tcp' }, 3306)],
  ['a match', [trafficTarget('t', 'shop/store', ['shop/buyer'], [http('books')])], call('buyer', 'store', books)],
  [
    'a union of targets',
    [
      trafficTarget('a', 'shop/store', ['shop/thief'], [http('books')]),
      trafficTarget('b', 'shop/store', ['shop/buyer'], [http('any')]),
    ],
    call('buyer', 'store', books),
  ],
  ['the host header', [trafficTarget('t', 'shop/store', ['shop/buyer'], [http('host')])], call('buyer', 'store')],
  [
    'a TCP port',
    [trafficTarget('t', 'shop/db', ['shop/buyer'], [tcp('mysql')])],
    call('buyer', 'db', { protocol: 'tcp' }, 3306),
  ],
  [
    'any TCP port',
    [trafficTarget('t', 'shop/db', ['shop/buyer'], [tcp('all')])],
    call('buyer', 'db', { protocol: 'tcp' }, 3306),
  ],
  [
    'an address of a service',
    [permissive()],
    { ...call('buyer', 'store'), destination: { to: { address: '10.96.0.3' }, port: 80 } },
  ],
  [
    'the world, with egress on',
    [meshConfig({ traffic: { enableEgress: true } })],
    { ...call('buyer', 'store'), destination: { to: { address: '192.0.2.1' }, port: 443 } },
  ],
];
for (const [name, objects, asked] of allowed) {
  test(`allowed: ${name}`, () => {
    const decision = decideIn(objects, asked);
    assert.equal(decision.verdict, 'allowed', JSON.stringify(decision));
    assert.equal(decision.nearestMiss, undefined);
    assert.ok(decision.proof.length > 0);
  });
}

const denied: readonly [string, readonly MeshObject[], Call, RegExp][] = [
  ['without policies', [], call('buyer', 'store'), /create a TrafficTarget in namespace shop .* HTTPRouteGroup match/],
  [
    'another source',
    [trafficTarget('t', 'shop/store', ['shop/buyer'], [http('any')])],
    call('thief', 'store'),
    /^add ServiceAccount shop\/thief to spec\.sources of TrafficTarget shop\/t$/,
  ],
  [
    'another path',
    [trafficTarget('t', 'shop/store', ['shop/buyer'], [http('books')])],
    call('buyer', 'store', { ...books, path: '/books/x' }),
    /^widen spec\.matches\[0\] of HTTPRouteGroup shop\/routes, as path \/books\/x does not match/,
  ],
  [
    'part of a path',
    [trafficTarget('t', 'shop/store', ['shop/buyer'], [http('books')])],
    call('buyer', 'store', { ...books, path: '/books/1/edit' }),
    /path/,
  ],
  [
    'another method',
    [trafficTarget('t', 'shop/store', ['shop/buyer'], [http('books')])],
    call('buyer', 'store', { ...books, method: 'POST' }),
    /method POST is not GET/,
  ],
  [
    'an absent header',
    [trafficTarget('t', 'shop/store', ['shop/buyer'], [http('books')])],
    call('buyer', 'store', { path: '/books/1' }),
    /header x-client is absent/,
  ],
  [
    'no match named',
    [trafficTarget('t', 'shop/store', ['shop/buyer'], [http()])],
    call('buyer', 'store'),
    /create a TrafficTarget/,
  ],
  [
    'HTTP rules never open a TCP port',
    [trafficTarget('t', 'shop/db', ['shop/buyer'], [http('any')])],
    call('buyer', 'db', { protocol: 'tcp' }, 3306),
    /a TCPRoute for port 3306/,
  ],
  [
    'TCP rules never open an HTTP port',
    [trafficTarget('t', 'shop/store', ['shop/buyer'], [tcp('all')])],
    call('buyer', 'store'),
    /an HTTPRouteGroup match/,
  ],
  [
    'another TCP port',
    [trafficTarget('t', 'shop/db', ['shop/buyer'], [tcp('other')])],
    call('buyer', 'db', { protocol: 'tcp' }, 3306),
    /port 3306 is not 1/,
  ],
];
for (const [name, objects, asked, change] of denied) {
  test(`denied: ${name}`, () => {
    const decision = decideIn(objects, asked);
    assert.equal(decision.verdict, 'denied', JSON.stringify(decision));
    assert.match(decision.nearestMiss?.change ?? '', change);
  });
}

test('a caller outside the mesh is denied, in permissive mode too', () => {
  for (const source of ['outside', { namespace: 'elsewhere', serviceAccount: 'x' }] as const) {
    const decision = decideIn([permissive()], { ...call('x', 'store'), source });
    assert.equal(decision.verdict, 'denied');
    assert.equal(decision.proof[0]?.stage, 'authentication');
  }
});

test('nowhere to go: unknown services, ports, addresses, zero weights, bytes to an HTTP port', () => {
  const zero = policy('TrafficSplit', 'shop/s', { service: 'store', backends: [{ service: 'canary', weight: 0 }] });
  const cases: readonly [readonly MeshObject[], Call][] = [
    [[permissive()], call('buyer', 'nothing')],
    [[permissive()], call('buyer', 'store', {}, 81)],
    [[permissive()], { ...call('buyer', 'x'), destination: { to: { address: '192.0.2.1' }, port: 80 } }],
    [[permissive(), zero], call('buyer', 'store')],
    [[permissive()], call('buyer', 'store', { protocol: 'tcp' })],
  ];
  for (const [objects, asked] of cases) {
    const decision = decideIn(objects, asked);
    assert.equal(decision.verdict, 'not-routed', JSON.stringify(decision));
    assert.equal(decision.nearestMiss, undefined);
  }
});

test('a split is told part by part, and its proof goes through the stages in order', () => {
  const split = policy('TrafficSplit', 'shop/s', {
    service: 'store',
    backends: [
      { service: 'store', weight: 9 },
      { service: 'canary', weight: 1 },
    ],
  });
  const target = trafficTarget('t', 'shop/store', ['shop/buyer'], [http('any')]);
  const open = trafficTarget('u', 'shop/canary', ['shop/buyer'], [http('books')]);
  const decision = decideIn([split, target, open], call('buyer', 'store'));
  assert.deepEqual(decision.distribution, [
    { upstream: 'shop/store|8080', weight: 9, verdict: 'allowed' },
    { upstream: 'shop/canary|8080', weight: 1, verdict: 'denied' },
  ]);
  assert.equal(decision.verdict, 'denied');
  assert.deepEqual(
    decision.proof.map(({ stage }) => stage),
    ['route', 'split', 'authentication', 'authorization', 'authentication', 'authorization'],
  );
  assert.deepEqual(decision.proof[1]?.origin, {
    kind: 'TrafficSplit',
    namespace: 'shop',
    name: 's',
    generation: 1,
    field: 'spec.backends',
  });
  assert.match(decision.nearestMiss?.failed.join() ?? '', /path \/ does not match/);
});
