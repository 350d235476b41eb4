import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshObject } from '../model/objects.ts';
import { readSnapshot } from '../model/read.ts';
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
import type { Call, Decision, Outsider, Verdict } from './call.ts';
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
  for (const source of [{ outside: {} }, { namespace: 'elsewhere', serviceAccount: 'x' }]) {
    const decision = decideIn([permissive()], { ...call('x', 'store'), source });
    assert.equal(decision.verdict, 'denied');
    assert.equal(decision.proof.at(-1)?.stage, 'authentication');
    assert.match(decision.nearestMiss?.change ?? '', /create an IngressBackend in namespace shop .* store, port 8080/);
  }
});

const ingress = (protocol: string, rest: object, ...sources: object[]): MeshObject =>
  policy('IngressBackend', 'shop/in', {
    backends: [{ name: 'store', port: { number: 8080, protocol }, ...rest }],
    sources,
  });
const principal = { kind: 'AuthenticatedPrincipal', name: 'gateway.edge.cluster.local' };
const range = { kind: 'IPRange', name: '192.0.2.0/24' };
const secured = { tls: { skipClientCertValidation: false, sniHosts: ['store.example'] } };

test('an IngressBackend lets its sources in, and no others', () => {
  const cases: readonly [MeshObject, Outsider, 'allowed' | 'denied'][] = [
    [ingress('http', {}, range), { address: '192.0.2.9' }, 'allowed'],
    [ingress('http', {}, range), { address: '192.0.3.9' }, 'denied'],
    [ingress('http', {}, range), {}, 'denied'],
    [ingress('http', {}, range), { address: '192.0.2.9', tls: {} }, 'denied'],
    [ingress('http', {}), { address: '198.51.100.1' }, 'allowed'],
    [
      ingress('https', secured, principal),
      { tls: { serverName: 'store.example', principal: principal.name } },
      'allowed',
    ],
    [ingress('https', secured, principal), { tls: { serverName: 'store.example', principal: 'thief' } }, 'denied'],
    [ingress('https', secured, principal), { tls: { serverName: 'other', principal: principal.name } }, 'denied'],
    [ingress('https', secured, principal), {}, 'denied'],
    [ingress('https', { tls: { skipClientCertValidation: true } }), { tls: {} }, 'allowed'],
    // Validation without anybody to let in opens nothing.
    [ingress('https', secured), { tls: { serverName: 'store.example' } }, 'denied'],
  ];
  for (const [backend, outside, verdict] of cases) {
    const decision = decideIn([backend], { ...call('x', 'store'), source: { outside } });
    assert.equal(decision.verdict, verdict, JSON.stringify([backend.spec, outside, decision]));
  }
});

test('an Egress lets out what it names, and no more', () => {
  const sources = [{ kind: 'ServiceAccount', namespace: 'shop', name: 'buyer' }];
  const egress = policy('Egress', 'shop/out', {
    sources,
    hosts: ['api.example.com', '*.example.net'],
    ports: [
      { number: 80, protocol: 'HTTP' },
      { number: 443, protocol: 'https' },
    ],
    matches: [{ kind: 'HTTPRouteGroup', name: 'reads' }],
  });
  const mail = policy('Egress', 'shop/mail', {
    sources,
    ipAddresses: ['192.0.2.0/24'],
    ports: [{ number: 25, protocol: 'tcp' }],
  });
  const reads = policy('HTTPRouteGroup', 'shop/reads', {
    matches: [{ name: 'get', pathRegex: '/get', methods: ['GET'] }],
  });
  const out = (port: number, host: string | undefined, rest: Partial<Call>, address = '198.51.100.7'): Call => ({
    ...call('buyer', 'x', rest),
    destination: { to: { address }, port, ...(host !== undefined && { host }) },
  });
  const cases: readonly [Call, Verdict][] = [
    [out(80, 'api.example.com', { path: '/get' }), 'allowed'],
    [out(80, 'API.example.com:80', { path: '/get?x' }), 'allowed'],
    [out(80, 'a.b.example.net', { path: '/get' }), 'allowed'],
    [out(80, 'example.net', { path: '/get' }), 'denied'],
    [out(80, 'api.example.com', { path: '/post' }), 'denied'],
    [out(80, 'other.example.com', { path: '/get' }), 'denied'],
    [out(443, 'api.example.com', { protocol: 'tcp' }), 'allowed'],
    [out(443, 'evil.example', { protocol: 'tcp' }), 'denied'],
    [out(25, undefined, { protocol: 'tcp' }, '192.0.2.1'), 'allowed'],
    [out(25, undefined, { protocol: 'tcp' }), 'denied'],
    [out(26, undefined, { protocol: 'tcp' }), 'not-routed'],
    [
      { ...out(80, 'api.example.com', { path: '/get' }), source: { namespace: 'shop', serviceAccount: 'thief' } },
      'not-routed',
    ],
  ];
  for (const [asked, verdict] of cases) {
    const decision = decideIn([egress, mail, reads], asked);
    assert.equal(decision.verdict, verdict, JSON.stringify([asked, decision]));
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

test('pods are called by their services, not by their own addresses', () => {
  const passing = meshConfig({ traffic: { enableEgress: true, enablePermissiveTrafficPolicyMode: true } });
  const to = { address: '10.0.0.3' };
  assert.equal(decideIn([passing], { ...call('buyer', 'x'), destination: { to, port: 8080 } }).verdict, 'not-routed');
  const store = { address: '10.96.0.3' };
  assert.equal(
    decideIn([passing], { ...call('buyer', 'x'), destination: { to: store, port: 81 } }).verdict,
    'not-routed',
  );
  const opened = ingress('http', {}, range);
  const source = { outside: { address: '192.0.2.9' } };
  assert.equal(decideIn([opened], { ...call('x', 'x'), source, destination: { to, port: 8080 } }).verdict, 'allowed');
});

test('the name of a headless service leads to its pods', () => {
  const objects = [
    pod('shop/set-0', 'set', '10.0.0.9', { app: 'set' }),
    service('shop/set', 'None', [{ port: 80 }], { app: 'set' }),
    slice('shop/set', [{ port: 80 }], [['10.0.0.9', 'set-0', {}, 'set-0']]),
  ];
  const open = trafficTarget('t', 'shop/set', ['shop/buyer'], [http('any')]);
  assert.deepEqual(decideIn([...objects, open], call('buyer', 'set')).distribution, [
    { upstream: 'shop/set-0.set|80', weight: 100, verdict: 'allowed' },
  ]);
  assert.equal(decideIn(objects, call('buyer', 'set')).verdict, 'denied');
});

test('a backend that the caller may not call is denied, not lost', () => {
  const split = policy('TrafficSplit', 'shop/s', {
    service: 'store',
    backends: [
      { service: 'store', weight: 1 },
      { service: 'canary', weight: 1 },
    ],
  });
  const decision = decideIn(
    [split, trafficTarget('t', 'shop/store', ['shop/buyer'], [http('any')])],
    call('buyer', 'store'),
  );
  assert.deepEqual(
    decision.distribution.map(({ verdict }) => verdict),
    ['allowed', 'denied'],
  );
  assert.match(decision.nearestMiss?.change ?? '', /destination ServiceAccount canary/);
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
