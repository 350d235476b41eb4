import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshObject } from '../../model/objects.ts';
import { readSnapshot } from '../../model/read.ts';
import { meshOf } from '../../testing/mesh.ts';
import { namespace, policy, trafficTarget } from '../../testing/objects.ts';
import { type AccessTable, accessTo, foldAccess, NO_RULES } from './access.ts';

function fold(...objects: MeshObject[]): AccessTable {
  const { policies } = readSnapshot(meshOf([namespace('shop'), namespace('other'), ...objects]));
  return foldAccess(policies.trafficTargets, policies.httpRouteGroups, policies.tcpRoutes);
}
const group = (...matches: object[]): MeshObject => policy('HTTPRouteGroup', 'shop/g', { matches });
const rule = (...matches: string[]): object => ({ kind: 'HTTPRouteGroup', name: 'g', matches });
const matchesOf = (table: AccessTable) => table.rules.get('shop/web')?.http.map(({ match }) => match);

const matches: readonly [string, object, object][] = [
  ['nothing said is any request', {}, { path: '.*', headers: [] }],
  ['an empty path is any path', { pathRegex: '' }, { path: '.*', headers: [] }],
  [
    'methods are sorted, once',
    { methods: ['PUT', 'GET', 'PUT'] },
    { path: '.*', methods: ['GET', 'PUT'], headers: [] },
  ],
  ['a star among methods is any', { methods: ['GET', '*'] }, { path: '.*', headers: [] }],
  [
    'headers as a map, with the host',
    { headers: { Host: 'a', 'X-B': 'b' } },
    {
      path: '.*',
      headers: [
        { name: ':authority', regex: 'a' },
        { name: 'x-b', regex: 'b' },
      ],
    },
  ],
  [
    'headers as a list of maps',
    { headers: [{ b: '2', a: '1' }, { a: '0' }] },
    {
      path: '.*',
      headers: [
        { name: 'a', regex: '0' },
        { name: 'a', regex: '1' },
        { name: 'b', regex: '2' },
      ],
    },
  ],
];
for (const [name, entry, match] of matches) {
  test(`match: ${name}`, () => {
    const table = fold(group({ name: 'm', ...entry }), trafficTarget('t', 'shop/web', ['shop/a'], [rule('m')]));
    assert.deepEqual(matchesOf(table), [match]);
  });
}

test('equal matches of several targets are one rule with all sources', () => {
  const table = fold(
    group({ name: 'm', methods: ['GET'] }, { name: 'same', methods: ['GET'] }),
    trafficTarget('b', 'shop/web', ['other/z', 'shop/a'], [rule('m')]),
    trafficTarget('a', 'shop/web', ['shop/b'], [rule('same')]),
  );
  const [only, ...more] = table.rules.get('shop/web')?.http ?? [];
  assert.equal(more.length, 0);
  assert.deepEqual(
    only?.sources.map(({ namespace: ns, serviceAccount }) => `${ns}/${serviceAccount}`),
    ['other/z', 'shop/a', 'shop/b'],
  );
  assert.deepEqual(
    only?.origins.map(({ kind, name, field }) => `${kind} ${name} ${field}`),
    [
      'TrafficTarget a spec.rules[0].matches[0]',
      'HTTPRouteGroup g spec.matches[1]',
      'TrafficTarget b spec.rules[0].matches[0]',
      'HTTPRouteGroup g spec.matches[0]',
    ],
  );
});

test('rules do not depend on the order of the objects', () => {
  const objects = [
    group({ name: 'm', pathRegex: '/a' }, { name: 'n', pathRegex: '/longer' }, { name: 'o' }),
    trafficTarget('a', 'shop/web', ['shop/b'], [rule('o', 'm')]),
    trafficTarget('b', 'shop/web', ['shop/a'], [rule('n')]),
  ];
  assert.deepEqual(fold(...objects), fold(...objects.toReversed()));
  assert.deepEqual(
    matchesOf(fold(...objects))?.map((match) => match.path),
    ['/longer', '/a', '.*'],
  );
});

test('matches must be named, and sources must be given', () => {
  const table = fold(
    group({ name: 'm' }),
    trafficTarget('none', 'shop/web', ['shop/a'], [rule(), { kind: 'HTTPRouteGroup', name: 'g' }]),
    trafficTarget('nobody', 'shop/api', [], [rule('m')]),
  );
  assert.deepEqual(matchesOf(table), []);
  assert.equal(table.rules.get('shop/api'), undefined);
  assert.deepEqual([...table.targets], [['shop/a', [{ namespace: 'shop', serviceAccount: 'web' }]]]);
});

test('route groups of another namespace are not found', () => {
  const { faults } = fold(
    policy('HTTPRouteGroup', 'other/g', { matches: [{ name: 'm' }] }),
    trafficTarget('t', 'shop/web', ['shop/a'], [rule('m')]),
  );
  assert.deepEqual(
    faults.map(({ field }) => field),
    ['spec.rules[0].name'],
  );
});

test('TCP rules hold for their ports, without ports for any, and neither kind opens the other', () => {
  const table = fold(
    group({ name: 'm' }),
    policy('TCPRoute', 'shop/some', { matches: { ports: [2, 1, 2] } }),
    policy('TCPRoute', 'shop/any', {}),
    trafficTarget('t', 'shop/web', ['shop/a'], [rule('m'), { kind: 'TCPRoute', name: 'some' }]),
    trafficTarget('u', 'shop/web', ['shop/b'], [{ kind: 'TCPRoute', name: 'any' }]),
  );
  const rules = table.rules.get('shop/web') ?? NO_RULES;
  const sources = (protocol: 'http' | 'tcp', port: number): string[] => {
    const access = accessTo(rules, protocol, port);
    assert.equal(access.mode, 'rules');
    return [...access.http, ...access.tcp]
      .flatMap((each) => each.sources.map(({ serviceAccount }) => serviceAccount))
      .sort();
  };
  assert.deepEqual(sources('tcp', 1), ['a', 'b']);
  assert.deepEqual(sources('tcp', 3), ['b']);
  assert.deepEqual(sources('http', 1), ['a']);
});
