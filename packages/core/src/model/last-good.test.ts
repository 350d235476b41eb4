import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../decide/decide.ts';
import { policyFaults } from '../plan/plan.ts';
import { meshOf } from '../testing/mesh.ts';
import { meshConfig, namespace, permissive, policy, trafficTarget, workload } from '../testing/objects.ts';
import type { MeshObject } from './objects.ts';
import { readSnapshot } from './read.ts';
import type { Snapshot } from './snapshot.ts';

const BASE = [
  namespace('shop'),
  ...workload('shop/web', '10.0.0.1', '10.96.0.1'),
  ...workload('shop/client', '10.0.0.2', '10.96.0.2'),
];
const GROUP = policy('HTTPRouteGroup', 'shop/routes', {
  matches: [
    { name: 'read', pathRegex: '/api', methods: ['GET'] },
    { name: 'write', pathRegex: '/api', methods: ['POST'] },
  ],
});
const TARGET = trafficTarget(
  'to-web',
  'shop/web',
  ['shop/client'],
  [{ kind: 'HTTPRouteGroup', name: 'routes', matches: ['read', 'write'] }],
);

/** The same object, stored again with another spec. */
const changed = (object: MeshObject, spec: unknown, generation = 2): MeshObject => ({
  ...object,
  metadata: { ...object.metadata, generation },
  spec,
});
/** Snapshots of the states, each with the former. */
const history = (...states: readonly (readonly MeshObject[])[]): Snapshot =>
  states.reduce<Snapshot | undefined>(
    (former, objects) => readSnapshot(meshOf([...BASE, ...objects]), former),
    undefined,
  ) as Snapshot;
const call = (method: string) => ({
  source: { namespace: 'shop', serviceAccount: 'client' },
  destination: { to: { namespace: 'shop', name: 'web' }, port: 80 },
  protocol: 'http' as const,
  method,
  path: '/api',
});
const keptOf = (snapshot: Snapshot) =>
  policyFaults(snapshot).map(({ object, field, kept }) => [object.kind, object.generation, field, kept]);

const BROKEN_TARGET = changed(TARGET, { destination: 'web' });

test('a TrafficTarget that cannot be read any more stays in force, and the proof says so', () => {
  const snapshot = history([GROUP, TARGET], [GROUP, BROKEN_TARGET]);
  const { verdict, proof } = decide(snapshot, call('GET'));
  assert.equal(verdict, 'allowed');
  assert.match(
    proof.map(({ text }) => text).join('\n'),
    /generation 2 of TrafficTarget shop\/to-web cannot be read; 1 stays in force/,
  );
  assert.ok(
    keptOf(snapshot).every(([kind, generation, , kept]) => kind === 'TrafficTarget' && generation === 2 && kept),
  );
  assert.ok(keptOf(snapshot).length > 0);
});

test('it stays in force while it is broken in other ways, and until it is deleted or mended', () => {
  const again = changed(TARGET, {}, 3);
  assert.equal(
    decide(history([GROUP, TARGET], [GROUP, BROKEN_TARGET], [GROUP, again]), call('GET')).verdict,
    'allowed',
  );
  assert.equal(decide(history([GROUP, TARGET], [GROUP, BROKEN_TARGET], [GROUP]), call('GET')).verdict, 'denied');
  const mended = changed(TARGET, { ...(TARGET.spec as object), sources: [] }, 3);
  const snapshot = history([GROUP, TARGET], [GROUP, BROKEN_TARGET], [GROUP, mended]);
  assert.equal(decide(snapshot, call('GET')).verdict, 'denied');
  assert.deepEqual(policyFaults(snapshot), []);
});

test('a new object that cannot be read has no effect', () => {
  const snapshot = history([GROUP], [GROUP, BROKEN_TARGET]);
  assert.equal(decide(snapshot, call('GET')).verdict, 'denied');
  assert.ok(keptOf(snapshot).every(([, , , kept]) => kept === undefined));
});

test('an object that was deleted and made anew is a new one', () => {
  const withUid = (object: MeshObject, uid: string): MeshObject => ({
    ...object,
    metadata: { ...object.metadata, uid },
  });
  const snapshot = history([GROUP, withUid(TARGET, 'a')], [GROUP, withUid(BROKEN_TARGET, 'b')]);
  assert.equal(decide(snapshot, call('GET')).verdict, 'denied');
});

test('of a route group the matches that are faulty stay as they were, and the others change', () => {
  const half = changed(GROUP, {
    matches: [
      { name: 'read', pathRegex: '/[', methods: ['GET'] },
      { name: 'write', pathRegex: '/api', methods: ['PUT'] },
    ],
  });
  const snapshot = history([GROUP, TARGET], [half, TARGET]);
  const verdict = (method: string) => decide(snapshot, call(method)).verdict;
  assert.deepEqual([verdict('GET'), verdict('PUT'), verdict('POST')], ['allowed', 'allowed', 'denied']);
  assert.deepEqual(keptOf(snapshot), [['HTTPRouteGroup', 2, 'spec.matches[0].pathRegex', true]]);
});

test('a TrafficSplit that cannot be read any more goes on to share out', () => {
  const more = workload('shop/web-v2', '10.0.0.3', '10.96.0.3');
  const split = policy('TrafficSplit', 'shop/web', { service: 'web', backends: [{ service: 'web-v2', weight: 1 }] });
  const snapshot = history([permissive(), ...more, split], [permissive(), ...more, changed(split, { backends: 7 })]);
  assert.deepEqual(
    decide(snapshot, call('GET')).distribution.map(({ upstream }) => upstream),
    ['shop/web-v2|80'],
  );
});

test('fields of MeshConfig that are wrong stay as they were, and the others change', () => {
  const traffic = { enablePermissiveTrafficPolicyMode: true, enableEgress: true };
  const broken = meshConfig({ traffic: { enablePermissiveTrafficPolicyMode: 'perhaps', enableEgress: false } });
  const { config, faults } = history([meshConfig({ traffic })], [broken]);
  assert.deepEqual([config.traffic.enablePermissiveTrafficPolicyMode, config.traffic.enableEgress], [true, false]);
  assert.deepEqual(
    faults.map(({ field, kept }) => [field, kept]),
    [['spec.traffic.enablePermissiveTrafficPolicyMode', true]],
  );
  assert.equal(history([broken]).config.traffic.enablePermissiveTrafficPolicyMode, false);
  const { config: whole } = history([meshConfig({ traffic })], [meshConfig('nonsense' as unknown as object)]);
  assert.equal(whole.traffic.enablePermissiveTrafficPolicyMode, true);
  assert.equal(history([meshConfig({ traffic })], []).config.traffic.enableEgress, false);
});

test('external authorization that loses its address asks the former one; without a former it denies', () => {
  const external = (more: object) =>
    meshConfig({ traffic: { inboundExternalAuthorization: { enable: true, ...more } } });
  const complete = external({ address: 'opa.opa', port: 9191, failureModeAllow: false });
  const askedOf = (snapshot: Snapshot) => snapshot.config.traffic.inboundExternalAuthorization?.address;
  assert.equal(askedOf(history([complete], [external({})])), 'opa.opa');
  const off = meshConfig({
    traffic: { inboundExternalAuthorization: { enable: false, address: 'opa.opa', port: 9191 } },
  });
  assert.equal(askedOf(history([off], [external({})])), undefined);
  assert.match(history([off], [external({})]).faults[0]?.message ?? '', /every request is denied/);
  assert.equal(history([complete], [off]).config.traffic.inboundExternalAuthorization?.enable, false);
});
