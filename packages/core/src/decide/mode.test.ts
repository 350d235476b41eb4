import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshObject } from '../model/objects.ts';
import { readSnapshot } from '../model/read.ts';
import { createPlanCache } from '../plan/cache.ts';
import { planProxy } from '../plan/plan.ts';
import { meshOf } from '../testing/mesh.ts';
import { namespace, permissive, policy, trafficTarget, workload } from '../testing/objects.ts';
import type { Call, Decision } from './call.ts';
import { decide } from './decide.ts';

const MODE = 'openservicemesh.io/permissive-traffic-policy-mode';

const annotated = (object: MeshObject, annotations: Readonly<Record<string, string>>): MeshObject => ({
  ...object,
  metadata: { ...object.metadata, annotations },
});
const shop = (annotations: Readonly<Record<string, string>> = {}): MeshObject =>
  annotated(namespace('shop'), annotations);

const MESH: readonly MeshObject[] = [
  namespace('front'),
  ...workload('front/buyer', '10.0.0.1', '10.96.0.1'),
  ...workload('front/other', '10.0.0.2', '10.96.0.2'),
  ...workload('shop/store', '10.0.0.3', '10.96.0.3', { name: 'http', port: 80, targetPort: 8080 }),
  ...workload('shop/db', '10.0.0.5', '10.96.0.5', { name: 'tcp-db', port: 3306 }),
  policy('HTTPRouteGroup', 'shop/routes', { matches: [{ name: 'read', pathRegex: '/books', methods: ['GET'] }] }),
];
const rule = { kind: 'HTTPRouteGroup', name: 'routes', matches: ['read'] };
const buyerMay = trafficTarget('buyer', 'shop/store', ['front/buyer'], [rule]);

const call = (from: string, to: string, rest: Partial<Call> = {}): Call => ({
  source: { namespace: from.split('/')[0]!, serviceAccount: from.split('/')[1]! },
  destination: { to: { namespace: to.split('/')[0]!, name: to.split('/')[1]! }, port: 80 },
  protocol: 'http',
  ...rest,
});
const decideIn = (objects: readonly MeshObject[], asked: Call): Decision =>
  decide(readSnapshot(meshOf([...MESH, ...objects])), asked);

test('the mode of a namespace takes the place of the mesh-wide one, for calls to it', () => {
  const cases: readonly [verdict: string, objects: readonly MeshObject[], asked: Call][] = [
    ['denied', [shop()], call('front/other', 'shop/store')],
    ['allowed', [shop({ [MODE]: 'enabled' })], call('front/other', 'shop/store')],
    ['denied', [shop({ [MODE]: 'enabled' })], call('shop/store', 'front/other')],
    ['allowed', [shop({ [MODE]: 'audit' })], call('front/other', 'shop/store')],
    ['allowed', [shop(), permissive()], call('front/other', 'shop/store')],
    ['denied', [shop({ [MODE]: 'disabled' }), permissive()], call('front/other', 'shop/store')],
    ['allowed', [shop({ [MODE]: 'disabled' }), permissive()], call('shop/store', 'front/other')],
    [
      'allowed',
      [shop({ [MODE]: 'disabled' }), permissive(), buyerMay],
      call('front/buyer', 'shop/store', { path: '/books' }),
    ],
    ['denied', [shop({ [MODE]: 'disabled' }), permissive(), buyerMay], call('front/buyer', 'shop/store')],
    // A word that is wrong counts for nothing.
    ['allowed', [shop({ [MODE]: 'off' }), permissive()], call('front/other', 'shop/store')],
  ];
  for (const [verdict, objects, asked] of cases) {
    const decision = decideIn(objects, asked);
    assert.equal(decision.verdict, verdict, JSON.stringify([objects, decision], undefined, 1));
  }
});

test('the proof names the annotation', () => {
  const { proof } = decideIn([shop({ [MODE]: 'enabled' })], call('front/other', 'shop/store'));
  assert.deepEqual(
    [proof.at(-1)?.origin?.kind, proof.at(-1)?.origin?.name, proof.at(-1)?.origin?.field],
    ['Namespace', 'shop', `metadata.annotations[${MODE}]`],
  );
});

test('the mode changes plans at once, and only of those whom it concerns', () => {
  const cache = createPlanCache();
  const [closed, open] = [shop(), shop({ [MODE]: 'enabled' })].map((namespaceObject) =>
    meshOf([...MESH, namespaceObject]),
  );
  const first = readSnapshot(closed!);
  const caller = {
    identity: { namespace: 'front', serviceAccount: 'other' },
    pod: { namespace: 'front', name: 'other-1' },
  };
  const server = {
    identity: { namespace: 'shop', serviceAccount: 'store' },
    pod: { namespace: 'shop', name: 'store-1' },
  };
  assert.deepEqual(planProxy(first, caller, cache)?.outbound, []);
  const former = planProxy(first, server, cache);
  const second = readSnapshot({ ...closed!, namespaces: open!.namespaces }, first);
  assert.deepEqual(
    planProxy(second, caller, cache)?.outbound.map(({ service }) => service.name),
    ['db', 'store'],
  );
  assert.equal(planProxy(second, caller, cache)?.inbound[0]?.access.mode, 'rules');
  assert.equal(former?.inbound[0]?.access.mode, 'rules');
  assert.equal(planProxy(second, server, cache)?.inbound[0]?.access.mode, 'any');
});

test('an audit decides on nothing, and says what it would decide', () => {
  const audited = annotated(buyerMay, { 'openservicemesh.io/audit': 'true' });
  const cases: readonly [verdict: string, audit: string, objects: readonly MeshObject[], asked: Call][] = [
    ['denied', 'allowed', [shop(), audited], call('front/buyer', 'shop/store', { path: '/books' })],
    ['denied', 'denied', [shop(), audited], call('front/buyer', 'shop/store', { path: '/other' })],
    ['allowed', 'allowed', [shop(), permissive(), audited], call('front/buyer', 'shop/store', { path: '/books' })],
    ['allowed', 'denied', [shop(), permissive(), audited], call('front/other', 'shop/store', { path: '/books' })],
    ['allowed', 'denied', [shop({ [MODE]: 'audit' })], call('front/other', 'shop/store')],
    [
      'allowed',
      'allowed',
      [shop({ [MODE]: 'audit' }), buyerMay],
      call('front/buyer', 'shop/store', { path: '/books' }),
    ],
  ];
  for (const [verdict, audit, objects, asked] of cases) {
    const decision = decideIn(objects, asked);
    assert.equal(decision.verdict, verdict, JSON.stringify(decision, undefined, 1));
    const step = decision.proof.find(({ stage }) => stage === 'audit');
    assert.match(step?.text ?? '', new RegExp(`^audit of shop/store, not in force: ${audit}, as `));
  }
  assert.equal(
    decideIn([shop(), buyerMay], call('front/buyer', 'shop/store')).proof.find(({ stage }) => stage === 'audit'),
    undefined,
  );
});

test('a TrafficTarget whose audit annotation is not understood is audited, and the fault is told', () => {
  const unclear = annotated(buyerMay, { 'openservicemesh.io/audit': 'maybe' });
  assert.equal(decideIn([shop(), unclear], call('front/buyer', 'shop/store', { path: '/books' })).verdict, 'denied');
  const { faults } = readSnapshot(meshOf([...MESH, shop(), unclear]));
  assert.deepEqual(
    faults.map(({ field }) => field),
    ['metadata.annotations[openservicemesh.io/audit]'],
  );
  const off = annotated(buyerMay, { 'openservicemesh.io/audit': 'false' });
  assert.equal(decideIn([shop(), off], call('front/buyer', 'shop/store', { path: '/books' })).verdict, 'allowed');
});

const MTLS = 'openservicemesh.io/mtls-mode';
const PORTS = 'openservicemesh.io/mtls-permissive-ports';
const outside = (rest: Partial<Call> = {}): Call => ({ ...call('x/x', 'shop/store', rest), source: { outside: {} } });
const onPod = (annotations: Readonly<Record<string, string>>): MeshObject => {
  const [pod] = workload('shop/store', '10.0.0.3', '10.96.0.3', { name: 'http', port: 80, targetPort: 8080 });
  return annotated(pod!, annotations);
};

test('plaintext is let in where namespace or pod say so, and nowhere else', () => {
  const cases: readonly [verdict: string, objects: readonly MeshObject[]][] = [
    ['denied', [shop()]],
    ['denied', [shop(), permissive()]],
    ['allowed', [shop({ [MTLS]: 'permissive' })]],
    ['allowed', [shop({ [MTLS]: 'Permissive ', [PORTS]: '9090, 8080' })]],
    ['denied', [shop({ [MTLS]: 'permissive', [PORTS]: '9090' })]],
    ['allowed', [shop({ [PORTS]: '8080' })]],
    ['denied', [shop({ [MTLS]: 'strict', [PORTS]: '8080' })]],
    ['denied', [shop({ [MTLS]: 'permisive' })]],
    ['denied', [shop({ [MTLS]: 'permissive', [PORTS]: '8080,http' })]],
    ['denied', [shop({ [MTLS]: 'permissive' }), onPod({ [MTLS]: 'strict' })]],
    ['allowed', [shop(), onPod({ [MTLS]: 'permissive' })]],
    ['denied', [shop({ [PORTS]: '9090' }), onPod({ [MTLS]: 'permissive' })]],
  ];
  for (const [verdict, objects] of cases) {
    assert.equal(
      decideIn(objects, outside()).verdict,
      verdict,
      JSON.stringify(objects.map(({ metadata }) => metadata)),
    );
  }
});

test('the proof says that nobody was asked for a certificate, and who wants that', () => {
  const { proof } = decideIn([shop({ [MTLS]: 'permissive' })], outside());
  assert.match(proof.at(-1)?.text ?? '', /^plaintext is let in on port 8080 .*no rule is asked$/);
  assert.equal(proof.at(-1)?.stage, 'authentication');
  assert.deepEqual([proof.at(-1)?.origin?.kind, proof.at(-1)?.origin?.name], ['Namespace', 'shop']);
  // TLS that is not the mesh's is no plaintext for an HTTP port.
  const tls = { ...outside(), source: { outside: { tls: {} } } };
  assert.equal(decideIn([shop({ [MTLS]: 'permissive' })], tls).verdict, 'denied');
});

test('who proves who it is, is judged by the rules on a port that takes plaintext too', () => {
  const open = shop({ [MTLS]: 'permissive' });
  assert.equal(decideIn([open], call('front/other', 'shop/store')).verdict, 'denied');
  assert.equal(decideIn([open, buyerMay], call('front/buyer', 'shop/store', { path: '/books' })).verdict, 'allowed');
});
