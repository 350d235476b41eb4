import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSnapshot } from '../model/read.ts';
import { meshOf } from '../testing/mesh.ts';
import { namespace, permissive, pod, policy, service, slice, workload } from '../testing/objects.ts';
import { createPlanCache } from './cache.ts';
import { planProxy, policyFaults } from './plan.ts';
import type { OutboundService, ProxyPlan } from './types.ts';

const ZONE = 'topology.kubernetes.io/zone';
const BASE = [
  permissive(),
  namespace('shop'),
  ...workload('shop/web', '10.0.0.1', '10.96.0.1'),
  ...workload('shop/v1', '10.0.0.2', '10.96.0.2'),
  ...workload('shop/v2', '10.0.0.3', '10.96.0.3'),
  pod('shop/client-north', 'client', '10.0.1.1', { [ZONE]: 'north' }),
  pod('shop/client-south', 'client', '10.0.1.2', { [ZONE]: 'south' }),
  pod('shop/client', 'client', '10.0.1.3', {}),
];
const setting = (name: string, spec: object) =>
  policy('UpstreamTrafficSetting', `shop/${name}`, { host: `${name}.shop.svc.cluster.local`, ...spec });
const split = (more: object = {}) =>
  policy('TrafficSplit', 'shop/web', {
    service: 'web',
    backends: [
      { service: 'v1', weight: 1 },
      { service: 'v2', weight: 1 },
    ],
    ...more,
  });

function planned(objects: readonly (typeof BASE)[number][], name = 'client'): ProxyPlan {
  const snapshot = readSnapshot(meshOf([...BASE, ...objects]));
  assert.deepEqual(policyFaults(snapshot), []);
  const plan = planProxy(snapshot, {
    identity: { namespace: 'shop', serviceAccount: 'client' },
    pod: { namespace: 'shop', name },
  });
  assert.ok(plan);
  return plan;
}
const called = ({ outbound }: ProxyPlan, name: string): OutboundService => {
  const found = outbound.find((each) => each.service.name === name);
  assert.ok(found);
  return found;
};

describe('settings for calls', () => {
  test('timeouts are those of the service that is called, affinity is that of where its calls go', () => {
    const plan = planned([
      split(),
      setting('web', { timeouts: { request: '1s' }, loadBalancing: { affinity: { sourceAddress: {} } } }),
      setting('v2', { timeouts: { request: '2s' }, loadBalancing: { affinity: { header: { name: 'X-User' } } } }),
    ]);
    const [route, ...others] = called(plan, 'web').routes;
    assert.equal(others.length, 0);
    assert.deepEqual(route?.timeouts, { requestMs: 1000 });
    assert.deepEqual(route?.affinity, { by: 'header', name: 'x-user' });
    assert.deepEqual(plan.upstreams.get('shop/v2|80')?.balancing, { mode: 'maglev' });
    assert.equal(plan.upstreams.get('shop/v1|80')?.balancing, undefined);
  });

  test('a path with timeouts of its own is a route of its own, with what the service has besides', () => {
    const plan = planned([
      setting('web', {
        timeouts: { request: '1s', idle: '1m' },
        httpRoutes: [
          { path: '/a', timeouts: { request: '0s' } },
          { path: '.*', timeouts: { request: '5s' } },
          { path: '/b' },
        ],
      }),
    ]);
    assert.deepEqual(
      called(plan, 'web').routes.map(({ match, timeouts }) => [match?.path, timeouts]),
      [
        ['/a', { requestMs: 0, idleMs: 60_000 }],
        [undefined, { requestMs: 5000, idleMs: 60_000 }],
      ],
    );
    assert.deepEqual(
      called(plan, 'v1').routes.map(({ timeouts }) => timeouts),
      [undefined],
    );
  });

  test('clients call their own zone first; those of no zone, and of a zone without endpoints, call all', () => {
    const web = [
      service('shop/zoned', '10.96.0.9', [{ name: 'http', port: 80 }], { app: 'zoned' }),
      {
        ...slice('shop/zoned', [{ name: 'http', port: 80 }], []),
        endpoints: ['north', 'west'].map((zone, at) => ({
          addresses: [`10.0.2.${at}`],
          conditions: { ready: true },
          zone,
          targetRef: { kind: 'Pod', namespace: 'shop', name: `zoned-${at}` },
        })),
      },
      pod('shop/zoned-0', 'zoned', '10.0.2.0', { app: 'zoned' }),
      pod('shop/zoned-1', 'zoned', '10.0.2.1', { app: 'zoned' }),
      setting('zoned', { loadBalancing: { locality: 'PreferSameZone' } }),
    ];
    const far = (name: string) =>
      planned(web, name)
        .assignments.get('shop/zoned|80')
        ?.endpoints.filter(({ fallback }) => fallback)
        .map(({ address }) => address);
    assert.deepEqual(far('client-north'), ['10.0.2.1']);
    assert.deepEqual(far('client-south'), []);
    assert.deepEqual(far('client'), []);
  });

  test('plans are told apart by zone only where a service asks for it', () => {
    const plans = (objects: readonly (typeof BASE)[number][]) => {
      const snapshot = readSnapshot(meshOf([...BASE, ...objects]));
      const cache = createPlanCache();
      const identity = { namespace: 'shop', serviceAccount: 'client' };
      return ['client-north', 'client-south'].map((name) =>
        planProxy(snapshot, { identity, pod: { namespace: 'shop', name } }, cache),
      );
    };
    const [north, south] = plans([]);
    assert.equal(north, south);
    const [own, other] = plans([setting('web', { loadBalancing: { locality: 'PreferSameZone' } })]);
    assert.notEqual(own, other);
  });

  test('a Retry policy gives a budget, unless a number of retries was set', () => {
    const retry = (more: object = {}) =>
      policy('Retry', 'shop/patient', {
        source: { kind: 'ServiceAccount', namespace: 'shop', name: 'client' },
        destinations: [{ kind: 'Service', namespace: 'shop', name: 'web' }],
        retryPolicy: { retryOn: '5xx', ...more },
      });
    const few = setting('web', { connectionSettings: { http: { maxRetries: 3 } } });
    const budget = (...objects: readonly (typeof BASE)[number][]) =>
      planned(objects).upstreams.get('shop/web|80')?.retryBudget;
    assert.deepEqual(budget(retry()), { percent: 20, minConcurrency: 10 });
    assert.equal(budget(retry(), few), undefined);
    assert.deepEqual(budget(retry({ budget: { percent: 50 } }), few), { percent: 50, minConcurrency: 10 });
    assert.equal(budget(few), undefined);
  });
});

describe('external authorization', () => {
  const config = (external: object) => ({
    ...permissive(),
    spec: { traffic: { enablePermissiveTrafficPolicyMode: true, ...external } },
  });
  const asked = (external: object, ofNamespace?: string, ofPod?: string) => {
    const annotated = (object: (typeof BASE)[number], name: string | undefined) =>
      name === undefined
        ? object
        : {
            ...object,
            metadata: { ...object.metadata, annotations: { 'openservicemesh.io/external-authorization': name } },
          };
    const snapshot = readSnapshot(
      meshOf([
        config(external),
        annotated(namespace('shop'), ofNamespace),
        annotated(pod('shop/web-1', 'web', '10.0.0.1', { app: 'web' }), ofPod),
      ]),
    );
    const plan = planProxy(snapshot, {
      identity: { namespace: 'shop', serviceAccount: 'web' },
      pod: { namespace: 'shop', name: 'web-1' },
    });
    const { externalAuthorization } = plan?.settings ?? {};
    const told = policyFaults(snapshot).map(({ object }) => object.kind);
    return [externalAuthorization && (externalAuthorization.at?.address ?? 'nobody'), ...told];
  };
  const mesh = { inboundExternalAuthorization: { enable: true, address: 'mesh', port: 1, failureModeAllow: true } };
  const both = { ...mesh, externalAuthorizers: [{ name: 'own', address: 'own', port: 2 }] };

  test("the pod's service counts more than its namespace's, and that more than the mesh's", () => {
    assert.deepEqual(asked({}), [undefined]);
    assert.deepEqual(asked(mesh), ['mesh']);
    assert.deepEqual(asked(both, 'own'), ['own']);
    assert.deepEqual(asked(both, 'disabled'), [undefined]);
    assert.deepEqual(asked(both, undefined, 'own'), ['own']);
    assert.deepEqual(asked(both, 'disabled', 'own'), ['own']);
    assert.deepEqual(asked(both, 'own', 'disabled'), ['own']);
  });

  test('what is wanted and unknown has nobody to ask', () => {
    assert.deepEqual(asked(both, 'other'), ['nobody', 'Namespace']);
    assert.deepEqual(asked(both, undefined, 'other'), ['nobody']);
    assert.deepEqual(asked({ inboundExternalAuthorization: { enable: true } }), ['nobody', 'MeshConfig']);
  });
});
